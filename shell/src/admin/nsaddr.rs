//! `/rocketmq/nsaddr`, which clients and brokers ask that look for NameServers over HTTP.

use super::site::{Call, Demand, Site};
use crate::http::{Answer, Response, Status};
use crate::lifecycle::Stage;
use std::net::SocketAddr;

/// The line. While this server stops, it is not in the list, unless nobody else is.
pub(super) fn nsaddr(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let servers = &site.name_servers;
    if servers.is_empty() {
        return Answer::Now(Response::text(Status::NotFound, "no NameServers are listed here: set nsaddrMembers"));
    }
    let stage = site.stage();
    if stage == Stage::Starting {
        return Answer::Now(Response::text(Status::Unavailable, "starting"));
    }
    let own_port = site.parts().map(|parts| parts.port);
    let is_own = |address: &SocketAddr| own_port == Some(address.port()) && servers.is_local(address);
    let is_listed = |address: &SocketAddr| !stage.is_stopping() || !is_own(address);
    Answer::Now(match servers.line(call.name.as_deref(), is_listed) {
        Some(line) => Response::text(Status::Ok, line),
        None => Response::text(Status::Unavailable, "the names in nsaddrMembers are not resolved yet"),
    })
}
