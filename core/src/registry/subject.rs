//! The subject of a request in events of access control.

use super::outbox::Outbox;
use crate::Peer;
use crate::access::{Grant, Refusal};
use crate::cut::{self, Bound};
use crate::event::{AdminWrite, Change, Event, RefusedRequest, Subject};
use crate::wire::Request;
use crate::wire::code::request as code;
use alloc::boxed::Box;
use alloc::string::String;

/// How much of a name or a value is shown.
const BOUND: Bound = Bound::Characters(256);

/// The sender of an administrator's request, as far as the server knows.
#[derive(Clone, Debug)]
pub(super) struct Administrator {
    pub(super) peer: Peer,
    pub(super) grant: Grant,
}

impl Administrator {
    /// Reports that the request was answered, and with what result.
    pub(super) fn report(&self, code: i32, subject: Subject, change: Change, result: i32, outbox: &mut Outbox) {
        let Self { peer, grant } = self.clone();
        if let Some(refusal) = &grant.would_refuse {
            let refusal = Refusal::clone(refusal);
            let refused = RefusedRequest { code, peer, refusal, subject: subject.clone() };
            outbox.event(Event::RequestWouldBeRefused(Box::new(refused)));
        }
        outbox.event(Event::AdminWrite(Box::new(AdminWrite { code, peer, grant, subject, change, result })));
    }
}

/// Returns what a request is about.
pub(super) fn subject(request: &Request<'_>) -> Subject {
    let value = |name: &'static str| request.fields.value(name).map(|value| (name, cut(&value)));
    names(request.code).iter().filter_map(|name| value(name)).collect()
}

/// Shortens a text that a peer chose.
pub(super) fn cut(text: &str) -> String {
    cut::cut(text, BOUND, "").into_owned()
}

/// Returns the fields that say what a request is about.
const fn names(code: i32) -> &'static [&'static str] {
    match code {
        code::PUT_KV_CONFIG | code::GET_KV_CONFIG | code::DELETE_KV_CONFIG => &["namespace", "key"],
        code::GET_KVLIST_BY_NAMESPACE => &["namespace"],
        code::WIPE_WRITE_PERM_OF_BROKER | code::ADD_WRITE_PERM_OF_BROKER => &["brokerName"],
        code::DELETE_TOPIC_IN_NAMESRV => &["topic", "clusterName"],
        code::REGISTER_TOPIC_IN_NAMESRV => &["topic"],
        code::GET_TOPICS_BY_CLUSTER => &["cluster"],
        code::REGISTER_BROKER
        | code::UNREGISTER_BROKER
        | code::QUERY_DATA_VERSION
        | code::BROKER_HEARTBEAT
        | code::GET_BROKER_MEMBER_GROUP => &["clusterName", "brokerName", "brokerAddr"],
        _ => &[],
    }
}
