//! Events of the registry, as log lines and as records in memory.
//!
//! Names that peers choose are fields, never part of the message: the log formats quote and escape them, so that no
//! name can end a line or forge another one. Long names are shortened. Lines that come too fast are omitted and
//! counted, so that no peer can fill the log.

mod record_of;

use crate::audit::{Audit, AuditSink};
use crate::counters::Counters;
use crate::event_store::EventStore;
use crate::limit_events::LimitEvents;
use crate::line_limit::LineLimit;
use crate::record::{EventType, Record, shown};
use namesrv_core::event::{BrokerIdentity, Event, EvictionCause};
use namesrv_core::save::SaveFile;
use namesrv_core::time::{Instant, Now};
use record_of::{event_type, record_of};
use std::sync::Arc;
use tracing::{info, warn};

/// Logs one line about an event, with the name and address of a broker.
macro_rules! about {
    ($level:ident, $broker:expr, $($rest:tt)*) => {{
        let BrokerIdentity { cluster, name, id, address } = $broker;
        let [cluster, name, address] = [cluster, name, address].map(|text| shown(text));
        $level!(cluster = &*cluster, broker = &*name, id, address = &*address, $($rest)*)
    }};
}

/// The most lines in a burst about brokers: enough for all brokers of a large installation.
const BROKER_LINES: u64 = 1000;
/// The most lines in a burst about changes by administrators.
const CHANGE_LINES: u64 = 100;
/// The most lines in a burst about refused registrations.
const REFUSAL_LINES: u64 = 10;
/// The most lines in a burst about the server itself.
const OWN_LINES: u64 = 10;

/// The log of events. Each kind has its own limit, so that many lines of one kind do not hide another. Events about
/// access go to the audit.
///
/// Memory has every event, except that it only has those refused registrations that the log has: anyone can cause them.
#[derive(Debug)]
pub(crate) struct EventLog {
    store: Arc<EventStore>,
    audit: Audit,
    brokers: LineLimit,
    changes: LineLimit,
    refusals: LineLimit,
    own: LineLimit,
    limits: LimitEvents,
}

impl EventLog {
    pub(crate) fn new(audit: AuditSink) -> Self {
        Self {
            store: audit.store(),
            audit: Audit::new(audit),
            brokers: LineLimit::new("brokers", BROKER_LINES),
            changes: LineLimit::new("changes by request", CHANGE_LINES),
            refusals: LineLimit::new("refused registrations", REFUSAL_LINES),
            own: LineLimit::new("this server", OWN_LINES),
            limits: LimitEvents::default(),
        }
    }

    /// Writes the line of an event.
    pub(crate) fn log(&mut self, event: &Event, now: Now) {
        let (limit, keeps_all) = match event {
            Event::AdminWrite(write) => return self.audit.record_write(write, now),
            Event::RequestRefused(refused) => return self.audit.record_refusal(refused, now),
            Event::RequestWouldBeRefused(refused) => return self.audit.record_observed_refusal(refused, now),
            Event::IdentifierTakenOver { broker, peer, from, from_peer } => {
                return self.audit.record_takeover(broker, *peer, from, *from_peer, now);
            }
            Event::PreviousSecretUsed { user, code, peer } => {
                return self.audit.record_previous_secret(user, *code, *peer, now);
            }
            Event::SecondClaim { broker, holder, peer } => {
                return self.audit.record_second_claim(broker, *holder, *peer, now);
            }
            Event::BrokerRegistered { .. }
            | Event::BrokerChanged { .. }
            | Event::BrokerUnregistered { .. }
            | Event::BrokerEvicted { .. }
            | Event::ClusterConflict { .. }
            | Event::ClaimWithdrawn { .. } => (&self.brokers, true),
            Event::TopicRegistered { .. } | Event::MalformedOrderConfig { .. } | Event::DoubtfulOrderConfig { .. } => {
                (&self.changes, true)
            }
            Event::RegistrationRefused { .. } | Event::RenewalIgnored { .. } => (&self.refusals, false),
            Event::SaveFailed { .. } | Event::Late { .. } => (&self.own, true),
        };
        let mut is_kept = keeps_all;
        limit.admit(now.monotonic, || {
            write(event);
            is_kept = true;
        });
        match event_type(event) {
            Some(event_type) if is_kept => self.store.keep(record_of(event_type, event, now.wall)),
            Some(event_type) => self.store.count_left_out(event_type),
            None => {}
        }
    }

