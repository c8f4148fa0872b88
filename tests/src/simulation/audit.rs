//! What a server tells the operator and answers about its KV table, compared with what its clients told it.

use super::cluster::Cluster;
use super::invariant::{self, Invariant, violated};
use super::ledger::Departure;
use super::name_server::Running;
use crate::answer::Answer;
use namesrv_core::event::{BrokerIdentity, Event, EvictionCause};
use std::collections::BTreeMap;

impl Cluster {
    /// Compares an event with what was told.
    pub(super) fn hear_of(&mut self, running: &mut Running, event: &Event) {
        let name = format!("{event:?}");
        let kind = name.split([' ', '{', '(']).next().unwrap_or_default();
        let departure = departure(event);
        let cause = departure.as_ref().and_then(|departure| departure.cause);
        self.coverage.count(&cause.map_or_else(|| format!("event {kind}"), |cause| format!("event {kind} {cause:?}")));
        if let Event::Late { by } = event {
            running.ledger.postpone(by.as_millis() as u64, self.now());
        }
        let Some(departure) = departure else { return };
        self.note(format_args!("{departure:?}"));
        if let Some(cause @ (EvictionCause::Expired | EvictionCause::Unconfirmed)) = departure.cause {
            let seat = running.ledger.seats.get(&departure.name).and_then(|members| members.get(&departure.id));
            let is_kept = cause == EvictionCause::Unconfirmed;
            if let Some(seat) = seat.filter(|seat| seat.address == departure.address && seat.is_kept() == is_kept) {
                self.check(invariant::was_silent(seat, self.now(), &running.pauses));
                return running.ledger.expire(&departure.name, departure.id, cause);
            }
        }
        match running.ledger.departures.iter().position(|expected| *expected == departure) {
            Some(at) => drop(running.ledger.departures.remove(at)),
            None => self.check(violated(Invariant::DeparturesHaveReasons, format!("{departure:?} for no reason"))),
        }
    }

    /// Compares an answer about a KV entry with what was told.
    pub(super) fn reply_about_kv(&mut self, server: usize, answer: &Answer, key: &(String, String), is_change: bool) {
        let kv = &mut self.servers[server].kv;
        if is_change {
            return kv.answer(answer.opaque, answer.code == 0);
        }
        let (shown, known) = (answer.field("value"), kv.value(key));
        if shown != known {
            let details = format!("{key:?} is {known:?} and was shown as {shown:?}");
            self.check(violated(Invariant::AcknowledgedKvIsKept, details));
        }
    }
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
