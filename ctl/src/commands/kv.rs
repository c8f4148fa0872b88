//! `kv`.

use crate::command::Outcome;
use crate::escape::escape;
use crate::failure::Failure;
use crate::report::{Column, Report};
use crate::session::Session;
use serde_json::json;

/// The namespace that RocketMQ itself uses. No request lists namespaces.
const ORDER_TOPIC_CONFIG: &str = "ORDER_TOPIC_CONFIG";

const COLUMNS: [Column; 2] = [Column::new("KEY", "/key"), Column::new("VALUE", "/value")];

pub(super) fn kv(session: &Session) -> Result<Outcome, Failure> {
    let namespace = session.argument(0).unwrap_or(ORDER_TOPIC_CONFIG);
    let mut server = session.connect()?;
    let entries = match session.argument(1) {
        None => server.ask(|client| client.kv_table(namespace))?,
        Some(key) => {
            let value = server.ask(|client| client.kv_value(namespace, key))?;
            value.map(|value| [(key.to_owned(), value)].into())
        }
    };
    let Some(entries) = entries else {
        let name = session.arguments.last().map_or(ORDER_TOPIC_CONFIG, String::as_str);
        let kind = if session.arguments.len() == 2 { "KV entry" } else { "KV namespace" };
        return Err(Failure::Nothing { address: server.address, what: format!("{kind} {}", escape(name)) });
    };
    let entries: Vec<_> = entries.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    Ok(Report::new(json!({ "namespace": namespace, "entries": entries }), "entries", &COLUMNS).into())
}
