//! PUT_KV_CONFIG, GET_KV_CONFIG, DELETE_KV_CONFIG and GET_KVLIST_BY_NAMESPACE (Java: `KVConfigManager`).

use crate::event::Change;
use crate::registry::answer::{Answer, ReplyTo};
use crate::registry::kv::{Action, KvRequest};
use crate::registry::state::State;
use crate::registry::subject::{Administrator, subject};
use crate::time::Now;
use crate::wire::Request;
use crate::wire::code::response;
use alloc::borrow::Cow;
use alloc::string::String;

pub(super) fn put(state: &mut State, reply_to: ReplyTo, administrator: Administrator, request: &Request<'_>, now: Now) {
    match (field(request, "namespace"), field(request, "key")) {
        (Some(namespace), Some(key)) => {
            let value = field(request, "value");
            let action = Action::Put { namespace, key, value };
            handle(state, KvRequest { reply_to, administrator: Some(administrator), at: now.monotonic, action });
        }
        (Some(_) | None, Some(_) | None) => {
            let answer = Answer::failure(response::SYSTEM_ERROR, "namespace or key is null");
            administrator.report(request.code, subject(request), Change::Nothing, answer.code(), &mut state.outbox);
            state.outbox.reply(reply_to, &answer);
        }
    }
}

pub(super) fn read(state: &mut State, reply_to: ReplyTo, request: &Request<'_>, now: Now) {
    let action = Action::Read { namespace: field(request, "namespace"), key: field(request, "key") };
    handle(state, KvRequest { reply_to, administrator: None, at: now.monotonic, action });
}

pub(super) fn delete(
    state: &mut State,
    reply_to: ReplyTo,
    administrator: Administrator,
    request: &Request<'_>,
    now: Now,
) {
    let action = Action::Delete { namespace: field(request, "namespace"), key: field(request, "key") };
    handle(state, KvRequest { reply_to, administrator: Some(administrator), at: now.monotonic, action });
}

pub(super) fn list(state: &mut State, reply_to: ReplyTo, request: &Request<'_>, now: Now) {
    let action = Action::List { namespace: field(request, "namespace") };
    handle(state, KvRequest { reply_to, administrator: None, at: now.monotonic, action });
}

fn handle(state: &mut State, request: KvRequest) {
    state.kv.handle(request, state.limits.kv_bytes_max, &mut state.outbox);
}

fn field(request: &Request<'_>, name: &str) -> Option<String> {
    request.fields.value(name).map(Cow::into_owned)
}
