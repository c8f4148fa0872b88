//! `events`.

use crate::admin::{Admin, AdminError, encode};
use crate::command::Output;
use crate::failure::Failure;
use crate::report::{Column, Format, Report, write_row};
use crate::session::Session;
use serde_json::{Map, Value, json};
use std::io;

/// The most pages of a list. Each page has a thousand events, and a server keeps ten thousand.
const PAGES_MAX: usize = 100;

/// The last column has the members without their own column.
const COLUMNS: [Column; 7] = [
    Column::new("SEQ", "/seq"),
    Column::new("TIME", "/time"),
    Column::new("TYPE", "/type"),
    Column::new("USER", "/user"),
    Column::new("PEER", "/peer"),
    Column::new("REASON", "/reason"),
    Column::new("ABOUT", "/about"),
];
/// Members with their own column.
const IN_COLUMNS: [&str; 6] = ["seq", "time", "type", "user", "peer", "reason"];

pub(super) fn events(session: &Session, output: &mut Output<'_>) -> Result<u8, Failure> {
    let admin = session.admin_or_default();
    let options = &session.options;
    let types = options.event_type.as_deref().map(|types| format!("&type={}", encode(types))).unwrap_or_default();
    if options.follow {
        let after = options.after.as_deref().map(|after| format!("&after={after}")).unwrap_or_default();
        return follow(&admin, &format!("/api/v1/events?follow{after}{types}"), output);
    }
    let json = json!({ "events": list(&admin, options.after.as_deref(), &types)? });
    let mut report = Report::new(json, "events", &COLUMNS);
    report.rows.iter_mut().for_each(gather);
    report.write(output.writer, output.format, output.is_colourful)?;
    Ok(0)
}

/// Returns the newest events, or all events after a number.
fn list(admin: &Admin, after: Option<&str>, types: &str) -> Result<Vec<Value>, Failure> {
    let mut events = Vec::new();
    let mut after = after.map(str::to_owned);
    for _ in 0..PAGES_MAX {
        let from = after.as_deref().map(|after| format!("&after={after}")).unwrap_or_default();
        let mut page = admin.ask(&format!("/api/v1/events?limit=1000{from}{types}"))?;
        let Some(Value::Array(more)) = page.get_mut("events").map(Value::take) else {
            return Err(admin.failure(AdminError::Body));
        };
        events.extend(more);
        match page.get("next").and_then(Value::as_u64) {
            Some(next) => after = Some(next.to_string()),
            None => break,
        }
    }
    Ok(events)
}

/// Writes events as they happen.
fn follow(admin: &Admin, path: &str, output: &mut Output<'_>) -> Result<u8, Failure> {
    let mut result: Result<(), io::Error> = Ok(());
    let mut is_event = true;
    let followed = admin.follow(path, |line| {
        let Ok(mut event) = serde_json::from_slice::<Value>(line) else {
            is_event = false;
            return false;
        };
        if output.format != Format::Json {
            gather(&mut event);
        }
        result = write_row(output.writer, &event, &COLUMNS, output.format);
        result.is_ok()
    });
    result?;
    followed.map_err(|error| admin.failure(error))?;
    if is_event { Ok(0) } else { Err(admin.failure(AdminError::Body)) }
}

/// Combines all members without their own column into one.
fn gather(event: &mut Value) {
    let Some(members) = event.as_object_mut() else { return };
    let others = members.iter().filter(|(name, _)| !IN_COLUMNS.contains(&name.as_str()));
    let others: Map<_, _> = others.map(|(name, value)| (name.clone(), value.clone())).collect();
    if !others.is_empty() {
        members.insert("about".to_owned(), others.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line_whatever_it_has() {
        let mut event = json!({ "seq": 7, "time": "T", "type": "kv_put", "key": "k\u{1b}", "namespace": "n" });
        gather(&mut event);
        let mut output = Vec::new();
        write_row(&mut output, &event, &COLUMNS, Format::Tsv).unwrap();
        assert_eq!(String::from_utf8(output).unwrap(), "7\tT\tkv_put\t\t\t\tkey=k\\u{1b},namespace=n\n");
        let mut other = json!([]);
        gather(&mut other);
        assert_eq!(other, json!([]));
    }
}
