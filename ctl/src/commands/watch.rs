//! `watch`.

use crate::bodies::Route;
use crate::command::Output;
use crate::facts::{Difference, Facts, differences, of_topic, topic};
use crate::failure::Failure;
use crate::report::{Column, write_row};
use crate::session::{Server, Session};
use serde_json::{Value, json};
use std::thread;
use std::time::SystemTime;

const COLUMNS: [Column; 5] = [
    Column::new("TIME", "/time"),
    Column::new("TOPIC", "/topic"),
    Column::new("BROKER", "/broker"),
    Column::new("BEFORE", "/before"),
    Column::new("AFTER", "/after"),
];

/// Writes the current facts, then each change. Reports a lost server once, and asks it again until it is back.
pub(super) fn watch(session: &Session, output: &mut Output<'_>) -> Result<u8, Failure> {
    let name = session.argument(0).unwrap_or_default();
    let mut server = Some(session.connect()?);
    let mut known = Facts::new();
    let mut lines = 0;
    loop {
        match look(session, &mut server, name) {
            Ok(facts) => {
                for difference in differences(&[known, facts.clone()]) {
                    write_row(output.writer, &row(name, &difference), &COLUMNS, output.format)?;
                    lines += 1;
                    if session.options.count.is_some_and(|max| lines >= max) {
                        return Ok(0);
                    }
                }
                known = facts;
            }
            Err(failure) => {
                if server.take().is_some() {
                    (session.warn)(&failure.to_string());
                }
            }
        }
        thread::sleep(session.options.interval());
    }
}

fn look(session: &Session, server: &mut Option<Server>, name: &str) -> Result<Facts, Failure> {
    let server = match server {
        Some(server) => server,
        None => server.insert(session.connect()?),
    };
    let route = server.ask(|client| client.route(name))?;
    Ok(facts(name, route.as_ref()))
}

/// A missing route is a fact too.
fn facts(name: &str, route: Option<&Route>) -> Facts {
    match route {
        Some(route) => of_topic(name, route),
        None => [(topic(name), "no route".to_owned())].into(),
    }
}

fn row(topic: &str, Difference { subject, values }: &Difference) -> Value {
    let broker = Some(&subject.part).filter(|part| !part.is_empty());
    let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    json!({ "time": time, "topic": topic, "broker": broker, "before": values.first(), "after": values.last() })
}
