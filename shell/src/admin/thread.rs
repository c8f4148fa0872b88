//! The admin thread: non-blocking sockets, and one place where it waits.

use super::events;
use super::health;
use super::listeners::Listener;
use super::pages;
use super::site::{Demand, Following, Found, Site};
use crate::accept_backoff::AcceptBackoff;
use crate::clock::Clock;
use crate::http::{Connection, HEAD_BYTES_MAX};
use crate::inspection::{self, Inspected, Replies, ReplyReceiver, replies};
use crate::lifecycle::Stage;
use crate::service_manager::{self, ServiceManager};
use namesrv_core::time::{Duration, Instant, Now};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::Shutdown;
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time;

/// The most open connections. One more closes the connection that has been idle for longest.
const CONNECTIONS_MAX: usize = 64;
/// How long the thread waits for other threads.
const WITHIN: Duration = Duration::from_secs(1);
/// How often it looks at the clock when nothing happens.
const TICK: Duration = Duration::from_secs(1);
/// How long a client may be silent before TCP keepalive checks on it.
const KEEPALIVE: time::Duration = time::Duration::from_secs(30);

/// The admin thread.
#[derive(Debug)]
pub(super) struct AdminThread {
    listeners: Vec<Listener>,
    backoff: AcceptBackoff,
    clients: Vec<Client>,
    site: Site,
    service_manager: Option<ServiceManager>,
    clock: Clock,
    /// The number of the last question to the registry.
    ticket: u64,
    replies: Replies,
    inspected: ReplyReceiver,
}

/// One connection with its socket.
#[derive(Debug)]
struct Client {
    stream: TcpStream,
    connection: Connection,
    /// The index of the listener that accepted it.
    listener: usize,
    waiting: Option<Waiting>,
    /// Set while its answer continues.
    following: Option<Following>,
}

/// A question to other threads.
#[derive(Debug)]
struct Waiting {
    ticket: u64,
    since: Instant,
    /// What they have answered so far.
    found: Found,
    /// Number of I/O threads that have not answered.
    silent_threads: usize,
    /// Whether the request waits for other NameServers.
    drift: bool,
}

impl AdminThread {
    /// The admin thread with its listeners.
    ///
    /// # Errors
    /// The operating system provides no descriptor.
    pub(super) fn new(
        listeners: Vec<Listener>,
        site: Site,
        service_manager: Option<ServiceManager>,
        clock: Clock,
    ) -> io::Result<Self> {
        let (replies, inspected) = replies()?;
        let backoff = AcceptBackoff::new(Arc::default());
        Ok(Self {
            listeners,
            backoff,
            clients: Vec::new(),
            site,
            service_manager,
            clock,
            ticket: 0,
            replies,
            inspected,
        })
    }

    /// Returns the descriptor that wakes the thread.
    pub(super) fn waker(&self) -> Arc<OwnedFd> {
        Arc::clone(self.inspected.waker())
    }

    /// Serves until everything else has stopped.
    pub(super) fn run(&mut self) {
        while self.site.stage() != Stage::Stopped {
            self.turn();
        }
        // Send the last events.
        self.feed_followers(self.clock.now().monotonic);
    }

    /// Waits until there is something to do, and does it.
    fn turn(&mut self) {
        let ready = self.wait();
        let time = self.clock.now();
        let now = time.monotonic;
        self.site.watch.look(now);
        self.backoff.tick(now);
        self.notify_service_manager(now);
        self.site.sample();
        self.site.note_ready(health::is_ready(&self.site));
        let (listeners, clients) = ready.split_at(self.listeners.len());
        self.drive(clients, time);
        self.take_inspected(time);
        self.feed_followers(now);
        self.clients.retain(|client| !client.connection.is_closed());
        for (index, events) in listeners.iter().enumerate() {
            if !events.is_empty() {
                self.accept(index, now);
            }
        }
    }

    fn notify_service_manager(&mut self, now: Instant) {
        if let Some(manager) = &mut self.service_manager {
            let messages = manager.messages(health::is_live(&self.site), || health::status(&self.site), now);
            service_manager::notify(&messages);
        }
    }

