//! `config`.

use crate::command::Outcome;
use crate::failure::Failure;
use crate::report::{Column, Report};
use crate::session::Session;
use serde_json::json;

/// Only the second port knows defaults and origins.
const COLUMNS: [Column; 4] = [
    Column::new("KEY", "/key"),
    Column::new("VALUE", "/value"),
    Column::new("DEFAULT", "/default").wide(),
    Column::new("ORIGIN", "/origin").wide(),
];

pub(super) fn config(session: &Session) -> Result<Outcome, Failure> {
    let json = match &session.admin {
        Some(admin) => admin.ask("/api/v1/config")?,
        None => {
            let configuration = session.connect()?.ask(|client| client.configuration())?;
            let items: Vec<_> =
                configuration.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
            json!({ "config": items })
        }
    };
    Ok(Report::new(json, "config", &COLUMNS).into())
}
