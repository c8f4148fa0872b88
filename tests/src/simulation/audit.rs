//! What a server tells the operator and answers about its KV table, compared with what its clients told it.

use super::invariant::{Invariant, Verdict, about, violated};
use super::kv_ledger::{KvKey, KvLedger};
use super::threads::Context;
use crate::answer::Answer;
use crate::event_kind::event_kind;
use crate::scenario::render;
use crate::world::Happening;
use namesrv_core::event::Event;
use namesrv_core::node::Output;
use std::collections::BTreeMap;

/// Compares what the operator is told of a batch with what `expected` says happened in it.
pub(super) fn hear_of(outputs: &[Output], expected: Vec<String>, context: &mut Context<'_>) {
    let simulator = &mut *context.simulator;
    let mut untold: Vec<_> = expected.into_iter().filter(|line| !line.starts_with("event: refused ")).collect();
    for output in outputs {
        let Output::Event(event) = output else { continue };
        simulator.coverage.count(&format!("event {}", event_kind(event)));
        let Some(line) = line(event) else { continue };
        simulator.note(format_args!("{line}"));
        match untold.iter().position(|expected| *expected == line) {
            Some(at) => drop(untold.swap_remove(at)),
            None => simulator.check(violated(about(&line, true), format!("{line}: it did not happen"))),
        }
    }
    if let Some(line) = untold.pop() {
        simulator.check(violated(about(&line, false), format!("{line}: nobody is told")));
    }
}

/// An event as the model puts it, if it is about brokers or topics that the server knows.
fn line(event: &Event) -> Option<String> {
    match event {
        Event::BrokerRegistered { .. }
        | Event::BrokerChanged { .. }
        | Event::BrokerUnregistered { .. }
        | Event::BrokerEvicted { .. }
        | Event::ClusterConflict { .. }
        | Event::TopicRegistered { .. }
        | Event::IdentifierTakenOver { .. }
        | Event::Late { .. } => {}
        Event::AdminWrite(write) if matches!(write.code, 205 | 216 | 327) => {}
        Event::RegistrationRefused { .. }
        | Event::AdminWrite(_)
        | Event::RequestRefused(_)
        | Event::RequestWouldBeRefused(_)
        | Event::RenewalIgnored { .. }
        | Event::SecondClaim { .. }
        | Event::PreviousSecretUsed { .. }
        | Event::ClaimWithdrawn { .. }
        | Event::MalformedOrderConfig { .. }
        | Event::DoubtfulOrderConfig { .. }
        | Event::SaveFailed { .. } => return None,
    }
    render::happening(&Happening::Event(event.clone()))
}

/// Compares an answer about a KV entry with what was told.
pub(super) fn reply_about_kv(kv: &mut KvLedger, answer: &Answer, key: &KvKey, is_change: bool) -> Verdict {
    if is_change {
        kv.answer(answer.opaque, answer.code == 0);
        return Ok(());
    }
    let (shown, known) = (answer.field("value"), kv.value(key));
    if shown == known {
        return Ok(());
    }
    violated(Invariant::AcknowledgedKvIsKept, format!("{key:?} is {known:?} and was shown as {shown:?}"))
}

/// The entries of a KV file, read without any code of the server.
pub(super) fn kv_entries(file: &[u8]) -> BTreeMap<(String, String), String> {
    let file: serde_json::Value = serde_json::from_slice(file).unwrap_or_default();
    let mut entries = BTreeMap::new();
    for (namespace, keys) in file["configTable"].as_object().into_iter().flatten() {
        for (key, value) in keys.as_object().into_iter().flatten() {
            entries.insert((namespace.clone(), key.clone()), value.as_str().unwrap_or_default().to_owned());
        }
    }
    entries
}
