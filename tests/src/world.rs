//! The pure core driven without an operating system: logical connections, virtual time, saves that end when they are
//! told to.

mod client;
mod core_server;
mod host;
mod steps;

pub use core_server::CoreServer;

use crate::answer::Answer;
use crate::process_keys::configuration;
use crate::registration::Registration;
use crate::request::Request;
use bytes::Bytes;
use client::Client;
use host::Host;
use namesrv_core::access::{AccessRules, User};
use namesrv_core::config::Limits;
use namesrv_core::connection::{CloseReason, Connection, Paused, Reading};
use namesrv_core::event::Event;
use namesrv_core::kv::KvTable;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::quota::Quotas;
use namesrv_core::report::ReportRequest;
use namesrv_core::route::RouteView;
use namesrv_core::save::{SaveError, SaveFile, SaveTicket};
use namesrv_core::time::{Instant, Now, WallTime};
use namesrv_core::{ClientAddress, ConnId, Peer};
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

/// The virtual time at which every world begins.
const START: Now = Now { monotonic: Instant::from_millis(1_000_000), wall: WallTime::from_millis(1_750_000_000_000) };

/// The secret of a world, unless a test chooses another.
pub const SECRET: [u8; 16] = *b"a secret of test";

/// What becomes of the files that the registry wants saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Saving {
    /// Every save succeeds at once.
    #[default]
    Succeeds,
    /// Every save fails at once, for this reason.
    Fails(String),
    /// Saves wait until the policy changes.
    Waits,
}

/// Something that the server did besides answering.
#[derive(Clone, Debug)]
pub enum Happening {
    /// It told the operator something.
    Event(Event),
    /// It closed a connection.
    Closed {
        /// Logical name of the connection.
        connection: String,
        /// Why, in words.
        reason: String,
        /// What was written to it before and not taken yet.
        written: Vec<u8>,
    },
    /// It sent a request to a broker's own address.
    Notified {
        /// The address.
        address: String,
        /// The whole request.
        frame: Bytes,
    },
    /// It wants a file saved.
    Saved {
        /// Which.
        file: SaveFile,
        /// All of its contents.
        contents: Vec<u8>,
    },
}

/// A whole NameServer in memory.
#[derive(Debug)]
pub struct World {
    host: Host,
    node: Node,
    view: Option<Arc<RouteView>>,
    now: Now,
    clients: BTreeMap<ConnId, Client>,
    quotas: Arc<Quotas<Cell<usize>>>,
    names: BTreeMap<String, ConnId>,
    opened: u64,
    saving: Saving,
    saves: VecDeque<(SaveTicket, Vec<u8>)>,
    happenings: Vec<Happening>,
    /// Inputs collect: nothing is carried out before the last of them.
    holding: bool,
    /// Something was answered since the last input.
    answered: bool,
    views_after_replies: usize,
    stops: Stops,
}

/// How far the server has come with stopping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stops {
    #[default]
    Runs,
    /// It reads nothing more.
    Closed,
    /// It has ended.
    Finished,
}

impl World {
    /// A server with these entries in its configuration file and an empty KV file.
    pub fn new(properties: &[(String, String)]) -> Self {
        Self::with(properties, KvTable::default(), Limits::default(), SECRET)
    }

    /// A server with these entries in its configuration file and these users in its users file.
    pub fn with_users(properties: &[(String, String)], users: Vec<User>) -> Self {
        Self::start(properties, KvTable::default(), Limits::default(), SECRET, users)
    }

    /// A server with these entries in its configuration file, this KV table, these limits and this secret.
    pub fn with(properties: &[(String, String)], kv: KvTable, limits: Limits, secret: [u8; 16]) -> Self {
        Self::start(properties, kv, limits, secret, Vec::new())
    }