    /// Drives each connection, and asks other threads what the pages need.
    fn drive(&mut self, events: &[PollFlags], now: Now) {
        let Self { clients, site, listeners, replies, inspected, ticket, .. } = self;
        for (client, events) in clients.iter_mut().zip(events) {
            let request = match client.drive(*events, site, listeners, now) {
                Some(Demand::Find(question)) => question,
                Some(Demand::Events(following)) => {
                    client.following = Some(following);
                    site.followers.set(site.followers.get() + 1);
                    continue;
                }
                None => continue,
            };
            *ticket += 1;
            // Before the parts are shown there is no thread to ask, and no page asks.
            let Some(parts) = site.parts() else { continue };
            parts.inspector.ask(*ticket, request.report, replies);
            let asked = request.list.map(|list| parts.inboxes.list(list, *ticket, replies));
            let silent_threads = asked.unwrap_or_default();
            let drift = request.drift;
            if drift {
                site.refresh_drift(inspected.waker());
            }
            client.waiting =
                Some(Waiting { ticket: *ticket, since: now.monotonic, found: Found::default(), silent_threads, drift });
        }
    }

    /// Answers requests whose results have come, and those that waited for too long.
    fn take_inspected(&mut self, now: Now) {
        for Inspected { ticket, found, delay } in self.inspected.take() {
            let waiting = self.clients.iter_mut().filter_map(|client| client.waiting.as_mut());
            if let Some(waiting) = waiting.into_iter().find(|waiting| waiting.ticket == ticket) {
                waiting.take(found, delay);
            }
        }
        for client in &mut self.clients {
            let is_due = |waiting: &mut Waiting| {
                let is_complete = waiting.is_complete() && !(waiting.drift && self.site.drift.is_running());
                is_complete || now.monotonic.since(waiting.since) >= WITHIN
            };
            if let Some(waiting) = client.waiting.take_if(is_due) {
                client.resume(&waiting.finish(now.monotonic), &self.site, &self.listeners, now);
            }
        }
    }

    /// Sends new events to the clients that follow them and have read the last ones.
    fn feed_followers(&mut self, now: Instant) {
        let followers = || self.clients.iter().filter(|client| client.following.is_some());
        self.site.followers.set(followers().filter(|client| !client.connection.is_closed()).count());
        let Some(parts) = self.site.parts().filter(|_| self.site.followers.get() > 0) else { return };
        // Done first, so that no event is missed in between.
        parts.events.wake(self.inspected.waker());
        for client in &mut self.clients {
            if let Some(following) = client.following.as_mut().filter(|_| client.connection.wants_more()) {
                let lines = events::lines(&parts.events, following);
                client.connection.handle_more(lines, now);
                client.write(now);
            }
        }
    }

    /// Waits for a socket or for the time limit. Returns the events of each listener and each connection.
    fn wait(&self) -> Vec<PollFlags> {
        let now = self.clock.now().monotonic;
        let accepts = self.backoff.is_open(now);
        let listeners = self.listeners.iter().map(|listener| {
            let interest = if accepts { PollFlags::IN } else { PollFlags::empty() };
            PollFd::new(&listener.socket, interest)
        });
        let clients = self.clients.iter().map(|client| PollFd::new(&client.stream, client.interest()));
        let wake = self.inspected.wake();
        let wake = PollFd::new(&wake, PollFlags::IN);
        let mut sockets: Vec<_> = listeners.chain(clients).chain([wake]).collect();
        let tick = self.service_manager.as_ref().map_or(TICK, ServiceManager::tick);
        let deadlines = self.clients.iter().filter_map(|client| client.connection.poll_timeout());
        let waiting = self.clients.iter().filter_map(|client| Some(client.waiting.as_ref()?.since + WITHIN));
        let timeout = deadlines.chain(waiting).map(|deadline| deadline.since(now)).fold(tick, Duration::min);
        let newest = self.site.parts().map_or(0, |parts| parts.events.range().last);
        let can_advance = self.clients.iter().any(|client| client.can_advance(newest));
        let timeout = if can_advance { Duration::ZERO } else { timeout.max(Duration::from_millis(1)) };
        let timeout = Timespec::try_from(timeout).ok();
        // If interrupted, nothing is ready, and the next round waits again.
        let _ = poll(&mut sockets, timeout.as_ref());
        sockets.iter().map(PollFd::revents).collect()
    }

    fn accept(&mut self, index: usize, now: Instant) {
        let Some(listener) = self.listeners.get(index) else { return };
        match listener.socket.accept() {
            Ok((stream, _)) => {
                self.backoff.note_accepted(true, now);
                if prepare(&stream).is_err() {
                    return;
                }
                self.make_room();
                let connection = Connection::open(now);
                self.clients.push(Client { stream, connection, listener: index, waiting: None, following: None });
            }
            Err(error) => self.backoff.note_error(&error, now),
        }
    }

