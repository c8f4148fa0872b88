//! `diff`.

use crate::command::Outcome;
use crate::facts::{Difference, Facts, differences, of_brokers, of_clusters, of_configuration, of_topic};
use crate::failure::{DIFFERENT, Failure};
use crate::options::addresses;
use crate::report::{Column, Report};
use crate::session::{Server, Session};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What `--only` may name.
const KINDS: [&str; 4] = ["clusters", "brokers", "topics", "config"];
/// Topics whose routes are compared at once.
const TOPICS_AT_ONCE: usize = 1024;

/// Compares servers; only what differs is kept, so that very many topics cost no memory.
pub(super) fn diff(session: &Session) -> Result<Outcome, Failure> {
    let only = &session.options.only;
    if let Some(unknown) = only.iter().find(|kind| !KINDS.contains(&&***kind)) {
        return Err(Failure::Usage(format!("--only {unknown}: write {}", KINDS.join(", "))));
    }
    let is_wanted = |kind: &str| only.is_empty() || only.iter().any(|wanted| wanted == kind);
    let mut servers = connect(session)?;
    let mut found = Vec::new();
    if is_wanted("clusters") || is_wanted("brokers") {
        let infos = of_each(&mut servers, Server::ask_cluster_info)?;
        for (kind, of) in [("clusters", of_clusters as fn(&_) -> Facts), ("brokers", of_brokers)] {
            if is_wanted(kind) {
                found.extend(differences(&infos.iter().map(of).collect::<Vec<_>>()));
            }
        }
    }
    if is_wanted("topics") {
        found.extend(topics(&mut servers)?);
    }
    if is_wanted("config") {
        let configurations = of_each(&mut servers, |server| server.ask(|client| client.configuration()))?;
        found.extend(differences(&configurations.iter().map(of_configuration).collect::<Vec<_>>()));
    }
    let names: Vec<_> = servers.into_iter().map(|server| server.address).collect();
    let status = if found.is_empty() { 0 } else { DIFFERENT };
    Ok(Outcome { report: report(&names, &found), status })
}

/// Connects to the servers of the command line, which are at least two.
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
    named.iter().map(|address| Server::connect(address, &session.way)).collect()
}

fn of_each<T>(servers: &mut [Server], ask: impl FnMut(&mut Server) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
    servers.iter_mut().map(ask).collect()
}

/// A topic that a server does not have is one difference, not one for each broker.
fn topics(servers: &mut [Server]) -> Result<Vec<Difference>, Failure> {
    let lists = of_each(servers, |server| server.ask(|client| client.topics()))?;
    let all: Vec<_> = lists.iter().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let mut found = Vec::new();
    for topics in all.chunks(TOPICS_AT_ONCE) {
        let routes = of_each(servers, |server| server.ask(|client| client.routes(topics)))?;
        for (index, topic) in topics.iter().enumerate() {
            let routes: Vec<_> = routes.iter().map(|routes| routes.get(index).and_then(Option::as_ref)).collect();
            let has_it = |present: bool| [(crate::facts::topic(topic), if present { "yes" } else { "no" }.to_owned())];
            found.extend(if routes.iter().all(Option::is_some) {
                differences(&routes.iter().flatten().map(|route| of_topic(topic, route)).collect::<Vec<_>>())
            } else {
                differences(&routes.iter().map(|route| has_it(route.is_some()).into()).collect::<Vec<_>>())
            });
        }
    }
    Ok(found)
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
