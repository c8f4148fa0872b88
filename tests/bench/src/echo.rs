//! What the echo servers share: they answer each frame with the same bytes, over plain text or TLS. They are the
//! limit that the sockets of a runtime and the cipher allow, so they do nothing else: they read no header and look
//! up no topic.

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
    /// What to serve.
    pub service: Service,
}

impl Arguments {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// The arguments are not two numbers, or the files are not a certificate and its key.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let words: Vec<String> = words.into_iter().collect();
        let (port, answer_bytes, files) = match words.as_slice() {
            [port, answer_bytes] => (port, answer_bytes, None),
            [port, answer_bytes, certificate, key] => (port, answer_bytes, Some([certificate, key])),
            _ => anyhow::bail!("usage: PORT ANSWER_BYTES [CERTIFICATE KEY]"),
        };
        let port = port.parse().context("the port is not a number")?;
        let answer_bytes = answer_bytes.parse().context("the size of an answer is not a number")?;
        let service = Service::new(answer_bytes, files.map(|files| files.map(Path::new)))?;
        Ok(Self { address: (Ipv4Addr::LOCALHOST, port).into(), service })
    }
}

/// What all connections of an echo server share.
#[derive(Clone, Debug)]
pub struct Service {
    answers: Answers,
    /// `None` for plain text.
    tls: Option<Arc<ServerConfig>>,
}

impl Service {
    /// Answers with frames of `answer_bytes`, over TLS if `files` has a certificate and its key.
    ///
    /// # Errors
    /// No frame has that size, or the files cannot be used.
    pub fn new(answer_bytes: usize, files: Option<[&Path; 2]>) -> Result<Self> {
        let tls = files.map(|[certificate, key]| tls::server_config(certificate, key)).transpose()?;
        Ok(Self { answers: Answers::new(answer_bytes)?, tls: tls.map(Arc::new) })
    }

    /// Begins to serve a connection.
    ///
    /// # Errors
    /// The operating system has no random numbers.
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
    /// Handles bytes from the socket. TLS decrypts them in place.
    ///
    /// # Errors
    /// The client does not speak TLS, or closes its session.
    pub fn handle_input(&mut self, input: &mut [u8]) -> io::Result<()> {
        match &mut self.layer {
            Layer::Plain(counter) => {
                self.answers.slices(counter.count(input)).for_each(|slice| self.output.extend(slice));
                Ok(())
            }
            Layer::Tls(session) => session.handle_input(input, &self.answers, &mut self.output),
        }
    }

    /// Returns the bytes for the socket. [`Session::handle_written`] removes them.
    pub fn output(&self) -> &[u8] {
        self.output.rest()
    }

    /// Removes bytes of the output that were written to the socket.
    pub fn handle_written(&mut self, bytes: usize) {
        self.output.advance(bytes);
    }
}
