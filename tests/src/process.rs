//! A server binary under test: started with a configuration file of its own, talked to over sockets, killed in the end.

use crate::answer::{Answer, is_unanswered};
use crate::request::Request;
use crate::server::{Reaction, Server, Setup};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before it counts as a failure.
const PATIENCE: Duration = Duration::from_secs(10);

/// Name of the configuration file.
const CONFIG: &str = "namesrv.properties";

/// Correlation number of the requests that only prove that nothing came before their answer.
const PROBE: i32 = 0x5052_4f42;

/// A running server binary.
#[derive(Debug)]
pub struct Process {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Process {
    /// Starts a binary with these entries in its configuration file and waits until it says that it is up. It listens on a free
    /// port of the loopback address and keeps its files in a folder that goes with it.
    ///
    /// # Panics
    /// It does not come up.
    #[must_use]
    pub fn start(binary: &Path, properties: &[(String, String)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kv = folder.path().join("kvConfig.json");
        let mut text = format!("listenPort=0\nbindAddress=127.0.0.1\nkvConfigPath={}\n", kv.display());
        for (key, value) in properties {
            writeln!(text, "{key}={value}").expect("memory takes everything");
        }
        std::fs::write(folder.path().join(CONFIG), text).expect("the configuration file can be written");
        Self::start_in(binary, folder)
    }

    /// Starts a binary again on the files that this process leaves.
    ///
    /// # Panics
    /// It does not come up.
    #[must_use]
    pub fn restart(mut self, binary: &Path) -> Self {
        self.kill();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a temporary folder"));
        Self::start_in(binary, folder)
    }

    fn start_in(binary: &Path, folder: TempDir) -> Self {
        let log = std::fs::File::create(folder.path().join("log")).expect("the log can be written");
        let mut child = Command::new(binary)
            .arg("-c")
            .arg(folder.path().join(CONFIG))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
        let lines = lines_of(child.stdout.take().expect("standard output is piped"));
        let port = boot_port(&lines);
        let mut process = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), folder };
        match port {
            Some(port) => process.address.set_port(port),
            None => panic!("{} does not come up: {}", binary.display(), process.log()),
        }
        process
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The folder of its configuration and KV file.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// What it wrote to its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Opens a connection to it.
    ///
    /// # Panics
    /// It does not accept.
    #[must_use]
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        stream.set_nodelay(true).expect("no delay");
        stream
    }

    /// Sends it SIGTERM.
    ///
    /// # Panics
    /// The signal cannot be sent.
    pub fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("the signal can be sent");
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// It does not come to be so.
    pub fn eventually(&self, mut condition: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < end, "it does not happen: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it ended by itself.
    ///
    /// # Panics
    /// It does not.
    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return status;
            }
            assert!(Instant::now() < end, "the server does not end: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The lines of a pipe, read by a thread of its own until its end.
fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // Nobody listens any more after the boot line; the pipe is read on so that the server never waits for us.
            let _ = sender.send(line);
        }
    });
    receiver
}

/// The port that the boot line names.
fn boot_port(lines: &Receiver<String>) -> Option<u16> {
    let end = Instant::now() + PATIENCE;
    loop {
        let line = lines.recv_timeout(end.saturating_duration_since(Instant::now())).ok()?;
        if line.starts_with("The Name Server boot success.") {
            return line.rsplit(':').next()?.trim().parse().ok();
        }
    }
}

/// A process as a server of golden conversations.
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
    ///
    /// # Panics
    /// It does not come up.
    #[must_use]
    pub fn start(binary: &Path, setup: &Setup) -> Self {
        let listeners = setup.listeners.iter().map(|named| Listener::bind(named)).collect();
        Self { process: Process::start(binary, &setup.properties), connections: BTreeMap::new(), listeners }
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

    fn disconnect(&mut self, connection: &str) {
        if let Some(mut stream) = self.connections.remove(connection) {
            // The server closes its side when it has seen ours; until then nothing else may be asked.
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }

    fn pass(&mut self, _time: Duration) {}

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

    fn patience(&self) -> Duration {
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

/// The next frame of a stream; absent at its end.
///
/// # Panics
/// Neither comes in time.
pub fn read_frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut frame = vec![0; 4];
    read_all(stream, &mut frame)?;
    let length = frame.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length)) as usize;
    frame.resize(4 + length, 0);
    read_all(stream, frame.get_mut(4..)?)?;
    Some(frame)
}

fn read_all(stream: &mut TcpStream, bytes: &mut [u8]) -> Option<()> {
    match stream.read_exact(bytes) {
        Ok(()) => Some(()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("the server neither answers nor closes")
        }
        Err(_) => None,
    }
}
