//! What makes one pair of servers serve any number of sequences: everything that a sequence left behind goes again.

use super::clusters::{Clusters, Member, OBSERVER, keys, topics};
use super::run::Run;
use crate::answer::Answer;
use crate::registration::Registration;
use crate::request::Request;
use crate::server::{Reaction, Server};
use crate::step::salted;
use crate::step::words::RESETS;
use namesrv_core::kv::ORDER_TOPIC_CONFIG;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long a server may take for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Cleans up after a run.
///
/// # Errors
/// Says what does not go away.
pub(super) fn clean(server: &mut impl Server, run: &Run) -> Result<(), String> {
    let requests = run.done.iter().filter_map(|done| done.step.message()).map(|message| message.request(&run.salt));
    let undone = requests.flat_map(|request| undo(&request));
    drain(server, &run.salt, registered(run).iter().map(unregister).chain(undone).collect());
    let end = Instant::now() + PATIENCE;
    loop {
        let order = Request::new(219).field("namespace", ORDER_TOPIC_CONFIG);
        let answers = tell(server, vec![Request::new(106), Request::new(206), order]);
        let (clusters, topics, keys) = (Clusters::read(&answers[0]), topics(&answers[1]), keys(&answers[2]));
        if clusters.is_empty() && topics.is_empty() && keys.is_empty() {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(format!("{clusters:?} {topics:?} {keys:?}"));
        }
        let topics = topics.into_iter().map(|topic| Request::new(216).field("topic", topic));
        let keys =
            keys.into_iter().map(|key| Request::new(102).field("namespace", ORDER_TOPIC_CONFIG).field("key", key));
        drain(server, &run.salt, topics.chain(keys).chain(removal(&clusters)).collect());
    }
}

/// Every registration that was sent, whatever came of it.
fn registered(run: &Run) -> Vec<Member> {
    let text = |text: &Option<String>| salted(text.as_deref().unwrap_or_default(), &run.salt);
    let member = |one: &Registration| {
        (text(&one.cluster), text(&one.broker), one.id.unwrap_or_default().to_string(), text(&one.address))
    };
    let members: BTreeSet<_> = run.done.iter().filter_map(|done| done.step.registration()).map(member).collect();
    members.into_iter().collect()
}

/// What takes back what a request may have changed besides registrations.
fn undo(request: &Request) -> Vec<Request> {
    match request.code {
        100 => vec![Request { code: 102, flag: 0, ..request.clone() }],
        318 => RESETS.map(|reset| Request::new(318).body(reset)).into(),
        _ => Vec::new(),
    }
}

/// What removes members, groups without any, and names that only a cluster lists: those go with a broker that comes and
/// leaves.
fn removal(clusters: &Clusters) -> Vec<Request> {
    let mut requests: Vec<_> = clusters.members().iter().map(unregister).collect();
    for (cluster, name) in clusters.names() {
        let broom = Registration::new(&name, 99);
        let member = (cluster.clone(), name, "99".to_owned(), broom.address.clone().unwrap_or_default());
        requests.push(Registration { cluster: Some(cluster), ..broom }.request());
        requests.push(unregister(&member));
    }
    requests
}

fn unregister((cluster, name, id, address): &Member) -> Request {
    let request = Request::new(104).field("brokerName", name).field("brokerAddr", address);
    request.field("clusterName", cluster).field("brokerId", id)
}

/// Sends requests and waits until everything that was queued is done: a broker that came last is gone.
pub(super) fn drain(server: &mut impl Server, salt: &str, mut requests: Vec<Request>) {
    let last = Registration { cluster: Some("cleaning".to_owned()), ..Registration::new(&format!("last{salt}"), 0) };
    let name = last.broker.clone().unwrap_or_default();
    let member = ("cleaning".to_owned(), name.clone(), "0".to_owned(), last.address.clone().unwrap_or_default());
    requests.push(last.request());
    let end = Instant::now() + PATIENCE;
    loop {
        requests.push(unregister(&member));
        requests.push(Request::new(901).field("clusterName", "cleaning").field("brokerName", &name));
        let answers = tell(server, std::mem::take(&mut requests));
        let is_gone = |answer: Answer| answer.text().contains("\"brokerAddrs\":{}");
        if answers.last().and_then(Reaction::answer).is_some_and(is_gone) || Instant::now() > end {
            return;
        }
    }
}

fn tell(server: &mut impl Server, requests: Vec<Request>) -> Vec<Reaction> {
    let frames: Vec<_> = (1..).zip(requests).map(|(opaque, request)| request.opaque(opaque).encode()).collect();
    server.exchange_all(OBSERVER, &frames)
}
