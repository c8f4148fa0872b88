//! `health`.

use crate::command::Outcome;
use crate::failure::{Failure, NO_ANSWER};
use crate::health::check_health;
use crate::report::{Column, Report};
use crate::session::Session;
use serde_json::json;

const COLUMNS: [Column; 3] =
    [Column::new("ADDRESS", "/address"), Column::new("SERVING", "/serving"), Column::new("REASON", "/reason")];

/// Asks each server. The answer is no if any of them does not serve.
pub(super) fn health(session: &Session) -> Result<Outcome, Failure> {
    let mut all_serve = true;
    let servers = session.addresses.iter().map(|address| {
        let error = check_health(address, &session.way).err();
        all_serve &= error.is_none();
        json!({ "address": address, "serving": error.is_none(), "reason": error.map(|error| error.to_string()) })
    });
    let servers: Vec<_> = servers.collect();
    let report = Report::new(json!({ "servers": servers }), "servers", &COLUMNS);
    Ok(Outcome { report, status: if all_serve { 0 } else { NO_ANSWER } })
}
