//! Clients: each stays with one NameServer as long as that answers, and asks it for the routes of its topics.

use super::agenda::Time;
use super::cluster::Cluster;
use super::invariant::Subject;
use super::ledger::Told;
use super::peer::{Duty, Kind};
use super::population::ZONES;
use crate::request::Request;

/// Clients look for a connection as often as this while they have none.
const RETRY_MILLIS: Time = 1000;

/// One client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) topics: Vec<String>,
    /// The release that it announces.
    pub(super) version: i32,
    /// It asks this often.
    pub(super) period: Time,
    /// It changes the server each time, and looks at everything.
    pub(super) is_auditor: bool,
    server: Option<usize>,
    next: usize,
}

impl Client {
    pub(super) fn new(topics: Vec<String>, version: i32, period: Time, is_auditor: bool) -> Self {
        Self { topics, version, period, is_auditor, server: None, next: 0 }
    }

    /// The server sends it away.
    pub(super) fn leave(&mut self) {
        self.server = None;
    }
}

impl Cluster {
    pub(super) fn poll_routes(&mut self, peer: usize) {
        let Kind::Client(client) = &self.peers[peer].kind else { return };
        let (auditor, period) = (client.is_auditor, client.period);
        let server = client.server.filter(|server| self.is_up(peer, *server) && !auditor);
        let Some(server) = server.or_else(|| self.choose_server(peer)) else {
            return self.perform(peer, Duty::Poll, RETRY_MILLIS);
        };
        let Kind::Client(client) = &mut self.peers[peer].kind else { return };
        client.server = Some(server);
        let (topics, version) = (client.topics.clone(), client.version);
        for topic in topics {
            let zone = ZONES[self.random.usize(..ZONES.len())].filter(|_| version == 513);
            let request = Request::new(105).version(version).field("topic", &topic);
            let request = if let Some(zone) = zone {
                request.field("__ZONE_MODE", true).field("__ZONE_NAME", zone)
            } else if self.random.bool() {
                request.field("acceptStandardJsonOnly", true)
            } else {
                request
            };
            let request = if self.random.u8(..) < 32 { request.binary() } else { request };
            self.ask(peer, server, request, Told::Nothing, Some(Subject::Route { topic, zone }));
        }
        if auditor {
            self.ask(peer, server, Request::new(106), Told::Nothing, Some(Subject::Clusters));
            self.ask(peer, server, Request::new(206), Told::Nothing, Some(Subject::Topics));
        }
        self.perform(peer, Duty::Poll, period);
    }

    /// The next server that is connected, after asking for a connection to another one if that is missing.
    fn choose_server(&mut self, peer: usize) -> Option<usize> {
        let servers = self.servers.len();
        let Kind::Client(client) = &mut self.peers[peer].kind else { return None };
        client.next = (client.next + 1) % servers;
        let next = client.next;
        self.connect(peer, next);
        if self.is_up(peer, next) { Some(next) } else { self.servers_up(peer).first().copied() }
    }
}
