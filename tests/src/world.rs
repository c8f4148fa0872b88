//! The pure core driven without an operating system: logical connections, virtual time, saves that end when they are
//! told to.

use crate::answer::Answer;
use crate::process_keys::read_configuration;
use crate::request::Request;
use crate::server::{Reaction, Server, Setup};
use crate::step::{Disk, Step};
use crate::users::rules;
use bytes::Bytes;
use namesrv_core::access::{AccessRules, User};
use namesrv_core::config::Limits;
use namesrv_core::config::properties::Property;
use namesrv_core::connection::{Answers, CloseReason, Connection, Paused, Read, Reading};
use namesrv_core::event::Event;
use namesrv_core::initial_state::InitialState;
use namesrv_core::kv::KvTable;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::quota::Quotas;
use namesrv_core::route::RouteView;
use namesrv_core::save::{SaveError, SaveFile, SaveTicket};
use namesrv_core::time::{Instant, Now, WallTime};
use namesrv_core::{ClientAddress, ConnId, Peer};
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

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
    node: Node,
    view: Option<Arc<RouteView>>,
    now: Now,
    limits: Limits,
    clients: BTreeMap<ConnId, Client>,
    quotas: Arc<Quotas<Cell<usize>>>,
    names: BTreeMap<String, ConnId>,
    opened: u64,
    saving: Saving,
    saves: VecDeque<SaveTicket>,
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

/// A client's connection and its socket, which takes everything at once.
#[derive(Debug)]
struct Client {
    name: String,
    connection: Connection,
    /// What arrived and was not read.
    arrived: Vec<u8>,
    /// What was written and the client did not take.
    output: Vec<u8>,
    /// Its deadlines do not count before: they are postponed by a pause of the server.
    not_before: Instant,
    closing: Option<String>,
}

impl Client {
    /// When it has to be closed for silence or for a frame that takes too long.
    fn due(&self) -> Option<Instant> {
        self.connection.poll_timeout().map(|due| due.max(self.not_before))
    }

    /// Does one step of reading, if there is something to do.
    fn read(&mut self, view: &RouteView, now: Now) -> Option<Reading> {
        let mut answers = Answers::default();
        let arrived;
        let read = if self.connection.can_resume() {
            Read::Nothing
        } else if self.connection.wants_read() && !self.arrived.is_empty() {
            arrived = std::mem::take(&mut self.arrived);
            Read::Bytes(arrived.as_slice())
        } else {
            return None;
        };
        let reading = self.connection.handle_read(read, view, &mut answers, now);
        self.connection.handle_answers(&mut answers.bytes, 0, now);
        self.write(now);
        Some(reading)
    }

    fn write(&mut self, now: Now) {
        loop {
            let mut slices: [&[u8]; 8] = [&[]; 8];
            let filled = self.connection.poll_transmit(&mut slices);
            let bytes = slices[..filled].concat();
            if bytes.is_empty() {
                return;
            }
            self.connection.handle_written(bytes.len(), now);
            self.output.extend(bytes);
        }
    }

    /// Why it is to be closed now.
    fn closes(&self) -> Option<String> {
        self.closing.clone().or_else(|| self.connection.poll_close().map(|reason| reason.to_string()))
    }
}

impl World {
    /// A server with these entries in its configuration file and an empty KV file.
    ///
    /// # Panics
    /// The configuration is refused.
    #[must_use]
    pub fn new(properties: &[(String, String)]) -> Self {
        Self::with(properties, KvTable::default(), Limits::default(), SECRET)
    }

    /// A server with these entries in its configuration file and these users in its users file.
    ///
    /// # Panics
    /// The configuration or a user is refused.
    #[must_use]
    pub fn with_users(properties: &[(String, String)], users: Vec<User>) -> Self {
        Self::start(properties, KvTable::default(), Limits::default(), SECRET, users)
    }

    /// A server with these entries in its configuration file, this KV table, these limits and this secret.
    ///
    /// # Panics
    /// The configuration is refused.
    #[must_use]
    pub fn with(properties: &[(String, String)], kv: KvTable, limits: Limits, secret: [u8; 16]) -> Self {
        Self::start(properties, kv, limits, secret, Vec::new())
    }

