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
use crate::Peer;
use crate::time::Now;
use crate::wire::Request;
use crate::wire::code::{request as code, response};

/// Handles a request. Those that may have to wait for a save are answered in their turn, all others at once.
pub(super) fn handle(state: &mut State, peer: Peer, request: &Request<'_>, now: Now) {
    let reply_to = ReplyTo { conn: peer.conn, opaque: request.opaque, is_oneway: request.is_oneway() };
    let answer = match request.code {
        code::REGISTER_BROKER => register::register_broker(state, peer, request, now),
        code::UNREGISTER_BROKER => unregister::unregister_broker(state, request),
        code::BROKER_HEARTBEAT => heartbeat::broker_heartbeat(state, request, now),
        code::QUERY_DATA_VERSION => heartbeat::query_data_version(state, request, now),
        code::WIPE_WRITE_PERM_OF_BROKER => topic::set_write_permission(state, peer, request, false),
        code::ADD_WRITE_PERM_OF_BROKER => topic::set_write_permission(state, peer, request, true),
        code::REGISTER_TOPIC_IN_NAMESRV => topic::register_topic(state, peer, request, now),
        code::DELETE_TOPIC_IN_NAMESRV => topic::delete_topic(state, peer, request),
        code::GET_ALL_TOPIC_LIST_FROM_NAMESERVER => list::all_topics(state),
        code::GET_TOPICS_BY_CLUSTER => list::topics_of_cluster(state, request),
        code::GET_UNIT_TOPIC_LIST => list::topics_with_flags(state, list::is_unit),
        code::GET_HAS_UNIT_SUB_TOPIC_LIST => list::topics_with_flags(state, list::is_unit_sub),
        code::GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST => {
            list::topics_with_flags(state, |flags| list::is_unit_sub(flags) && !list::is_unit(flags))
        }
        code::PUT_KV_CONFIG => return kv::put(state, reply_to, peer, request, now),
        code::GET_KV_CONFIG => return kv::read(state, reply_to, peer, request, now),
        code::DELETE_KV_CONFIG => return kv::delete(state, reply_to, peer, request, now),
        code::GET_KVLIST_BY_NAMESPACE => return kv::list(state, reply_to, peer, request, now),
        code::UPDATE_NAMESRV_CONFIG => return configuration::update(state, reply_to, peer, request),
        code::GET_NAMESRV_CONFIG => return configuration::list(state, reply_to, peer),
        _ => Answer::failure(response::REQUEST_CODE_NOT_SUPPORTED, "not a request for the registry"),
    };
    state.outbox.reply(reply_to, &answer);
}