    fn start(properties: &[(String, String)], kv: KvTable, limits: Limits, secret: [u8; 16], users: Vec<User>) -> Self {
        let mut host = Host::new(properties, kv, limits, secret);
        let configuration = configuration(&host.properties, b"");
        let (access, _warnings) = AccessRules::new(&configuration, users).expect("the rules are good");
        host.access = Arc::new(access);
        let mut world = Self {
            node: host.start(false, START),
            host,
            view: None,
            now: START,
            clients: BTreeMap::new(),
            quotas: Quotas::shared(&limits),
            names: BTreeMap::new(),
            opened: 0,
            saving: Saving::Succeeds,
            saves: VecDeque::new(),
            happenings: Vec::new(),
            holding: false,
            answered: false,
            views_after_replies: 0,
            stops: Stops::default(),
        };
        world.input(Input::Attached);
        world.carry_out();
        world
    }

    /// The view that is published now.
    pub fn view(&self) -> &RouteView {
        self.view.as_deref().expect("the first view is published at once")
    }

    /// The same, to be kept.
    pub fn shared_view(&self) -> Arc<RouteView> {
        Arc::clone(self.view.as_ref().expect("the first view is published at once"))
    }

    /// Whether a broker is registered as this registration names it.
    pub fn has(&self, one: &Registration) -> bool {
        let request = ReportRequest { members_max: usize::MAX, ..ReportRequest::default() };
        self.node.report(&request, self.now).members.iter().map(|member| &member.broker).any(|broker| {
            one.broker.as_deref() == Some(&*broker.name)
                && one.id == Some(broker.id)
                && one.address.as_deref() == Some(&*broker.address)
                && one.cluster.as_deref() == Some(&*broker.cluster)
        })
    }

    /// The time.
    pub fn now(&self) -> Now {
        self.now
    }

