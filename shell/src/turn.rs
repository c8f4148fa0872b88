//! A turn: the bounded piece of work that a connection with a non-blocking socket does before the others have theirs.

use crate::conversation::{Closing, Conversation, Progress};
use crate::output::Written;
use namesrv_core::route::RouteView;
use namesrv_core::time::Now;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Deref;
use std::sync::Arc;

/// Bytes of one read, and so the input that a connection may use in one turn.
const READ_BYTES_MAX: usize = 64 * 1024;
/// Room for answers that is kept between turns.
const ANSWER_BYTES_KEPT: usize = 1024 * 1024;
/// Reads that look for unread input before a connection is closed.
const DISCARDS_MAX: usize = 16;

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// There is more to do after the others had their turn.
    Again,
    /// Nothing to do until the socket or the registry says something.
    Rest,
    /// The registry's queue is full: again soon.
    Retry,
    /// Everything is done: end the stream, [`Desk::discard`] what is unread, close.
    Done,
    /// Close at once, for a reason that is to be logged.
    Close(Closing),
}

/// What is known of a socket without asking it.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    /// It may have something to read.
    pub readable: bool,
    /// It may take something.
    pub writable: bool,
    /// The end of the stream was told, which is not told again: a read that is not full was not the last.
    pub read_closed: bool,
    /// The server stops: what the peer sent already is read once more, then nothing.
    pub stopping: bool,
}

/// What a thread lends to the connection whose turn it is: a connection that rests owns no buffers.
#[derive(Debug)]
pub struct Desk {
    scratch: Box<[u8]>,
    answers: Vec<u8>,
}

impl Default for Readiness {
    /// That of a new socket.
    fn default() -> Self {
        Self { readable: false, writable: true, read_closed: false, stopping: false }
    }
}

impl Readiness {
    fn may_read(&self, conversation: &Conversation) -> bool {
        (self.readable || self.stopping) && conversation.wants_input()
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self { scratch: vec![0; READ_BYTES_MAX].into_boxed_slice(), answers: Vec::new() }
    }
}

impl Desk {
    /// Writes what waits, reads once, deals with it and writes the answers. The view is loaded after that read.
    ///
    /// # Errors
    /// The socket failed (most often: was reset). Close, there is nothing to be said about it.
    pub fn turn<V: Deref<Target = Arc<RouteView>>>(
        &mut self,
        conversation: &mut Conversation,
        socket: &mut (impl Read + Write),
        readiness: &mut Readiness,
        view: impl FnOnce() -> V,
        now: Now,
    ) -> io::Result<Turn> {
        // What the turn before left unwritten belongs to a connection that failed.
        self.answers.clear();
        self.write(conversation, socket, readiness, now)?;
        let mut progress = Progress::Read;
        let arrived = if conversation.may_go_on() { Some(0) } else { self.read(conversation, socket, readiness)? };
        if let Some(bytes) = arrived {
            let arrived = self.scratch.get(..bytes).unwrap_or_default();
            progress = conversation.handle_input(arrived, &view(), &mut self.answers, now);
        }
        self.write(conversation, socket, readiness, now)?;
        if conversation.is_overfull() {
            return Ok(Turn::Close(Closing::OutputFull));
        }
        if conversation.is_done() {
            return Ok(Turn::Done);
        }
        let more = conversation.may_go_on()
            || readiness.may_read(conversation)
            || (readiness.writable && !conversation.output().is_empty());
        Ok(match progress {
            Progress::Retry => Turn::Retry,
            Progress::NoRoom => Turn::Close(Closing::NoRoom),
            Progress::Read | Progress::Wait if more => Turn::Again,
            Progress::Read | Progress::Wait => Turn::Rest,
        })
    }

    /// Throws away what is unread: with it, closing would reset the connection and destroy answers on their way.
    pub fn discard(&mut self, socket: &mut impl Read) {
        for _ in 0..DISCARDS_MAX {
            if !socket.read(&mut self.scratch).is_ok_and(|read| read > 0) {
                return;
            }
        }
    }

    /// Reads once, if that is wanted; how many bytes are to be dealt with, none at the end of the stream. Absent: nothing
    /// is to be done.
    fn read(
        &mut self,
        conversation: &mut Conversation,
        socket: &mut impl Read,
        readiness: &mut Readiness,
    ) -> io::Result<Option<usize>> {
        if !readiness.may_read(conversation) {
            return Ok(None);
        }
        let read = match socket.read(&mut self.scratch) {
            Ok(0) => {
                readiness.readable = false;
                conversation.handle_end();
                return Ok(Some(0));
            }
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                readiness.readable = false;
                0
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(error),
        };
        readiness.readable &= readiness.read_closed || read == self.scratch.len();
        if readiness.stopping {
            conversation.handle_end();
        }
        Ok((read > 0 || readiness.stopping).then_some(read))
    }

