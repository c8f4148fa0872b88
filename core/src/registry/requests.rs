//! Requests: one function for each. It reads the header, decides, and calls the verbs of the tables.

mod configuration;
mod heartbeat;
mod kv;
mod list;
mod register;
mod topic;
mod unregister;

use super::answer::{Answer, ReplyTo};
use super::state::State;
use super::subject::{Administrator, subject};
use crate::Peer;
use crate::access::{AllowedBy, Class, Grant, Refusal, Verdict};
use crate::connection::answer::answer_from_view;
use crate::event::{Change, Event, RefusedRequest};
use crate::time::Now;
use crate::wire::Request;
use crate::wire::code::{request as code, response};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Handles a request as the verdict says.
pub(super) fn handle(state: &mut State, peer: Peer, request: &Request<'_>, verdict: Verdict, now: Now) {
    let reply_to =
        ReplyTo { conn: peer.conn, code: request.code, opaque: request.opaque, is_oneway: request.is_oneway() };
    let class = Class::of(request.code);
    // A broker may read without a signature what others need a signature for.
    let is_open = class == Class::Read && state.tables.has_connection(peer.conn);
    if !is_open {
        report_previous_secret(state, peer, request.code, &verdict);
    }
    let grant = match verdict {
        Verdict::Granted(grant) if !is_open => grant,
        Verdict::Refused(refusal) if !is_open => return refuse(state, reply_to, peer, request, *refusal),
        Verdict::Open | Verdict::Granted(_) | Verdict::Refused(_) => Grant::default(),
    };
    match class {
        Class::Admin => administer(state, reply_to, Administrator { peer, grant }, request, now),
        Class::Route | Class::Read | Class::Broker | Class::Other => {
            serve(state, reply_to, peer, request, &grant, now);
        }
    }
}

/// Reports users who still use a secret that is being replaced.
fn report_previous_secret(state: &mut State, peer: Peer, code: i32, verdict: &Verdict) {
    if let Verdict::Granted(Grant { user: Some(user), allowed_by: AllowedBy::PreviousSecret, .. }) = verdict {
        state.outbox.event(Event::PreviousSecretUsed { user: Arc::clone(user), code, peer });
    }
}

fn refuse(state: &mut State, reply_to: ReplyTo, peer: Peer, request: &Request<'_>, refusal: Refusal) {
    let answer = Answer::failure(response::NO_PERMISSION, refusal.remark());
    let refused = RefusedRequest { code: request.code, peer, refusal, subject: subject(request) };
    state.outbox.event(Event::RequestRefused(Box::new(refused)));
    state.outbox.reply(reply_to, &answer);
}

/// Handles a request of an administrator. Requests that may wait for a save are answered in their turn, all others at
/// once.
fn administer(state: &mut State, reply_to: ReplyTo, administrator: Administrator, request: &Request<'_>, now: Now) {
    let (answer, change) = match request.code {
        code::PUT_KV_CONFIG => return kv::put(state, reply_to, administrator, request, now),
        code::DELETE_KV_CONFIG => return kv::delete(state, reply_to, administrator, request, now),
        code::UPDATE_NAMESRV_CONFIG => return configuration::update(state, reply_to, administrator, request),
        code::WIPE_WRITE_PERM_OF_BROKER => topic::set_write_permission(state, request, false),
        code::ADD_WRITE_PERM_OF_BROKER => topic::set_write_permission(state, request, true),
        code::DELETE_TOPIC_IN_NAMESRV => topic::delete_topic(state, request),
        _ => (unknown(), Change::Nothing),
    };
    administrator.report(request.code, subject(request), change, answer.code(), &mut state.outbox);
    state.outbox.reply(reply_to, &answer);
}

/// Handles any other request.
fn serve(state: &mut State, reply_to: ReplyTo, peer: Peer, request: &Request<'_>, grant: &Grant, now: Now) {
    if request.code != code::REGISTER_BROKER
        && let Some(refusal) = grant.would_refuse.as_deref()
    {
        let refusal = refusal.clone();
        let refused = RefusedRequest { code: request.code, peer, refusal, subject: subject(request) };
        state.outbox.event(Event::RequestWouldBeRefused(Box::new(refused)));
    }
    let answer = match request.code {
        code::REGISTER_BROKER => register::register_broker(state, peer, request, grant, now),
        code::UNREGISTER_BROKER => unregister::unregister_broker(state, peer, request),
        code::BROKER_HEARTBEAT => heartbeat::broker_heartbeat(state, peer, request, now),
        code::QUERY_DATA_VERSION => heartbeat::query_data_version(state, peer, request, now),
        code::REGISTER_TOPIC_IN_NAMESRV => topic::register_topic(state, peer, request, now),
        code::GET_ALL_TOPIC_LIST_FROM_NAMESERVER => list::all_topics(state),
        code::GET_TOPICS_BY_CLUSTER => list::topics_of_cluster(state, request),
        code::GET_UNIT_TOPIC_LIST => list::topics_with_flags(state, list::is_unit),
        code::GET_HAS_UNIT_SUB_TOPIC_LIST => list::topics_with_flags(state, list::is_unit_sub),
        code::GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST => {
            list::topics_with_flags(state, |flags| list::is_unit_sub(flags) && !list::is_unit(flags))
        }
        code::GET_KV_CONFIG => return kv::read(state, reply_to, request, now),
        code::GET_KVLIST_BY_NAMESPACE => return kv::list(state, reply_to, request, now),
        code::GET_NAMESRV_CONFIG => return configuration::list(state, reply_to),
        code::GET_BROKER_CLUSTER_INFO | code::GET_BROKER_MEMBER_GROUP | code::GET_SYSTEM_TOPIC_LIST_FROM_NS => {
            match state.publisher.last() {
                Some(view) => {
                    let write = |output: &mut Vec<u8>| answer_from_view(request, view, output);
                    return state.outbox.reply_from_view(reply_to, write);
                }
                None => Answer::failure(response::SYSTEM_ERROR, "there is no view yet"),
            }
        }
        _ => unknown(),
    };
    state.outbox.reply(reply_to, &answer);
}

fn unknown() -> Answer {
    Answer::failure(response::REQUEST_CODE_NOT_SUPPORTED, "not a request for the registry")
}
