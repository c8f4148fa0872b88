//! A binary as a server of golden conversations.

use crate::answer::{Answer, is_unanswered};
use crate::process::{Folder, Process};
use crate::request::Request;
use crate::server::{Reaction, Server, Setup};
use crate::stream::{PATIENCE, read_frame};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Correlation number of the requests that only prove that nothing came before their answer.
const PROBE: i32 = 0x5052_4f42;

/// A running binary, with the connections that the conversation names and the listeners of its brokers.
#[derive(Debug)]
pub struct ProcessServer {
    process: Process,
    connections: BTreeMap<String, TcpStream>,
    listeners: Vec<Listener>,
}

/// A broker's own address: the one that the conversation names, and the one that is really listened on.
#[derive(Debug)]
struct Listener {
    named: String,
    bound: String,
    frames: Receiver<Vec<u8>>,
}

impl ProcessServer {
    /// Starts a binary.
    pub fn start(binary: &Path, setup: &Setup) -> Self {
        let listeners = setup.listeners.iter().map(|named| Listener::bind(named)).collect();
        Self { process: Folder::new(&setup.properties).start(binary), connections: BTreeMap::new(), listeners }
    }

    fn connection(&mut self, name: &str) -> TcpStream {
        let stream = self.connections.entry(name.to_owned()).or_insert_with(|| self.process.connect());
        stream.try_clone().expect("one more handle")
    }
}

impl Server for ProcessServer {
    fn exchange(&mut self, connection: &str, frame: &[u8]) -> Reaction {
        let mut stream = self.connection(connection);
        let silent = is_unanswered(frame);
        let mut bytes = frame.to_vec();
        if silent {
            bytes.extend(Request::new(99_999).opaque(PROBE).encode());
        }
        // A connection that the server closes early shows in what is read.
        let _ = stream.write_all(&bytes);
        match read_frame(&mut stream) {
            Some(answer) if silent && Answer::decode(&answer).is_ok_and(|answer| answer.opaque == PROBE) => {
                Reaction::Silent
            }
            Some(answer) => Reaction::Answer(answer),
            None => {
                self.connections.remove(connection);
                Reaction::Closed
            }
        }
    }

    fn exchange_all(&mut self, connection: &str, frames: &[Vec<u8>]) -> Vec<Reaction> {
        let mut stream = self.connection(connection);
        let _ = stream.write_all(&frames.concat());
        let opaque = |frame: &[u8]| Answer::decode(frame).ok().map(|answer| answer.opaque);
        let answers: Vec<_> = frames.iter().map_while(|_| read_frame(&mut stream)).collect();
        let mut answers: BTreeMap<_, _> = answers.into_iter().map(|answer| (opaque(&answer), answer)).collect();
        frames.iter().map(|frame| answers.remove(&opaque(frame)).map_or(Reaction::Closed, Reaction::Answer)).collect()
    }

    fn disconnect(&mut self, connection: &str) {
        if let Some(mut stream) = self.connections.remove(connection) {
            // The server closes its side when it has seen ours; until then nothing else may be asked.
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }

    /// Returns when the server acts on the signal: it tells new clients to go away.
    fn terminate(&mut self) {
        self.process.terminate();
        let end = Instant::now() + PATIENCE;
        let probe = Request::new(99_999).encode();
        let mut stream = self.process.connect();
        while stream.write_all(&probe).is_ok() && Instant::now() < end {
            match read_frame(&mut stream).and_then(|answer| Answer::decode(&answer).ok()) {
                Some(answer) if answer.code != 1500 => thread::sleep(Duration::from_millis(5)),
                _ => return,
            }
        }
    }

    fn pushed(&mut self, address: &str) -> Option<Vec<u8>> {
        let listener = self.listeners.iter().find(|listener| listener.named == address)?;
        listener.frames.recv_timeout(PATIENCE).ok()
    }

    fn timeout(&self) -> Duration {
        PATIENCE
    }

    fn localize(&self, frame: &[u8]) -> Vec<u8> {
        let mut frame = frame.to_vec();
        for listener in &self.listeners {
            let (named, bound) = (listener.named.as_bytes(), listener.bound.as_bytes());
            let starts: Vec<_> =
                frame.windows(named.len()).enumerate().filter(|(_, window)| *window == named).collect();
            for start in starts.into_iter().map(|(start, _)| start).collect::<Vec<_>>() {
                frame[start..start + named.len()].copy_from_slice(bound);
            }
        }
        frame
    }

    fn own_keys(&self) -> &'static [&'static str] {
        &["rocketmqHome", "kvConfigPath", "configStorePath", "listenPort", "bindAddress"]
    }
}

impl Listener {
    /// Binds a port with as many digits as the named one has, so that no length in a frame changes.
    fn bind(named: &str) -> Self {
        let mut rejected = Vec::new();
        loop {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let bound = socket.local_addr().expect("a bound address").to_string();
            if bound.len() == named.len() {
                let (sender, frames) = channel();
                thread::spawn(move || collect(&socket, &sender));
                return Self { named: named.to_owned(), bound, frames };
            }
            rejected.push(socket);
        }
    }
}

/// Hands on all frames of all connections that a listener accepts, until nobody wants them.
fn collect(socket: &TcpListener, frames: &Sender<Vec<u8>>) {
    for mut stream in socket.incoming().map_while(Result::ok) {
        let frames = frames.clone();
        thread::spawn(move || {
            while let Some(frame) = read_frame(&mut stream) {
                if frames.send(frame).is_err() {
                    return;
                }
            }
        });
    }
}
