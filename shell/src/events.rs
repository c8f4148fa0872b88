//! What happened in the registry, as log lines.
//!
//! Names that peers choose are fields, never part of the message: the log formats quote and escape them, so that no
//! name can end a line or forge another one. Long ones are cut, and lines that come too fast are left out and counted,
//! so that no peer can fill the log.

use crate::line_limit::LineLimit;
use namesrv_core::access::Class;
use namesrv_core::event::{AdminWrite, BrokerIdentity, Event, EvictionCause, RefusedRequest};
use namesrv_core::save::SaveFile;
use namesrv_core::time::Instant;
use std::borrow::Cow;
use tracing::{info, warn};

/// Logs one line about an event, with the name and address of a broker.
macro_rules! about {
    ($level:ident, $broker:expr, $($rest:tt)*) => {{
        let BrokerIdentity { cluster, name, id, address } = $broker;
        let [cluster, name, address] = [cluster, name, address].map(|text| cut(text));
        $level!(cluster = &*cluster, broker = &*name, id, address = &*address, $($rest)*)
    }};
}

/// Characters of one name or reason.
const TEXT_CHARACTERS_MAX: usize = 256;

/// Lines about brokers that may come at once: enough for all of a large installation.
const BROKER_LINES: u64 = 1000;
/// Lines about what administrators do.
const CHANGE_LINES: u64 = 100;
/// Lines about registrations that were refused.
const REFUSAL_LINES: u64 = 10;
/// Lines about the server itself.
const OWN_LINES: u64 = 10;

/// The log of events: a limit for each kind, so that many lines of one do not hide another.
#[derive(Debug)]
pub(crate) struct EventLog {
    brokers: LineLimit,
    changes: LineLimit,
    refusals: LineLimit,
    own: LineLimit,
}

impl Default for EventLog {
    fn default() -> Self {
        Self {
            brokers: LineLimit::new("brokers", BROKER_LINES),
            changes: LineLimit::new("changes by request", CHANGE_LINES),
            refusals: LineLimit::new("refused registrations", REFUSAL_LINES),
            own: LineLimit::new("this server", OWN_LINES),
        }
    }
}

impl EventLog {
    /// Writes the line of an event.
    pub(crate) fn log(&self, event: &Event, now: Instant) {
        let limit = match event {
            Event::BrokerRegistered { .. }
            | Event::BrokerChanged { .. }
            | Event::BrokerUnregistered { .. }
            | Event::BrokerEvicted { .. }
            | Event::ClusterConflict { .. }
            | Event::IdentifierTakenOver { .. }
            | Event::SecondClaim { .. }
            | Event::ClaimWithdrawn { .. } => &self.brokers,
            Event::TopicRegistered { .. } | Event::MalformedOrderConfig { .. } | Event::DoubtfulOrderConfig { .. } => {
                &self.changes
            }
            Event::RegistrationRefused { .. }
            | Event::RequestRefused(_)
            | Event::RequestWouldBeRefused(_)
            | Event::RenewalIgnored { .. } => &self.refusals,
            // Whatever an administrator does is on record.
            Event::AdminWrite(_) => return write(event),
            Event::SaveFailed { .. } | Event::Late { .. } => &self.own,
        };
        limit.admit(now, || write(event));
    }
}

fn write(event: &Event) {
    match event {
        Event::BrokerRegistered { broker, topics, peer } => {
            about!(info, broker, topics, %peer, "broker registered");
        }
        Event::BrokerChanged { broker, topics_changed } => about!(info, broker, topics_changed, "broker changed"),
        Event::BrokerUnregistered { broker } => about!(info, broker, "broker unregistered"),
        Event::BrokerEvicted { broker, cause } => match cause {
            EvictionCause::Expired => about!(warn, broker, "broker expired: no heartbeat"),
            EvictionCause::ConnectionLost => about!(warn, broker, "broker removed: connection lost"),
            EvictionCause::Replaced => about!(info, broker, "broker replaced by a newer registration"),
            EvictionCause::ConflictLost => about!(warn, broker, "broker removed: a newer one has its id"),
        },
        Event::RegistrationRefused { broker, reason, peer } => {
            about!(warn, broker, %reason, %peer, "registration refused");
        }
        Event::ClusterConflict { broker, group_cluster } => {
            about!(warn, broker, group_cluster = &*cut(group_cluster), "broker name is used in two clusters");
        }
        Event::TopicRegistered { topic, peer } => info!(topic = &*cut(topic), %peer, "topic registered by request"),
        Event::AdminWrite(write) => {
            let AdminWrite { code, peer, grant, subject, change, result } = &**write;
            let (user, allowed_by) = (grant.user.as_deref().map(cut), grant.allowed_by);
            info!(code, user = user.as_deref(), %allowed_by, peer = %peer.address, ?subject, ?change, result, "admin");
        }
        Event::RequestRefused(refused) => write_refusal(refused, "refused"),
        Event::RequestWouldBeRefused(refused) => write_refusal(refused, "would be refused"),
        Event::RenewalIgnored { code, broker, peer } => {
            about!(warn, broker, code, peer = %peer.address, "sign of life ignored: it is not the broker's");
        }
        Event::IdentifierTakenOver { broker, peer, from, from_peer } => {
            about!(warn, broker, peer = %peer.address, from = &*cut(from), %from_peer, "identifier taken over");
        }
        Event::SecondClaim { broker, holder, peer } => {
            about!(warn, broker, peer = %peer.address, %holder, "broker registered from a second address");
        }
        Event::ClaimWithdrawn { broker, peer, left } => {
            about!(warn, broker, peer = %peer.address, %left, "broker unregistered and stays: another address has it");
        }
        Event::MalformedOrderConfig { topic, fault } => {
            warn!(topic = &*cut(topic), %fault, "order configuration left out of routes: write broker:queues joined by ;");
        }
        Event::DoubtfulOrderConfig { topic, doubts } => {
            let doubt = doubts.first().map(ToString::to_string).unwrap_or_default();
            let more = doubts.len().saturating_sub(1);
            warn!(topic = &*cut(topic), doubt, more, "order configuration does not fit the brokers of its topic");
        }
        Event::SaveFailed { file, reason } => {
            let consequence = match file {
                SaveFile::KvConfig => "KV change refused: it cannot be saved",
                SaveFile::RuntimeConfig => "configuration change holds until restart: it cannot be saved",
            };
            warn!(reason = &*cut(&reason.to_string()), "{consequence}");
        }
        Event::Late { by } => {
            warn!(milliseconds = by.as_millis(), "this server did not run for a while: heartbeat deadlines postponed")
        }
    }
}

fn write_refusal(refused: &RefusedRequest, what: &str) {
    let RefusedRequest { code, peer, refusal, subject } = refused;
    let (cause, user) = (refusal.cause, refusal.user.as_deref().map(cut));
    let class = Class::of(*code);
    warn!(code, %class, %cause, user = user.as_deref(), peer = %peer.address, ?subject, "{what}");
}

/// The front of a text that peers choose.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(TEXT_CHARACTERS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = "é".repeat(TEXT_CHARACTERS_MAX);
        assert_eq!(cut(&name), name);
        assert_eq!(cut(&(name.clone() + "é")), name + "…");
    }
}
