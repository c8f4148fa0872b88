//! `topics` and `topic`.

use crate::admin::encode;
use crate::bodies::Route;
use crate::command::Outcome;
use crate::escape::escape;
use crate::failure::Failure;
use crate::report::{Column, Report, permission};
use crate::session::Session;
use serde_json::{Value, json};

const TOPICS: [Column; 2] = [Column::new("TOPIC", "/name"), Column::new("BROKERS", "/brokers")];

const TOPIC: [Column; 7] = [
    Column::new("BROKER", "/broker"),
    Column::new("READ", "/readQueues"),
    Column::new("WRITE", "/writeQueues"),
    Column::new("PERM", "/perm").shown_by(permission),
    Column::new("CLUSTER", "/cluster"),
    Column::new("ADDRESSES", "/addresses"),
    Column::new("FLAGS", "/flags").wide(),
];

pub(super) fn topics(session: &Session) -> Result<Outcome, Failure> {
    let json = match &session.admin {
        Some(admin) => admin.ask_list("/api/v1/topics", "topics")?,
        None => {
            let names = session.connect()?.ask(|client| client.topics())?;
            let topics: Vec<_> = names.iter().map(|name| json!({ "name": name })).collect();
            json!({ "topics": topics })
        }
    };
    Ok(Report::new(json, "topics", &TOPICS).into())
}

pub(super) fn topic(session: &Session) -> Result<Outcome, Failure> {
    let topic = session.argument(0).unwrap_or_default();
    let json = match &session.admin {
        Some(admin) => admin.ask(&format!("/api/v1/topics/{}", encode(topic)))?,
        None => {
            let mut server = session.connect()?;
            let route = server.ask(|client| client.route(topic))?;
            let none =
                || Failure::Nothing { address: server.address.clone(), what: format!("topic {}", escape(topic)) };
            topic_json(topic, &route.ok_or_else(none)?)
        }
    };
    Ok(Report::new(json, "brokers", &TOPIC).into())
}

fn topic_json(topic: &str, route: &Route) -> Value {
    let brokers = route.queues.iter().map(|(name, queues)| {
        let group = route.groups.get(name);
        let addresses = group.map(|group| group.addresses.iter().map(|(id, address)| (id.to_string(), json!(address))));
        json!({
            "broker": name,
            "cluster": group.map(|group| &group.cluster),
            "readQueues": queues.read,
            "writeQueues": queues.write,
            "perm": queues.perm,
            "flags": queues.flags,
            "addresses": addresses.map(|addresses| addresses.collect::<serde_json::Map<_, _>>()),
        })
    });
    json!({ "name": topic, "brokers": brokers.collect::<Vec<_>>(), "order": route.order })
}
