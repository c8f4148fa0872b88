//! What the echo servers have in common: frames in, the same bytes out for each, over plain text or TLS. They are the
//! limit that the sockets of a runtime and the cipher allow, so they do nothing else: no header is read, no topic
//! looked up.

mod frames;
mod output;
mod tls;

pub use frames::{FrameCounter, constant_answer};

use anyhow::{Context, Result};
use frames::Answers;
use output::Output;
use rustls::ServerConfig;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use tls::TlsSession;

/// The command line of an echo server: `PROGRAM PORT ANSWER_BYTES [CERTIFICATE KEY]`, with PEM files.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// Where to listen.
    pub address: SocketAddr,
    /// What to serve there.
    pub service: Service,
}

impl Arguments {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// They are not two numbers, or the files that follow are no certificate and its key.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let words: Vec<String> = words.into_iter().collect();
        let (port, answer_bytes, files) = match words.as_slice() {
            [port, answer_bytes] => (port, answer_bytes, None),
            [port, answer_bytes, certificate, key] => (port, answer_bytes, Some([certificate, key])),
            _ => anyhow::bail!("usage: PORT ANSWER_BYTES [CERTIFICATE KEY]"),
        };
        let port = port.parse().context("the port is no number")?;
        let answer_bytes = answer_bytes.parse().context("the size of an answer is no number")?;
        let service = Service::new(answer_bytes, files.map(|files| files.map(Path::new)))?;
        Ok(Self { address: (Ipv4Addr::LOCALHOST, port).into(), service })
    }
}

/// What an echo server does. Its connections share it.
#[derive(Clone, Debug)]
pub struct Service {
    answers: Answers,
    /// `None` is plain text.
    tls: Option<Arc<ServerConfig>>,
}

impl Service {
    /// Answers frames of so many bytes, over TLS if there are files with a certificate and its key.
    ///
    /// # Errors
    /// No frame has that size, or the files are of no use.
    pub fn new(answer_bytes: usize, files: Option<[&Path; 2]>) -> Result<Self> {
        let tls = files.map(|[certificate, key]| tls::server_config(certificate, key)).transpose()?;
        Ok(Self { answers: Answers::new(answer_bytes)?, tls: tls.map(Arc::new) })
    }

    /// Begins to serve a connection.
    ///
    /// # Errors
    /// There are no random numbers.
    pub fn session(&self) -> io::Result<Session> {
        let layer = match &self.tls {
            None => Layer::Plain(FrameCounter::new()),
            Some(config) => Layer::Tls(Box::new(TlsSession::begin(Arc::clone(config))?)),
        };
        Ok(Session { answers: self.answers.clone(), layer, output: Output::default() })
    }
}

/// One connection of an echo server, without its socket.
pub struct Session {
    answers: Answers,
    layer: Layer,
    output: Output,
}

enum Layer {
    Plain(FrameCounter),
    Tls(Box<TlsSession>),
}

impl Session {
    /// Takes bytes of the socket. TLS decrypts them in place.
    ///
    /// # Errors
    /// The client speaks no TLS, or closes its session.
    pub fn handle_input(&mut self, input: &mut [u8]) -> io::Result<()> {
        match &mut self.layer {
            Layer::Plain(counter) => {
                self.answers.slices(counter.count(input)).for_each(|slice| self.output.extend(slice));
                Ok(())
            }
            Layer::Tls(session) => session.handle_input(input, &self.answers, &mut self.output),
        }
    }

    /// Bytes for the socket, until [`Session::handle_written`] takes them away.
    pub fn output(&self) -> &[u8] {
        self.output.rest()
    }

    /// The socket took so many bytes of the output.
    pub fn handle_written(&mut self, bytes: usize) {
        self.output.advance(bytes);
    }
}
