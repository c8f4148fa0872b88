//! The network: connections whose bytes arrive in order, late and in pieces, over paths that can be cut, or not at all.

use super::agenda::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;

/// A process, and the host that it runs on.
pub(super) type ProcessId = usize;

/// The two ends of a connection: the one that dialed, and the one that listened.
pub(super) const DIALER: usize = 0;
pub(super) const LISTENER: usize = 1;

/// One end of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Socket {
    pub(super) connection: u64,
    pub(super) end: usize,
}

impl Socket {
    pub(super) const fn other(self) -> Self {
        Self { end: 1 - self.end, ..self }
    }
}

/// What travels over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Asks for the connection.
    Syn,
    /// Grants it.
    Accept,
    Bytes(Vec<u8>),
    /// No more bytes follow.
    Fin,
    /// There is no such connection.
    Reset,
}

/// How a connection ended, as one end sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Fin,
    Reset,
}

/// What one end of a connection knows and owes.
#[derive(Debug)]
pub(super) struct End {
    pub(super) process: ProcessId,
    /// The life of the process that holds it.
    pub(super) life: u32,
    pub(super) is_connected: bool,
    /// Its own process closed it, or is gone.
    pub(super) closed: bool,
    received: Vec<u8>,
    ended: Option<Ending>,
    /// Parts on their way to the other end.
    sent: VecDeque<Part>,
    last_due: Time,
    /// Something that it sent arrived when nobody held the other end.
    was_dropped: bool,
    /// Since when nothing gets through to the other end; what is sent waits.
    pub(super) stalled: Option<Time>,
    /// It took no bytes when its process wrote last, so the process waits until it takes some.
    pub(super) is_blocked: bool,
}

impl End {
    pub(super) fn was_reset(&self) -> bool {
        self.ended == Some(Ending::Reset)
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether something arrived that its process has not read.
    pub(super) fn has_received(&self) -> bool {
        !self.received.is_empty()
    }
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) ends: [End; 2],
    /// Something on the way forgot the connection and drops everything.
    pub(super) is_forgotten: bool,
}

/// All connections, and what is wrong with the paths between hosts.
#[derive(Debug)]
pub(super) struct Network {
    connections: BTreeMap<u64, Connection>,
    opened: u64,
    /// Paths that are cut, between two processes.
    pub(super) cut_paths: BTreeSet<(ProcessId, ProcessId)>,
    /// Paths that are cut, between two sites.
    pub(super) cut_sites: BTreeSet<(usize, usize)>,
    /// Hosts that are down.
    pub(super) dark_hosts: BTreeSet<ProcessId>,
    /// Where each host stands.
    pub(super) sites: Vec<usize>,
    /// How long a part travels.
    pub(super) delay: RangeInclusive<Time>,
}

impl Network {
    pub(super) fn new() -> Self {
        Self {
            connections: BTreeMap::new(),
            opened: 0,
            cut_paths: BTreeSet::new(),
            cut_sites: BTreeSet::new(),
            dark_hosts: BTreeSet::new(),
            sites: Vec::new(),
            delay: 0..=3,
        }
    }

    /// A connection that is only asked for.
    pub(super) fn open(&mut self, dialer: (ProcessId, u32), listener: ProcessId) -> Socket {
        let end = |process, life| End {
            process,
            life,
            is_connected: false,
            closed: false,
            received: Vec::new(),
            ended: None,
            sent: VecDeque::new(),
            last_due: 0,
            was_dropped: false,
            stalled: None,
            is_blocked: false,
        };
        self.opened += 1;
        let ends = [end(dialer.0, dialer.1), end(listener, 0)];
        self.connections.insert(self.opened, Connection { ends, is_forgotten: false });
        Socket { connection: self.opened, end: DIALER }
    }

    pub(super) fn connection(&self, id: u64) -> Option<&Connection> {
        self.connections.get(&id)
    }

    pub(super) fn connection_mut(&mut self, id: u64) -> Option<&mut Connection> {
        self.connections.get_mut(&id)
    }

    pub(super) fn end(&self, socket: Socket) -> Option<&End> {
        Some(&self.connections.get(&socket.connection)?.ends[socket.end])
    }

    pub(super) fn end_mut(&mut self, socket: Socket) -> Option<&mut End> {
        Some(&mut self.connections.get_mut(&socket.connection)?.ends[socket.end])
    }

    /// Connections that both ends hold, in the order in which they were opened.
    pub(super) fn established(&self) -> Vec<u64> {
        let both = |connection: &Connection| connection.ends.iter().all(|end| end.is_connected && !end.closed);
        self.connections.iter().filter(|(_, connection)| both(connection)).map(|(id, _)| *id).collect()
    }

    /// Connections that something on the way forgot.
    pub(super) fn forgotten(&self) -> Vec<u64> {
        self.connections.iter().filter(|(_, connection)| connection.is_forgotten).map(|(id, _)| *id).collect()
    }

    /// Connections that only one end holds.
    pub(super) fn half_open(&self) -> Vec<u64> {
        let one = |connection: &Connection| connection.ends.iter().any(|end| end.closed);
        self.connections.iter().filter(|(_, connection)| one(connection)).map(|(id, _)| *id).collect()
    }

