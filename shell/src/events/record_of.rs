//! Converts events of the registry to records.

use crate::record::{EventType, Record};
use namesrv_core::event::{Event, EvictionCause};
use namesrv_core::save::SaveFile;
use namesrv_core::time::WallTime;

/// Returns the type of an event, or `None` if it goes to the audit or another event reports it.
pub(super) const fn event_type(event: &Event) -> Option<EventType> {
    Some(match event {
        Event::BrokerRegistered { .. } => EventType::BrokerRegistered,
        Event::BrokerChanged { .. } => EventType::BrokerChanged,
        Event::BrokerUnregistered { .. } | Event::BrokerEvicted { .. } => EventType::BrokerLeft,
        Event::RegistrationRefused { .. } => EventType::BrokerRefused,
        Event::ClusterConflict { .. } => EventType::ClustersShareName,
        Event::TopicRegistered { .. } => EventType::TopicRegistered,
        Event::RenewalIgnored { .. } => EventType::RenewalIgnored,
        Event::ClaimWithdrawn { .. } => EventType::ClaimWithdrawn,
        Event::MalformedOrderConfig { .. } => EventType::OrderConfigMalformed,
        Event::DoubtfulOrderConfig { .. } => EventType::OrderConfigDoubtful,
        Event::SaveFailed { .. } => EventType::SaveFailed,
        Event::Late { .. } => EventType::Paused,
        Event::AdminWrite(_)
        | Event::RequestRefused(_)
        | Event::RequestWouldBeRefused(_)
        | Event::IdentifierTakenOver { .. }
        | Event::SecondClaim { .. }
        | Event::PreviousSecretUsed { .. } => return None,
    })
}

/// Returns the record of an event of this type.
pub(super) fn record_of(event_type: EventType, event: &Event, time: WallTime) -> Record {
    let record = Record::new(event_type, time);
    match event {
        Event::BrokerRegistered { broker, release, topics, peer } => {
            let record = record.with_broker(broker).with("peer", &peer.to_string());
            record.with("release", &release.to_string()).with_count("topics", *topics)
        }
        Event::BrokerChanged { broker, topics_changed } => {
            record.with_broker(broker).with_count("topics_changed", *topics_changed)
        }
        Event::BrokerUnregistered { broker } => record.with_broker(broker).with("reason", "unregistered"),
        Event::BrokerEvicted { broker, cause } => {
            let reason = match cause {
                EvictionCause::Expired => "expired",
                EvictionCause::ConnectionLost => "disconnected",
                EvictionCause::Replaced => "replaced",
                EvictionCause::ConflictLost => "conflict_lost",
                EvictionCause::Unconfirmed => "unconfirmed",
            };
            record.with_broker(broker).with("reason", reason)
        }
        Event::RegistrationRefused { broker, reason, peer } => {
            record.with_broker(broker).with("peer", &peer.to_string()).with("reason", &reason.to_string())
        }
        Event::ClusterConflict { broker, group_cluster } => record
            .with_broker(broker)
            .with("reason", "the name belongs to another cluster")
            .with("before", group_cluster),
        Event::TopicRegistered { topic, peer } => record.with("topic", topic).with("peer", &peer.to_string()),
        Event::RenewalIgnored { code, broker, peer } => record.with_request(*code).with_broker(broker).with_peer(*peer),
        Event::ClaimWithdrawn { broker, peer, left } => {
            record.with_broker(broker).with_peer(*peer).with("from_peer", &left.to_string())
        }
        Event::MalformedOrderConfig { topic, fault } => record.with("topic", topic).with("reason", &fault.to_string()),
        Event::DoubtfulOrderConfig { topic, doubts } => {
            let doubt = doubts.first().map(ToString::to_string).unwrap_or_default();
            record.with("topic", topic).with("reason", &doubt).with_count("count", doubts.len())
        }
        Event::SaveFailed { file, reason } => {
            let file = match file {
                SaveFile::KvConfig => "kv",
                SaveFile::RuntimeConfig => "config",
                SaveFile::Snapshot => "snapshot",
            };
            record.with("file", file).with("error", &reason.to_string())
        }
        Event::Late { by } => record.with_count("milliseconds", by.as_millis()),
        // These go to the audit.
        Event::AdminWrite(_)
        | Event::RequestRefused(_)
        | Event::RequestWouldBeRefused(_)
        | Event::IdentifierTakenOver { .. }
        | Event::SecondClaim { .. }
        | Event::PreviousSecretUsed { .. } => record,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::event::BrokerIdentity;

    fn line(event: &Event) -> String {
        let record = record_of(event_type(event).unwrap(), event, WallTime::from_millis(1_764_299_520_000));
        String::from_utf8(record.line()).unwrap()
    }

    #[test]
    fn fields_have_the_names_that_are_documented() {
        let (cluster, name, address) = ("c\"".to_owned(), "<b>\n".to_owned(), "10.0.0.1:10911".to_owned());
        let broker = BrokerIdentity { cluster, name, id: 2, address };
        let left = Event::BrokerEvicted { broker: broker.clone(), cause: EvictionCause::ConnectionLost };
        let about = r#""broker":"<b>\n","cluster":"c\"","address":"10.0.0.1:10911","broker_id":2"#;
        let time = r#"{"time":"2025-11-28T03:12:00.000Z""#;
        assert_eq!(line(&left), format!("{time},\"type\":\"broker_left\",{about},\"reason\":\"disconnected\"}}\n"));
        let unregistered = Event::BrokerUnregistered { broker };
        assert_eq!(line(&unregistered), line(&left).replace("disconnected", "unregistered"));
        let peer = ([10, 0, 0, 9], 4000).into();
        let topic = Event::TopicRegistered { topic: "T".to_owned(), peer };
        let expected = r#","type":"topic_registered","topic":"T","peer":"10.0.0.9:4000"}"#;
        assert_eq!(line(&topic), format!("{time}{expected}\n"));
    }
}
