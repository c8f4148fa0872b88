//! `diff`.

use crate::command::Outcome;
use crate::comparison::compare;
use crate::facts::{Difference, Kind};
use crate::failure::{DIFFERENT, Failure};
use crate::options::addresses;
use crate::report::{Column, Report};
use crate::session::{Server, Session};
use serde_json::{Value, json};

/// The words that `--only` accepts.
const KINDS: [(&str, Kind); 4] =
    [("clusters", Kind::Cluster), ("brokers", Kind::Broker), ("topics", Kind::Topic), ("config", Kind::Config)];

/// Compares servers.
pub(super) fn diff(session: &Session) -> Result<Outcome, Failure> {
    let mut only = Vec::new();
    for name in &session.options.only {
        match KINDS.iter().find(|(known, _)| known == name) {
            Some((_, kind)) => only.push(*kind),
            None => {
                let names = KINDS.map(|(known, _)| known).join(", ");
                return Err(Failure::Usage(format!("--only {name}: write {names}")));
            }
        }
    }
    let mut servers = connect(session)?;
    let mut found = Vec::new();
    compare(&mut servers, |kind| only.is_empty() || only.contains(&kind), |difference| found.push(difference))?;
    let names: Vec<_> = servers.into_iter().map(|server| server.address).collect();
    let status = if found.is_empty() { 0 } else { DIFFERENT };
    Ok(Outcome { report: report(&names, &found), status })
}

/// Connects to the servers on the command line, at least two.
fn connect(session: &Session) -> Result<Vec<Server>, Failure> {
    let named = match session.arguments.as_slice() {
        [] => session.addresses.clone(),
        arguments => addresses(&arguments.join(";")).map_err(Failure::Usage)?,
    };
    if named.len() < 2 {
        return Err(Failure::Usage(
            "diff compares two or more servers: `diff ADDR ADDR`, or `-n ADDR;ADDR`".to_owned(),
        ));
    }
    Ok(named.iter().map(|address| Server::connect(address, &session.way)).collect::<Result<_, _>>()?)
}

fn report(servers: &[String], found: &[Difference]) -> Report {
    let row = |Difference { subject, values }: &Difference| {
        let part = Some(&subject.part).filter(|part| !part.is_empty());
        json!({ "kind": subject.kind.name(), "name": subject.name, "part": part, "values": values })
    };
    let rows: Vec<Value> = found.iter().map(row).collect();
    let mut columns = vec![Column::new("KIND", "/kind"), Column::new("NAME", "/name"), Column::new("PART", "/part")];
    columns.extend((0..).zip(servers).map(|(index, server)| Column::of_element(server, "/values", index)));
    Report::new(json!({ "servers": servers, "differences": rows }), "differences", &columns)
}
