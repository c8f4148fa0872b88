//! UPDATE_NAMESRV_CONFIG and GET_NAMESRV_CONFIG (Java: `DefaultRequestProcessor.updateConfig`,
//! `DefaultRequestProcessor.getConfig`).

use crate::registry::answer::ReplyTo;
use crate::registry::state::State;
use crate::registry::subject::Administrator;
use crate::wire::Request;

pub(super) fn update(state: &mut State, reply_to: ReplyTo, administrator: Administrator, request: &Request<'_>) {
    let State { configuration, outbox, limits, .. } = state;
    configuration.update(reply_to, administrator, request.body, limits.frame_bytes_max, outbox);
}

pub(super) fn list(state: &mut State, reply_to: ReplyTo) {
    let State { configuration, outbox, limits, .. } = state;
    configuration.list(reply_to, limits.frame_bytes_max, outbox);
}