    fn start(properties: &[(String, String)], kv: KvTable, limits: Limits, secret: [u8; 16], users: Vec<User>) -> Self {
        let entry = |(line, (key, value)): (usize, &(String, String))| Property {
            key: key.clone(),
            value: value.clone(),
            line: line + 1,
            is_ascii: true,
        };
        let entries: Vec<_> = properties.iter().enumerate().map(entry).collect();
        let (configuration, _warnings) = read_configuration(&entries).expect("the configuration is good");
        let (access, _warnings) = AccessRules::new(&configuration, users).expect("the rules are good");
        let access = Arc::new(access);
        let initial = InitialState { limits, kv, access, ..InitialState::new(secret, configuration) };
        let mut world = Self {
            node: Node::new(initial, START),
            view: None,
            now: START,
            limits,
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
    ///
    /// # Panics
    /// None was ever published.
    #[must_use]
    pub fn view(&self) -> &RouteView {
        self.view.as_deref().expect("the first view is published at once")
    }

    /// The same, to be kept.
    ///
    /// # Panics
    /// None was ever published.
    #[must_use]
    pub fn shared_view(&self) -> Arc<RouteView> {
        Arc::clone(self.view.as_ref().expect("the first view is published at once"))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// The limits that sessions have.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What happened since this was asked last.
    pub fn take_happenings(&mut self) -> Vec<Happening> {
        std::mem::take(&mut self.happenings)
    }

    /// What happened and was not taken yet.
    pub fn happenings(&mut self) -> impl Iterator<Item = &mut Happening> {
        self.happenings.iter_mut()
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
    #[must_use]
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
        let client = Client {
            name: name.to_owned(),
            connection: connection.expect("few connections"),
            arrived: Vec::new(),
            output: Vec::new(),
            not_before: Instant::START,
            closing: None,
        };
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

    /// The client closes a logical connection.
    pub fn disconnect(&mut self, name: &str) {
        if let Some(mut client) = self.names.remove(name).and_then(|conn| self.clients.remove(&conn)) {
            client.connection.handle_closed();
            self.forward(&mut client.connection);
            self.reap();
        }
    }

    /// Time passes, every timer fires when it is due.
    pub fn advance(&mut self, time: Duration) {
        let end = self.now.monotonic + Duration::from_millis(time.as_millis() as u64);
        while let Some(due) = self.next_timer().filter(|due| *due <= end) {
            self.move_to(due.max(self.now.monotonic));
            self.fire_timers();
            assert!(self.next_timer() != Some(due), "the timer of {due:?} fires for ever");
        }
        self.move_to(end);
    }

    /// Time passes while the server does not run. In the end what arrived meanwhile is read, then all timers that are
    /// due fire once; those of connections are postponed by the length of the pause, as drivers have to do it.
    pub fn freeze(&mut self, time: Duration, arrived: &[(String, Vec<u8>)]) {
        let late = time;
        self.move_to(self.now.monotonic + late);
        for (connection, bytes) in arrived {
            self.receive(connection, bytes);
        }
        for client in self.clients.values_mut() {
            client.not_before = client.due().map_or(Instant::START, |due| due + late);
        }
        self.fire_timers();
    }

    /// The wall clock is set, forward or back. Nothing else changes.
    pub fn step_wall_clock(&mut self, millis: i64) {
        self.now.wall = WallTime::from_millis(self.now.wall.as_millis().saturating_add_signed(millis));
        self.fire_timers();
    }

    /// Changes what becomes of saves; those that wait end accordingly.
    pub fn set_saving(&mut self, saving: Saving) {
        self.saving = saving;
        self.end_saves();
        self.carry_out();
        self.reap();
    }

    /// Takes a step; `frames` are its requests, each with the name of its connection.
    pub fn take_step(&mut self, step: &Step, frames: &[(String, Vec<u8>)]) {
        match step {
            Step::Send(_) => frames.iter().for_each(|(connection, frame)| self.receive(connection, frame)),
            Step::Batch(_) => self.receive_together(frames),
            Step::Disconnect { connection } => self.disconnect(&connection.to_string()),
            Step::Garbage { connection } => self.receive(&connection.to_string(), b"GET / HTTP/1.1\r\n"),
            Step::Advance { millis } => self.advance(Duration::from_millis(*millis)),
            Step::Freeze { millis, .. } => self.freeze(Duration::from_millis(*millis), frames),
            Step::SetClock { millis } => self.step_wall_clock(*millis),
            Step::Disk(Disk::Works) => self.set_saving(Saving::Succeeds),
            Step::Disk(Disk::Fails) => self.set_saving(Saving::Fails("disk full".to_owned())),
            Step::Disk(Disk::Waits) => self.set_saving(Saving::Waits),
            Step::Access(access) => self.replace_access(rules(access.file())),
            Step::Stop => self.shut_down(),
        }
    }

    /// The operator changes the rules of access control.
    pub fn replace_access(&mut self, rules: AccessRules) {
        self.input(Input::ReplaceAccess(Arc::new(rules)));
        self.carry_out();
    }

    /// Asks over a logical connection, and takes the answer; `None` if there is none.
    ///
    /// # Panics
    /// The connection is closed, or the answer cannot be read.
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
                self.happenings.push(Happening::Saved { file: ticket.file, contents });
                self.saves.push_back(ticket);
                self.end_saves();
            }
            Output::SaveSnapshot { .. } => panic!("no snapshot is wanted"),
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
        while let Some(ticket) = self.saves.pop_front() {
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

    fn next_timer(&self) -> Option<Instant> {
        let clients = self.clients.values().filter_map(Client::due);
        clients.chain(self.node.poll_timeout()).min()
    }

    fn fire_timers(&mut self) {
        self.input(Input::Tick);
        self.carry_out();
        for client in self.clients.values_mut().filter(|client| client.not_before <= self.now.monotonic) {
            if let Some(reason) = client.connection.handle_timeout(self.now) {
                client.closing.get_or_insert_with(|| reason.to_string());
            }
        }
        self.reap();
    }

    fn move_to(&mut self, monotonic: Instant) {
        self.now.wall = self.now.wall + monotonic.since(self.now.monotonic);
        self.now.monotonic = monotonic;
    }
}

/// The world as a server of golden conversations.
#[derive(Debug)]
pub struct CoreServer {
    world: World,
    /// Frames arrive in pieces of so many bytes.
    piece: usize,
}

impl CoreServer {
    /// Starts a server that is handed whole frames.
    #[must_use]
    pub fn start(setup: &Setup) -> Self {
        Self { world: World::new(&setup.properties), piece: usize::MAX }
    }

    /// Starts a server with these users of a users file.
    #[must_use]
    pub fn with_users(setup: &Setup, users: Vec<User>) -> Self {
        Self { world: World::with_users(&setup.properties, users), piece: usize::MAX }
    }

    /// Starts a server that is handed every frame in pieces of `piece` bytes.
    #[must_use]
    pub fn start_in_pieces(setup: &Setup, piece: usize) -> Self {
        Self { piece, ..Self::start(setup) }
    }

    /// The world inside.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }
}

impl Server for CoreServer {
    fn exchange(&mut self, connection: &str, frame: &[u8]) -> Reaction {
        for piece in frame.chunks(self.piece.min(frame.len())) {
            self.world.receive(connection, piece);
            if !self.world.names.contains_key(connection) {
                return Reaction::Closed;
            }
        }
        match self.world.take_output(connection) {
            None => Reaction::Closed,
            Some(output) if output.is_empty() => Reaction::Silent,
            Some(output) => Reaction::Answer(output),
        }
    }

    fn disconnect(&mut self, connection: &str) {
        self.world.disconnect(connection);
    }

    fn pass(&mut self, time: Duration) {
        self.world.advance(time);
    }

    fn terminate(&mut self) {
        self.world.shut_down();
    }

    fn pushed(&mut self, address: &str) -> Option<Vec<u8>> {
        let wanted =
            |happening: &Happening| matches!(happening, Happening::Notified { address: to, .. } if to == address);
        let index = self.world.happenings.iter().position(wanted)?;
        match self.world.happenings.remove(index) {
            Happening::Notified { frame, .. } => Some(frame.to_vec()),
            Happening::Event(_) | Happening::Closed { .. } | Happening::Saved { .. } => None,
        }
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    fn localize(&self, frame: &[u8]) -> Vec<u8> {
        frame.to_vec()
    }

    fn own_keys(&self) -> &'static [&'static str] {
        &["rocketmqHome", "kvConfigPath", "configStorePath", "listenPort", "rocketmq.serialize.type"]
    }
}
