//! What happened in the registry, as log lines.
//!
//! Names that peers choose are fields, never part of the message: the log formats quote and escape them, so that no
//! name can end a line or forge another one.

use namesrv_core::event::{BrokerIdentity, Event, EvictionCause};
use namesrv_core::registry::SaveFile;
use tracing::{info, warn};

/// Logs one line about an event, with the name and address of a broker.
macro_rules! about {
    ($level:ident, $broker:expr, $($rest:tt)*) => {{
        let BrokerIdentity { cluster, name, id, address } = $broker;
        $level!(cluster = cluster.as_str(), broker = name.as_str(), id, address = address.as_str(), $($rest)*)
    }};
}

/// Writes the line of an event.
pub(crate) fn log(event: &Event) {
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
            about!(warn, broker, reason = reason.as_str(), %peer, "registration refused");
        }
        Event::ClusterConflict { broker, group_cluster } => {
            about!(warn, broker, group_cluster = group_cluster.as_str(), "broker name is used in two clusters");
        }
        Event::TopicDeleted { topic, cluster, peer } => {
            info!(topic = topic.as_str(), cluster = cluster.as_deref(), %peer, "topic deleted");
        }
        Event::TopicRegistered { topic, peer } => info!(topic = topic.as_str(), %peer, "topic registered by request"),
        Event::WritePermissionChanged { broker, writable, topics, peer } => {
            info!(broker = broker.as_str(), writable, topics, %peer, "write permission changed");
        }
        Event::KvChanged { namespace, key, deleted, peer } => {
            info!(namespace = namespace.as_str(), key = key.as_str(), deleted, %peer, "KV entry changed");
        }
        Event::MalformedOrderConfig { topic } => {
            warn!(topic = topic.as_str(), "order configuration cannot be read by clients: left out of routes");
        }
        Event::SaveFailed { file, reason } => {
            let consequence = match file {
                SaveFile::KvConfig => "KV change refused: it cannot be saved",
                SaveFile::RuntimeConfig => "configuration change holds until restart: it cannot be saved",
            };
            warn!(reason = reason.as_str(), "{consequence}");
        }
        Event::ConfigurationChanged { keys, peer } => {
            info!(keys = keys.as_str(), %peer, "configuration changed");
        }
        Event::Late { by } => {
            warn!(milliseconds = by.0, "this server did not run for a while: heartbeat deadlines postponed")
        }
    }
}