    /// All ends that a process holds.
    pub(super) fn sockets_of(&self, process: ProcessId) -> Vec<Socket> {
        let mut sockets = Vec::new();
        for (id, connection) in &self.connections {
            for (end, held) in connection.ends.iter().enumerate() {
                if held.process == process && !held.closed {
                    sockets.push(Socket { connection: *id, end });
                }
            }
        }
        sockets
    }

    /// Queues a part, and says when it is due; never, when nothing gets through.
    pub(super) fn push(&mut self, from: Socket, part: Part, now: Time, delay: Time) -> Option<Time> {
        let end = self.end_mut(from)?;
        end.sent.push_back(part);
        end.last_due = end.last_due.max(now + delay);
        end.stalled.is_none().then_some(end.last_due - now)
    }

    /// Whether anything gets from one end of a connection to the other now.
    pub(super) fn is_passable(&self, from: Socket) -> bool {
        let Some(connection) = self.connections.get(&from.connection) else { return false };
        let [a, b] = [connection.ends[0].process, connection.ends[1].process];
        let receiver = connection.ends[from.other().end].process;
        !connection.is_forgotten && !self.is_cut(a, b) && !self.dark_hosts.contains(&receiver)
    }

    pub(super) fn is_cut(&self, a: ProcessId, b: ProcessId) -> bool {
        let (first, second) = (self.sites[a].min(self.sites[b]), self.sites[a].max(self.sites[b]));
        self.cut_paths.contains(&(a.min(b), a.max(b))) || self.cut_sites.contains(&(first, second))
    }

    /// The part at the front of what an end sent.
    pub(super) fn pop(&mut self, from: Socket) -> Option<Part> {
        self.end_mut(from)?.sent.pop_front()
    }

    /// Nobody holds the other end, so what was popped is lost.
    pub(super) fn drop_part(&mut self, from: Socket) {
        if let Some(end) = self.end_mut(from) {
            end.was_dropped = true;
        }
    }

    /// Whether all that an end sent has arrived.
    pub(super) fn has_delivered_all(&self, from: Socket) -> bool {
        self.end(from).is_some_and(|end| end.sent.is_empty() && !end.was_dropped)
    }

    /// Ends whose parts wait although they could get through by now, with the number of those parts.
    pub(super) fn revive(&mut self) -> Vec<(Socket, usize)> {
        let stalled = |(id, connection): (&u64, &Connection)| {
            let ends = connection.ends.iter().enumerate().filter(|(_, end)| end.stalled.is_some());
            ends.map(|(end, _)| Socket { connection: *id, end }).collect::<Vec<_>>()
        };
        let sockets: Vec<_> = self.connections.iter().flat_map(stalled).collect();
        let passable = sockets.into_iter().filter(|socket| self.is_passable(*socket)).collect::<Vec<_>>();
        let mut revived = Vec::new();
        for socket in passable {
            if let Some(end) = self.end_mut(socket) {
                end.stalled = None;
                revived.push((socket, end.sent.len()));
            }
        }
        revived
    }

    /// Takes in what arrived, unless the end was reset before.
    pub(super) fn deliver(&mut self, to: Socket, part: Part, keeps_received: bool) {
        let Some(end) = self.end_mut(to).filter(|end| end.ended != Some(Ending::Reset)) else { return };
        match part {
            Part::Syn | Part::Accept => end.is_connected = true,
            Part::Bytes(bytes) => end.received.extend(bytes),
            Part::Fin => end.ended = end.ended.or(Some(Ending::Fin)),
            Part::Reset => {
                end.ended = Some(Ending::Reset);
                if !keeps_received {
                    end.received.clear();
                }
            }
        }
    }

    /// What an end has received since this was asked last, and whether that is all there will be.
    pub(super) fn receive(&mut self, socket: Socket) -> (Vec<u8>, Option<Ending>) {
        let Some(end) = self.end_mut(socket) else { return (Vec::new(), Some(Ending::Reset)) };
        (std::mem::take(&mut end.received), end.ended)
    }

    /// As [`receive`](Self::receive), but so many bytes at most.
    pub(super) fn receive_some(&mut self, socket: Socket, most: usize) -> (Vec<u8>, Option<Ending>) {
        let Some(end) = self.end_mut(socket) else { return (Vec::new(), Some(Ending::Reset)) };
        let rest = end.received.split_off(most.min(end.received.len()));
        (std::mem::replace(&mut end.received, rest), end.ended)
    }

    /// Bytes that an end sent and the other one has not read.
    pub(super) fn unread_by_other(&self, from: Socket) -> usize {
        let length = |part: &Part| if let Part::Bytes(bytes) = part { bytes.len() } else { 0 };
        let on_the_way = self.end(from).map_or(0, |end| end.sent.iter().map(length).sum());
        on_the_way + self.end(from.other()).map_or(0, |end| end.received.len())
    }

    /// Forgets what is on its way in both directions.
    pub(super) fn lose_parts(&mut self, connection: u64) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.ends.iter_mut().for_each(|end| end.sent.clear());
        }
    }

    /// The process of an end lets go of it. A connection that nobody holds is forgotten.
    pub(super) fn let_go(&mut self, socket: Socket) {
        let Some(connection) = self.connections.get_mut(&socket.connection) else { return };
        connection.ends[socket.end].closed = true;
        if connection.ends.iter().all(|end| end.closed) {
            self.connections.remove(&socket.connection);
        }
    }
}
