//! Clients: each stays with one NameServer as long as that answers, and asks it for the routes of its topics.

use super::agenda::Time;
use super::happening::Duty;
use super::invariant::Subject;
use super::ledger::Told;
use super::peer::Actor;
use super::population::ZONES;
use crate::request::Request;

/// Clients look for a connection as often as this while they have none.
const RETRY_MILLIS: Time = 1000;

/// One client.
#[derive(Debug)]
pub(super) struct Client {
    topics: Vec<String>,
    /// The release that it announces.
    version: i32,
    /// It asks this often.
    period: Time,
    /// It changes the server each time, and looks at everything.
    is_auditor: bool,
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

    /// Asks for the route of every topic.
    pub(super) fn poll(&mut self, actor: &mut Actor<'_>) {
        let server = self.server.filter(|server| actor.is_up(*server) && !self.is_auditor);
        let Some(server) = server.or_else(|| self.choose_server(actor)) else {
            return actor.perform(Duty::Poll, RETRY_MILLIS);
        };
        self.server = Some(server);
        for topic in self.topics.clone() {
            let random = &mut actor.simulator.random;
            let zone = ZONES[random.usize(..ZONES.len())].filter(|_| self.version == 513);
            let request = Request::new(105).version(self.version).field("topic", &topic);
            let request = if let Some(zone) = zone {
                request.field("__ZONE_MODE", true).field("__ZONE_NAME", zone)
            } else if random.bool() {
                request.field("acceptStandardJsonOnly", true)
            } else {
                request
            };
            let request = if random.u8(..) < 32 { request.binary() } else { request };
            actor.ask(server, request, Told::Nothing, Some(Subject::Route { topic, zone }));
        }
        if self.is_auditor {
            actor.ask(server, Request::new(106), Told::Nothing, Some(Subject::Clusters));
            actor.ask(server, Request::new(206), Told::Nothing, Some(Subject::Topics));
        }
        actor.perform(Duty::Poll, self.period);
    }

    /// The next server that is connected, after asking for a connection to another one if that is missing.
    fn choose_server(&mut self, actor: &mut Actor<'_>) -> Option<usize> {
        self.next = (self.next + 1) % actor.servers.len();
        actor.connect(self.next);
        if actor.is_up(self.next) { Some(self.next) } else { actor.servers_up().first().copied() }
    }
}