    /// Writes what waits and what was answered now.
    fn write(
        &mut self,
        conversation: &mut Conversation,
        socket: &mut impl Write,
        readiness: &mut Readiness,
        now: Now,
    ) -> io::Result<()> {
        if readiness.writable || !self.answers.is_empty() {
            let written = conversation.write(&mut self.answers, socket, now)?;
            readiness.writable = written != Written::Blocked;
        }
        self.answers.shrink_to(ANSWER_BYTES_KEPT);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::tests::{NOW, World, opaques, question};
    use namesrv_core::config::Limits;

    /// A socket that has `sent` to be read, then nothing for now, and takes `room` bytes.
    struct Socket {
        sent: Vec<u8>,
        taken: Vec<u8>,
        room: usize,
    }

    impl Socket {
        fn new(sent: Vec<u8>) -> Self {
            Self { sent, taken: Vec::new(), room: usize::MAX }
        }
    }

    impl Read for Socket {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.sent.len().min(buffer.len());
            if length == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            buffer[..length].copy_from_slice(&self.sent[..length]);
            self.sent.drain(..length);
            Ok(length)
        }
    }

    impl Write for Socket {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let length = bytes.len().min(self.room);
            if length == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.room -= length;
            self.taken.extend(&bytes[..length]);
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn turn(world: &mut World, socket: &mut Socket, readiness: &mut Readiness, desk: &mut Desk) -> Turn {
        desk.turn(&mut world.conversation, socket, readiness, || &world.view, NOW).unwrap()
    }

    fn readable() -> Readiness {
        Readiness { readable: true, ..Readiness::default() }
    }

    #[test]
    fn one_read_a_turn_until_one_is_not_full() {
        let (mut world, mut desk, mut readiness) = (World::new(Limits::default()), Desk::default(), readable());
        let questions = READ_BYTES_MAX / question(1).len() + 1;
        let mut socket = Socket::new(question(1).repeat(questions));
        assert_eq!(turn(&mut world, &mut socket, &mut readiness, &mut desk), Turn::Again);
        assert_eq!(opaques(&socket.taken).len(), questions - 1);
        assert_eq!(turn(&mut world, &mut socket, &mut readiness, &mut desk), Turn::Rest);
        assert_eq!(opaques(&socket.taken).len(), questions);
        assert!(!readiness.readable);
    }

    #[test]
    fn a_server_that_stops_answers_what_was_sent_already() {
        let (mut world, mut desk) = (World::new(Limits::default()), Desk::default());
        let mut readiness = Readiness { stopping: true, ..Readiness::default() };
        let mut socket = Socket::new(question(7));
        world.conversation.handle_stop();
        assert_eq!(turn(&mut world, &mut socket, &mut readiness, &mut desk), Turn::Done);
        assert_eq!(opaques(&socket.taken), [7]);
    }

    #[test]
    fn what_a_full_socket_does_not_take_is_written_when_it_does() {
        let (mut world, mut desk, mut readiness) = (World::new(Limits::default()), Desk::default(), readable());
        let mut socket = Socket::new(question(1));
        socket.room = 10;
        assert_eq!(turn(&mut world, &mut socket, &mut readiness, &mut desk), Turn::Rest);
        assert!(!readiness.writable && !world.conversation.output().is_empty());
        socket.room = usize::MAX;
        readiness.writable = true;
        assert_eq!(turn(&mut world, &mut socket, &mut readiness, &mut desk), Turn::Rest);
        assert_eq!(opaques(&socket.taken), [1]);
    }

    #[test]
    fn what_finds_no_room_closes_the_connection_after_the_answers() {
        let limits = Limits { incomplete_input_bytes_max: 0, ..Limits::default() };
        let (mut world, mut desk, mut readiness) = (World::new(limits), Desk::default(), readable());
        let whole = question(3);
        let mut socket = Socket::new([&whole[..], &whole[..9]].concat());
        assert_eq!(turn(&mut world, &mut socket, &mut readiness, &mut desk), Turn::Close(Closing::NoRoom));
        assert_eq!(opaques(&socket.taken), [3], "answered all the same");
    }
}