    /// Closes the connection that has been idle for longest: a probe must get in, however many connections others hold.
    fn make_room(&mut self) {
        if self.clients.len() < CONNECTIONS_MAX {
            return;
        }
        let oldest = self.clients.iter().enumerate().min_by_key(|(_, client)| client.connection.since());
        if let Some((index, _)) = oldest {
            self.clients.swap_remove(index);
        }
    }
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    // A client that follows events may be gone long before the next event.
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

impl Waiting {
    fn take(&mut self, found: inspection::Found, delay: Duration) {
        match found {
            inspection::Found::Report(report) => (self.found.report, self.found.delay) = (Some(report), delay),
            inspection::Found::Connections(listed) => {
                self.silent_threads = self.silent_threads.saturating_sub(1);
                self.found.connections.total += listed.total;
                self.found.connections.connections.extend(listed.connections);
            }
        }
    }

    const fn is_complete(&self) -> bool {
        self.found.report.is_some() && self.silent_threads == 0
    }

    /// Returns what has been answered so far.
    fn finish(self, now: Instant) -> Found {
        let Self { since, found, silent_threads, .. } = self;
        let delay = if found.report.is_some() { found.delay } else { now.since(since) };
        Found { delay, silent_threads, ..found }
    }
}

impl Client {
    fn interest(&self) -> PollFlags {
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::IN, self.connection.wanted_bytes() > 0);
        interest.set(PollFlags::OUT, !self.connection.poll_transmit().is_empty());
        interest
    }

    /// Whether the connection has work although its socket reports nothing. `newest` is the number of the newest event.
    fn can_advance(&self, newest: u64) -> bool {
        let is_behind = self.following.as_ref().is_some_and(|following| following.after < newest);
        self.connection.can_advance() || (is_behind && self.connection.wants_more())
    }

    /// Does a bounded amount of work: reads once, answers at most one request, and writes what the socket takes at
    /// once. Returns what the page needs before it can answer, or what its answer continues with.
    fn drive(&mut self, events: PollFlags, site: &Site, listeners: &[Listener], now: Now) -> Option<Demand> {
        if events.intersects(PollFlags::ERR | PollFlags::HUP) && self.interest().is_empty() {
            self.connection.handle_failure(now.monotonic);
            return None;
        }
        if !events.is_empty() {
            self.read(now.monotonic);
        }
        let request = if self.waiting.is_none() { self.advance(None, site, listeners, now) } else { None };
        self.connection.handle_timeout(now);
        self.write(now.monotonic);
        request
    }

    /// Continues a request that waited.
    fn resume(&mut self, found: &Found, site: &Site, listeners: &[Listener], now: Now) {
        // No page needs results twice.
        let _ = self.advance(Some(found), site, listeners, now);
        self.write(now.monotonic);
    }

    fn advance(&mut self, found: Option<&Found>, site: &Site, listeners: &[Listener], now: Now) -> Option<Demand> {
        let listener = listeners.get(self.listener)?;
        self.connection.advance(|request| pages::respond(site, request, listener, found), now)
    }

    fn read(&mut self, now: Instant) {
        let mut buffer = [0; HEAD_BYTES_MAX];
        let wanted = self.connection.wanted_bytes();
        if wanted == 0 {
            return;
        }
        match self.stream.read(buffer.get_mut(..wanted).unwrap_or_default()) {
            Ok(read) => self.connection.handle_read(buffer.get(..read).unwrap_or_default(), now),
            Err(error) => self.handle_error(&error, now),
        }
    }

    /// Writes once. A client that reads slowly waits for the next round.
    fn write(&mut self, now: Instant) {
        let output = self.connection.poll_transmit();
        if output.is_empty() {
            return;
        }
        match self.stream.write(output) {
            Ok(written) => {
                if self.connection.handle_written(written, now) {
                    // The client may have left already.
                    let _ = rustix::net::shutdown(&self.stream, Shutdown::Write);
                }
            }
            Err(error) => self.handle_error(&error, now),
        }
    }

    fn handle_error(&mut self, error: &io::Error, now: Instant) {
        if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) {
            self.connection.handle_failure(now);
        }
    }
}
