//! What a server tells the operator and answers about its KV table, compared with what its clients told it.

use super::invariant::{self, Invariant, Verdict, violated};
use super::kv_ledger::{KvKey, KvLedger};
use super::ledger::{Departure, Ledger};
use super::threads::Context;
use crate::answer::Answer;
use namesrv_core::event::{BrokerIdentity, Event, EvictionCause};
use std::collections::BTreeMap;

/// Compares an event with what was told.
pub(super) fn hear_of(ledger: &mut Ledger, event: &Event, context: &mut Context<'_>) {
    let Context { shared, simulator, .. } = context;
    let name = format!("{event:?}");
    let kind = name.split([' ', '{', '(']).next().unwrap_or_default();
    let departure = departure(event);
    let cause = departure.as_ref().and_then(|departure| departure.cause);
    simulator.coverage.count(&cause.map_or_else(|| format!("event {kind}"), |cause| format!("event {kind} {cause:?}")));
    if let Event::Late { by } = event {
        ledger.postpone(by.as_millis() as u64, simulator.now());
    }
    let Some(departure) = departure else { return };
    simulator.note(format_args!("{departure:?}"));
    if let Some(cause @ (EvictionCause::Expired | EvictionCause::Unconfirmed)) = departure.cause {
        let seat = ledger.seats.get(&departure.name).and_then(|members| members.get(&departure.id));
        let is_kept = cause == EvictionCause::Unconfirmed;
        if let Some(seat) = seat.filter(|seat| seat.address == departure.address && seat.is_kept() == is_kept) {
            simulator.check(invariant::was_silent(seat, simulator.now(), &shared.pauses));
            return ledger.expire(&departure.name, departure.id, cause);
        }
    }
    match ledger.departures.iter().position(|expected| *expected == departure) {
        Some(at) => drop(ledger.departures.remove(at)),
        None => simulator.check(violated(Invariant::DeparturesHaveReasons, format!("{departure:?} for no reason"))),
    }
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

/// Who left, if an event tells that somebody did.
fn departure(event: &Event) -> Option<Departure> {
    let departs = |BrokerIdentity { name, id, address, .. }: &BrokerIdentity, cause| {
        Some(Departure { name: name.clone(), id: *id, address: address.clone(), cause })
    };
    match event {
        Event::BrokerEvicted { broker, cause } => departs(broker, Some(*cause)),
        Event::BrokerUnregistered { broker } => departs(broker, None),
        Event::BrokerRegistered { .. }
        | Event::BrokerChanged { .. }
        | Event::RegistrationRefused { .. }
        | Event::ClusterConflict { .. }
        | Event::TopicRegistered { .. }
        | Event::AdminWrite(_)
        | Event::RequestRefused(_)
        | Event::RequestWouldBeRefused(_)
        | Event::RenewalIgnored { .. }
        | Event::IdentifierTakenOver { .. }
        | Event::SecondClaim { .. }
        | Event::PreviousSecretUsed { .. }
        | Event::ClaimWithdrawn { .. }
        | Event::MalformedOrderConfig { .. }
        | Event::DoubtfulOrderConfig { .. }
        | Event::SaveFailed { .. }
        | Event::Late { .. } => None,
    }
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
