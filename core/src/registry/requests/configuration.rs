//! UPDATE_NAMESRV_CONFIG and GET_NAMESRV_CONFIG (Java: `DefaultRequestProcessor.updateConfig`,
//! `DefaultRequestProcessor.getConfig`).

use crate::Peer;
use crate::registry::answer::ReplyTo;
use crate::registry::configuration::ConfigurationRequest;
use crate::registry::state::State;
use crate::wire::Request;

pub(super) fn update(state: &mut State, reply_to: ReplyTo, peer: Peer, request: &Request<'_>) {
    let State { configuration, outbox, limits, .. } = state;
    configuration.update(ConfigurationRequest { reply_to, peer }, request.body, limits.frame_bytes_max, outbox);
}

pub(super) fn list(state: &mut State, reply_to: ReplyTo, peer: Peer) {
    let State { configuration, outbox, limits, .. } = state;
    configuration.list(ConfigurationRequest { reply_to, peer }, limits.frame_bytes_max, outbox);
}