    /// What happened since this was asked last.
    pub fn take_happenings(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.happenings)
    }

    /// What happened and was not taken yet.
    pub fn happenings(&mut self) -> impl Iterator<Item = &mut Happening> {
        self.happenings.iter_mut()
    }

    /// The oldest request to a broker's own address that was not taken yet.
    pub fn take_notification(&mut self, wanted: &str) -> Option<Bytes> {
        let notified = |happening: &Happening| match happening {
            Happening::Notified { address, frame } if address == wanted => Some(frame.clone()),
            Happening::Notified { .. } | Happening::Event(_) | Happening::Closed { .. } | Happening::Saved { .. } => {
                None
            }
        };
        let (index, frame) =
            self.happenings.iter().enumerate().find_map(|(index, one)| Some((index, notified(one)?)))?;
        self.happenings.remove(index);
        Some(frame)
    }

    /// Bytes arrive over a logical connection, which is opened if it is not open. What is answered collects for
    /// [`World::take_output`].
    pub fn receive(&mut self, name: &str, bytes: &[u8]) {
        if self.stops != Stops::Runs {
            return;
        }
        let conn = self.connect(name);
        self.arrive(conn, bytes);
        self.reap();
    }

    /// Bytes arrive over several logical connections in this order, and the registry works on all of them before
    /// anything of it is carried out, as a driver does with what waits in its queue.
    pub fn receive_together(&mut self, arrived: &[(String, Vec<u8>)]) {
        if self.stops != Stops::Runs {
            return;
        }
        self.holding = true;
        for (name, bytes) in arrived {
            let conn = self.connect(name);
            self.arrive(conn, bytes);
        }
        self.holding = false;
        self.carry_out();
        self.reap();
    }

    /// Views that were published after a reply to an input of the same batch: whoever held that reply could not see its
    /// effect.
    pub fn views_after_replies(&self) -> usize {
        self.views_after_replies
    }

    /// Opens a logical connection from this host if it is not open.
    pub fn connect(&mut self, name: &str) -> ConnId {
        self.connect_from(name, [127, 0, 0, 1].into())
    }

    /// Opens a logical connection from another host if it is not open.
    pub fn connect_from(&mut self, name: &str, host: IpAddr) -> ConnId {
        self.connect_at(name, |port| (host, port).into())
    }

    /// Opens a logical connection from a host behind a trusted proxy if it is not open.
    pub fn connect_behind(&mut self, name: &str, proxy: IpAddr, host: IpAddr) -> ConnId {
        self.connect_at(name, |port| ClientAddress::from((proxy, port)).behind((host, port).into()))
    }

    /// Opens a logical connection if it is not open; `address` makes an address with a port of its own.
    fn connect_at(&mut self, name: &str, address: impl FnOnce(u16) -> ClientAddress) -> ConnId {
        if let Some(conn) = self.names.get(name) {
            return *conn;
        }
        self.opened += 1;
        let conn = ConnId::new(0, self.opened);
        let address = address(40_000 + (self.opened % 20_000) as u16);
        let connection = Connection::open(Peer { conn, address }, self.view(), &self.quotas, self.now);
        let client = Client::new(name, connection.expect("few connections"));
        self.clients.insert(conn, client);
        self.names.insert(name.to_owned(), conn);
        conn
    }

    fn arrive(&mut self, conn: ConnId, bytes: &[u8]) {
        if let Some(client) = self.clients.get_mut(&conn) {
            client.arrived.extend_from_slice(bytes);
        }
        self.read(conn);
    }

    /// Everything that was written to a logical connection since this was asked last; absent when it is not open.
    pub fn take_output(&mut self, name: &str) -> Option<Vec<u8>> {
        let client = self.clients.get_mut(self.names.get(name)?)?;
        Some(std::mem::take(&mut client.output))
    }

    /// Whether a logical connection is open.
    pub fn is_open(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The client closes a logical connection.
    pub fn disconnect(&mut self, name: &str) {
        if let Some(mut client) = self.names.remove(name).and_then(|conn| self.clients.remove(&conn)) {
            client.connection.handle_closed();
            self.forward(&mut client.connection);
            self.reap();
        }
    }

    /// Changes what becomes of saves; those that wait end accordingly.
    pub fn set_saving(&mut self, saving: Saving) {
        self.saving = saving;
        self.end_saves();
        self.carry_out();
        self.reap();
    }

    /// The operator changes the rules of access control.
    pub fn replace_access(&mut self, rules: AccessRules) {
        self.host.access = Arc::new(rules);
        self.input(Input::ReplaceAccess(Arc::clone(&self.host.access)));
        self.carry_out();
    }

    /// Asks over a logical connection, and takes the answer; `None` if there is none.
    pub fn ask(&mut self, name: &str, request: &Request) -> Option<Answer> {
        self.receive(name, &request.encode());
        let output = self.take_output(name).expect("the connection is open");
        (!output.is_empty()).then(|| Answer::decode(&output).expect("a readable answer"))
    }

    /// The events since this was asked last. Everything else that happened is forgotten.
    pub fn take_events(&mut self) -> Vec<Event> {
        let event = |happening| match happening {
            Happening::Event(event) => Some(event),
            Happening::Closed { .. } | Happening::Notified { .. } | Happening::Saved { .. } => None,
        };
        self.take_happenings().into_iter().filter_map(event).collect()
    }

    /// Tells the server to stop.
    pub fn shut_down(&mut self) {
        self.input(Input::Stop);
        self.carry_out();
        self.reap();
    }

    fn input(&mut self, input: Input) {
        if self.stops == Stops::Finished {
            return;
        }
        self.answered = false;
        self.node.handle(input, self.now);
    }

    /// Reads what has arrived over one connection, as far as that is possible now. Each view is loaded after a read.
    fn read(&mut self, conn: ConnId) {
        loop {
            let view = Arc::clone(self.view.as_ref().expect("the first view is published at once"));
            let Some(client) = self.clients.get_mut(&conn) else { return };
            let Some(reading) = client.read(&view, self.now) else { return };
            let inputs: Vec<_> = std::iter::from_fn(|| client.connection.poll_forward()).collect();
            inputs.into_iter().for_each(|input| self.input(input));
            self.carry_out();
            if reading == Reading::Paused(Paused::UntilQueued) {
                return;
            }
        }
    }

    fn forward(&mut self, connection: &mut Connection) {
        std::iter::from_fn(|| connection.poll_forward()).for_each(|input| self.input(input));
        self.carry_out();
    }

    /// Carries out what the node wants, batch by batch, until it wants nothing.
    fn carry_out(&mut self) {
        while !self.holding && !self.node.is_idle() {
            self.answered = false;
            while let Some(output) = self.node.poll_output() {
                self.carry_out_one(output);
            }
        }
    }

    fn carry_out_one(&mut self, output: Output) {
        match output {
            Output::Release { requests, bytes } => self.quotas.queue().release(requests, bytes),
            Output::Announce | Output::Stopping { .. } => {}
            Output::Finished => {
                assert!(self.saves.is_empty(), "the server ends and forgets a save");
                self.stops = Stops::Finished;
            }
            Output::Publish(view) => {
                self.views_after_replies += usize::from(self.answered);
                self.view = Some(view);
            }
            Output::Reply { conn, frame } => {
                self.answered = true;
                self.node.handle(Input::ReplyTaken { bytes: frame.len() }, self.now);
                if let Some(client) = self.clients.get_mut(&conn) {
                    client.connection.handle_reply(frame, self.now);
                    client.write(self.now);
                }
            }
            Output::Close { conn, reason } => {
                if let Some(client) = self.clients.get_mut(&conn) {
                    client.connection.handle_registry_close(reason);
                }
            }
            Output::Notify { address, frame, .. } => self.happenings.push(Happening::Notified { address, frame }),
            Output::Save { ticket, contents } => {
                self.saves.push_back((ticket, contents.clone()));
                self.happenings.push(Happening::Saved { file: ticket.file, contents });
                self.end_saves();
            }
            // Only the one of a stop is looked at.
            Output::SaveSnapshot { ticket, .. } => self.input(Input::Saved { ticket, result: Ok(()) }),
            Output::Event(event) => self.happenings.push(Happening::Event(event)),
            Output::RepliesStuck { bytes } => panic!("{bytes} bytes of replies were taken at once"),
            Output::StopIo { .. } => {
                self.stops = Stops::Closed;
                for client in self.clients.values_mut() {
                    client.closing.get_or_insert_with(|| CloseReason::Stopped.to_string());
                    client.connection.handle_stop();
                }
            }
        }
    }

    fn end_saves(&mut self) {
        let result = match &self.saving {
            Saving::Succeeds => Ok(()),
            Saving::Fails(reason) => Err(SaveError::Unusable(reason.clone())),
            Saving::Waits => return,
        };
        while let Some((ticket, contents)) = self.saves.pop_front() {
            if result.is_ok() {
                self.host.keep(ticket.file, &contents);
            }
            self.input(Input::Saved { ticket, result: result.clone() });
        }
    }

    /// Finishes the connections that are to be closed and goes on reading those that were paused, until nothing is left
    /// to do.
    fn reap(&mut self) {
        loop {
            let closing = |(conn, client): (&ConnId, &Client)| Some((*conn, client.closes()?));
            while let Some((conn, reason)) = self.clients.iter().find_map(closing) {
                self.finish(conn, reason);
            }
            let paused = self.clients.iter().filter(|(_, client)| client.connection.can_resume());
            paused.map(|(conn, _)| *conn).collect::<Vec<_>>().into_iter().for_each(|conn| self.read(conn));
            if !self.clients.values().any(|client| client.closes().is_some()) {
                break;
            }
        }
        if self.stops == Stops::Closed && self.clients.is_empty() {
            assert!(self.quotas.is_unused(), "held without any connection: {:?}", self.quotas);
            self.input(Input::Finish);
            self.carry_out();
        }
    }

    fn finish(&mut self, conn: ConnId, reason: String) {
        let Some(Client { name, mut connection, output, .. }) = self.clients.remove(&conn) else { return };
        self.names.remove(&name);
        self.happenings.push(Happening::Closed { connection: name, reason, written: output });
        connection.handle_closed();
        self.forward(&mut connection);
    }
}
