//! Commands that show one page of the second port: `status`, `connections`, `errors` and `misses`.

use crate::command::Outcome;
use crate::failure::Failure;
use crate::report::{Column, Report, seconds};
use crate::session::Session;
use serde_json::{Value, json};

const STATUS: [Column; 2] = [Column::new("NAME", "/name"), Column::new("VALUE", "/value")];

const CONNECTIONS: [Column; 14] = [
    Column::new("PEER", "/peer"),
    Column::new("LANGUAGE", "/language"),
    Column::new("VERSION", "/version"),
    Column::new("AGE", "/ageSeconds").shown_by(seconds),
    Column::new("IDLE", "/idleSeconds").shown_by(seconds),
    Column::new("REQUESTS", "/requests"),
    Column::new("IN", "/receivedBytes"),
    Column::new("OUT", "/sentBytes"),
    Column::new("UNREAD", "/unreadBytes"),
    Column::new("BROKERS", "/brokers"),
    Column::new("CLOSED", "/closedAt"),
    Column::new("REASON", "/reason"),
    Column::new("USER", "/user").wide(),
    Column::new("CLAIMED", "/claimedPeer").wide(),
];

const ERRORS: [Column; 6] = [
    Column::new("KIND", "/kind"),
    Column::new("COUNT", "/count"),
    Column::new("AT", "/at"),
    Column::new("PEER", "/peer"),
    Column::new("REASON", "/reason"),
    Column::new("BYTES", "/bytes").wide(),
];

const MISSES: [Column; 4] = [
    Column::new("TOPIC", "/topic"),
    Column::new("COUNT", "/count"),
    Column::new("LAST-PEER", "/lastPeer"),
    Column::new("LAST-AT", "/lastAt"),
];

/// Shows a row for each member of the summary, and for each limit.
pub(super) fn status(session: &Session) -> Result<Outcome, Failure> {
    let json = session.admin_or_default().ask("/api/v1/summary")?;
    let rows = status_rows(&json);
    Ok(Report { json, rows, columns: STATUS.to_vec() }.into())
}

fn status_rows(summary: &Value) -> Vec<Value> {
    let mut rows = Vec::new();
    for (name, value) in summary.as_object().into_iter().flatten() {
        match value.as_array() {
            None => rows.push(json!({ "name": name, "value": value })),
            Some(limits) => rows.extend(limits.iter().map(|limit| {
                let number =
                    |name| limit.get(name).filter(|value| !value.is_null()).map_or("-".to_owned(), Value::to_string);
                json!({ "name": limit.get("key"), "value": format!("{} of {}", number("used"), number("max")) })
            })),
        }
    }
    rows
}

pub(super) fn connections(session: &Session) -> Result<Outcome, Failure> {
    let state = if session.options.closed { "closed" } else { "open" };
    let json = session.admin_or_default().ask(&format!("/api/v1/connections?state={state}"))?;
    Ok(Report::new(json, "connections", &CONNECTIONS).into())
}

pub(super) fn errors(session: &Session) -> Result<Outcome, Failure> {
    let json = session.admin_or_default().ask("/api/v1/errors")?;
    Ok(Report::new(json, "errors", &ERRORS).into())
}

pub(super) fn misses(session: &Session) -> Result<Outcome, Failure> {
    let json = session.admin_or_default().ask("/api/v1/misses")?;
    Ok(Report::new(json, "misses", &MISSES).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_a_row_for_each_member_and_limit() {
        let summary = json!({ "version": "1", "limits": [{ "key": "connectionsMax", "used": null, "max": 7 }] });
        let rows = status_rows(&summary);
        assert_eq!(
            rows,
            [json!({ "name": "connectionsMax", "value": "- of 7" }), json!({ "name": "version", "value": "1" })]
        );
    }
}