    /// Keeps an event about the server itself, which has its own log line elsewhere.
    pub(crate) fn keep(&self, event: EventType, now: Now) {
        self.store.keep(Record::new(event, now.wall));
    }

    /// Keeps events about reached limits. The refusals have their own log lines.
    pub(crate) fn look_at_limits(&mut self, counters: &Counters, now: Now) {
        self.limits.look(counters, now).into_iter().for_each(|record| self.store.keep(record));
    }

    /// Returns when to call [`EventLog::handle_timeout`].
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.audit.poll_timeout()
    }

    /// Logs how many lines were omitted, if no other line does.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        self.audit.handle_timeout(now);
    }
}

fn write(event: &Event) {
    match event {
        Event::BrokerRegistered { broker, release, topics, peer } => {
            about!(info, broker, %release, topics, %peer, "broker registered");
        }
        Event::BrokerChanged { broker, topics_changed } => about!(info, broker, topics_changed, "broker changed"),
        Event::BrokerUnregistered { broker } => about!(info, broker, "broker unregistered"),
        Event::BrokerEvicted { broker, cause } => match cause {
            EvictionCause::Expired => about!(warn, broker, "broker expired: no heartbeat"),
            EvictionCause::ConnectionLost => about!(warn, broker, "broker removed: connection lost"),
            EvictionCause::Replaced => about!(info, broker, "broker replaced by a newer registration"),
            EvictionCause::ConflictLost => about!(warn, broker, "broker removed: a newer one has its id"),
            EvictionCause::Unconfirmed => about!(warn, broker, "broker removed: it did not register after the restart"),
        },
        Event::RegistrationRefused { broker, reason, peer } => {
            about!(warn, broker, %reason, %peer, "registration refused");
        }
        Event::ClusterConflict { broker, group_cluster } => {
            about!(warn, broker, group_cluster = &*shown(group_cluster), "broker name is used in two clusters");
        }
        Event::TopicRegistered { topic, peer } => info!(topic = &*shown(topic), %peer, "topic registered by request"),
        // These go to the audit.
        Event::AdminWrite(_)
        | Event::RequestRefused(_)
        | Event::RequestWouldBeRefused(_)
        | Event::IdentifierTakenOver { .. }
        | Event::SecondClaim { .. }
        | Event::PreviousSecretUsed { .. } => {}
        Event::RenewalIgnored { code, broker, peer } => {
            about!(warn, broker, code, peer = %peer.address, "sign of life ignored: it is not the broker's");
        }
        Event::ClaimWithdrawn { broker, peer, left } => {
            about!(warn, broker, peer = %peer.address, %left, "broker unregistered and stays: another address has it");
        }
        Event::MalformedOrderConfig { topic, fault } => {
            warn!(topic = &*shown(topic), %fault, "order configuration left out of routes: write broker:queues joined by ;");
        }
        Event::DoubtfulOrderConfig { topic, doubts } => {
            let doubt = doubts.first().map(ToString::to_string).unwrap_or_default();
            let more = doubts.len().saturating_sub(1);
            warn!(topic = &*shown(topic), doubt, more, "order configuration does not fit the brokers of its topic");
        }
        Event::SaveFailed { file, reason } => {
            let consequence = match file {
                SaveFile::KvConfig => "KV change refused: it cannot be saved",
                SaveFile::RuntimeConfig => "configuration change holds until restart: it cannot be saved",
                SaveFile::Snapshot => "routes are not kept for the next start: they cannot be saved",
            };
            warn!(reason = &*shown(&reason.to_string()), "{consequence}");
        }
        Event::Late { by } => {
            warn!(milliseconds = by.as_millis(), "this server did not run for a while: heartbeat deadlines postponed")
        }
    }
}
