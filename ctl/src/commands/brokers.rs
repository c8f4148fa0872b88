//! `brokers` and `clusters`.

use crate::bodies::ClusterInfo;
use crate::command::Outcome;
use crate::failure::Failure;
use crate::report::{Column, Report, seconds};
use crate::session::Session;
use serde_json::{Value, json};

/// Only the second port knows the columns after the role.
const BROKERS: [Column; 10] = [
    Column::new("CLUSTER", "/cluster"),
    Column::new("BROKER", "/name"),
    Column::new("ID", "/id"),
    Column::new("ADDRESS", "/address"),
    Column::new("ROLE", "/role"),
    Column::new("HEARD", "/secondsSinceHeartbeat").shown_by(seconds),
    Column::new("LEAVES-IN", "/secondsToEviction").shown_by(seconds),
    Column::new("TOPICS", "/topics"),
    Column::new("CONNECTION", "/connection").wide(),
    Column::new("VERSION", "/dataVersion").wide(),
];

const CLUSTERS: [Column; 4] = [
    Column::new("CLUSTER", "/name"),
    Column::new("GROUPS", "/groups"),
    Column::new("BROKERS", "/members"),
    Column::new("NAMES", "/brokers").wide(),
];

pub(super) fn brokers(session: &Session) -> Result<Outcome, Failure> {
    let json = match &session.admin {
        Some(admin) => admin.ask_list("/api/v1/brokers", "brokers")?,
        None => brokers_json(&session.connect()?.ask_cluster_info()?),
    };
    Ok(Report::new(json, "brokers", &BROKERS).into())
}

/// Lists brokers in the order of the second port: by name and identifier.
fn brokers_json(info: &ClusterInfo) -> Value {
    let mut brokers = Vec::new();
    for (name, group) in &info.groups {
        for (id, address) in &group.addresses {
            let role = if *id == 0 { "master" } else { "slave" };
            brokers.push(json!({ "cluster": group.cluster, "name": name, "id": id, "address": address, "role": role }));
        }
    }
    json!({ "brokers": brokers })
}

pub(super) fn clusters(session: &Session) -> Result<Outcome, Failure> {
    let info = session.connect()?.ask_cluster_info()?;
    Ok(Report::new(clusters_json(&info), "clusters", &CLUSTERS).into())
}

fn clusters_json(info: &ClusterInfo) -> Value {
    let clusters = info.clusters.iter().map(|(name, groups)| {
        let members = groups.iter().filter_map(|group| info.groups.get(group)).map(|group| group.addresses.len());
        json!({ "name": name, "groups": groups.len(), "members": members.sum::<usize>(), "brokers": groups })
    });
    json!({ "clusters": clusters.collect::<Vec<_>>() })
}
