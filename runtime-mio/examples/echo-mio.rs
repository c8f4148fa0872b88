//! An echo server on mio: shows what the sockets cost if requests cost nothing. Like the NameServer, it reads once and
//! writes once for each wake-up, on one thread. With a certificate and its key it speaks TLS.

use anyhow::Result;
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use namesrv_bench::echo::{Arguments, Session};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};

const LISTENER: Token = Token(0);
/// The most bytes of one read.
const READ_BYTES_MAX: usize = 64 * 1024;

fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(arguments.address)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut connections = HashMap::new();
    let mut serial = 0;
    let mut scratch = vec![0; READ_BYTES_MAX];
    loop {
        if let Err(error) = poll.poll(&mut events, None)
            && error.kind() != ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    serial += 1;
                    stream.set_nodelay(true)?;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(serial), both)?;
                    connections.insert(Token(serial), Connection { stream, session: arguments.service.session()? });
                }
            } else if let Some(connection) = connections.get_mut(&event.token())
                && connection.turn(event, &mut scratch).is_err()
            {
                connections.remove(&event.token());
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    session: Session,
}

impl Connection {
    /// Reads until a read does not fill the buffer, and answers each read with one write.
    fn turn(&mut self, event: &Event, scratch: &mut [u8]) -> io::Result<()> {
        if event.is_writable() {
            self.write()?;
        }
        while event.is_readable() {
            let read = match self.stream.read(scratch) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            self.session.handle_input(scratch.get_mut(..read).unwrap_or_default())?;
            self.write()?;
            if read < scratch.len() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        while !self.session.output().is_empty() {
            match self.stream.write(self.session.output()) {
                Ok(written) => self.session.handle_written(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
