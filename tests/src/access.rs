//! What tests of access control have in common: users, hosts, and requests of every class.

pub use crate::users::{PREVIOUS_SECRET, SECRET, rules, user, users};

use crate::registration::{Registration, Topic};
use crate::request::Request;
use crate::step::register_topic;
use crate::users::entries;
use crate::world::World;
use std::net::IpAddr;

/// The host of brokers.
pub const BROKER_HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
/// The host of administrators.
pub const ADMIN_HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 1, 0, 1));
/// The host of a stranger.
pub const STRANGER_HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

/// Codes of requests that administrators send.
pub const ADMIN_CODES: [i32; 6] = [100, 102, 205, 216, 318, 327];
/// Codes of requests that only read, apart from routes.
pub const READ_CODES: [i32; 11] = [101, 106, 206, 219, 224, 304, 311, 312, 313, 319, 901];

/// A world with these lines in its configuration file, and with [`users`].
pub fn world(file: &str) -> World {
    let properties: Vec<_> = entries(file).into_iter().map(|entry| (entry.key, entry.value)).collect();
    World::with_users(&properties, users())
}

/// A request of this code that is served when anybody may send it.
pub fn request(code: i32) -> Request {
    let request = Request::new(code);
    match code {
        100 => request.field("namespace", "NS").field("key", "K").field("value", "V"),
        101 | 102 => request.field("namespace", "NS").field("key", "K"),
        103 => broker().request(),
        104 | 904 => broker().naming_request(code),
        105 | 216 => request.field("topic", "T"),
        205 | 327 => request.field("brokerName", "broker-a"),
        217 => register_topic("U", &["broker-a"]),
        219 => request.field("namespace", "NS"),
        224 => request.field("cluster", "DefaultCluster"),
        318 => request.body("enableTopicList=true\n"),
        322 => broker().naming_request(code).body(r#"{"counter":9,"stateVersion":0,"timestamp":1}"#),
        901 => request.field("clusterName", "DefaultCluster").field("brokerName", "broker-a"),
        _ => request,
    }
}

/// The broker that requests are about: `broker-a` with the topic `T`, at [`BROKER_HOST`].
pub fn broker() -> Registration {
    Registration {
        address: Some(format!("{BROKER_HOST}:10911")),
        ha_address: format!("{BROKER_HOST}:10912"),
        topics: Some(vec![Topic::new("T"), Topic::new("TBW102")]),
        ..Registration::new("broker-a", 0)
    }
}
