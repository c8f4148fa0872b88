//! One connection of a broker, a client or an administrator, and the requests that they send.

use crate::answer::Answer;
use crate::process::Process;
use crate::registration::{Registration, Topic};
use crate::request::Request;
use crate::stream::{be_patient, begin_to_connect, read_frame};
use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// A connection, read frame by frame.
pub(crate) struct Peer {
    stream: TcpStream,
}

impl Peer {
    pub(crate) fn connect(server: &Process) -> Self {
        Self::over(server.connect())
    }

    /// A connection that is there already.
    pub(crate) const fn over(stream: TcpStream) -> Self {
        Self { stream }
    }

    /// Opens a connection that keeps few bytes which nobody reads.
    pub(crate) fn connect_narrow(server: &Process) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(16 * 1024).expect("a small buffer");
        socket.connect(&server.address().into()).expect("the server accepts");
        let stream = TcpStream::from(socket);
        be_patient(&stream);
        Self { stream: server.over_tls(stream) }
    }

    /// Begins to connect and does not wait for it.
    pub(crate) fn begin_to_connect(address: SocketAddr) -> Self {
        let stream = begin_to_connect(address).expect("a socket that does not wait");
        stream.set_nonblocking(false).expect("a socket that waits");
        be_patient(&stream);
        Self { stream }
    }

    /// Registers a broker over a connection of its own.
    pub(crate) fn register(server: &Process, registration: &Registration) -> Self {
        let mut peer = Self::connect(server);
        assert_eq!(peer.ask(&registration.request()).code, 0);
        peer
    }

    /// Where it comes from.
    pub(crate) fn local_address(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connection has an address")
    }

    /// Another handle of the same connection.
    pub(crate) fn another(&self) -> Self {
        Self { stream: self.stream.try_clone().expect("one more handle") }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.try_write(bytes).expect("the server reads");
    }

    /// Writes to a server that may have closed the connection.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Writes without waiting for a server that does not read.
    pub(crate) fn write_what_fits(&mut self, mut bytes: &[u8]) {
        self.stream.set_nonblocking(true).expect("a socket that does not wait");
        while let Ok(written) = self.stream.write(bytes) {
            bytes = &bytes[written..];
            if bytes.is_empty() {
                break;
            }
        }
        self.stream.set_nonblocking(false).expect("a socket that waits");
    }

    pub(crate) fn send(&mut self, request: &Request) {
        self.write(&request.encode());
    }

    /// The next answer; none at the end of the stream.
    pub(crate) fn next(&mut self) -> Option<Answer> {
        read_frame(&mut self.stream).map(|frame| Answer::decode(&frame).expect("a frame"))
    }

    /// Reads on until the server closes; it may say something first that is no answer.
    pub(crate) fn expect_end(&mut self) {
        let mut last = Vec::new();
        match io::Read::read_to_end(&mut self.stream, &mut last) {
            Ok(_) => {}
            // There was input that it did not take.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the server does not close: {error}"),
        }
        assert!(last.len() < 64, "{last:?}");
    }

    pub(crate) fn answer(&mut self) -> Answer {
        self.next().expect("the server answers")
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Answer {
        self.send(request);
        self.answer()
    }

    /// Sends many requests without waiting for their answers, and returns the codes of these.
    pub(crate) fn flood(&mut self, count: usize, request: impl Fn(usize) -> Request + Sync) -> Vec<i32> {
        let mut writer = self.another();
        thread::scope(|scope| {
            let request = &request;
            scope.spawn(move || (0..count).for_each(|number| writer.send(&request(number))));
            (0..count).map(|_| self.answer().code).collect()
        })
    }

    /// Ends this side; the other may still send.
    pub(crate) fn end(&self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is open");
    }

    /// Closes in the rude way: what is unread and unsent is lost.
    pub(crate) fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("the system takes it");
    }
}

/// A 5.5.0 broker of `DefaultCluster` with these topics, and one more: a first registration of a single one is refused.
pub(crate) fn broker<T: AsRef<str>>(name: &str, id: i64, topics: &[T]) -> Registration {
    let mut registration = Registration::new(name, id);
    registration.topics = Some(topics.iter().map(AsRef::as_ref).chain(["one more"]).map(Topic::new).collect());
    registration
}

pub(crate) fn route(topic: &str) -> Request {
    Request::new(105).field("topic", topic)
}

pub(crate) fn cluster_info() -> Request {
    Request::new(106)
}

pub(crate) fn put(namespace: &str, key: &str, value: &str) -> Request {
    Request::new(100).field("namespace", namespace).field("key", key).field("value", value)
}

pub(crate) fn get(namespace: &str, key: &str) -> Request {
    Request::new(101).field("namespace", namespace).field("key", key)
}

pub(crate) fn delete(namespace: &str, key: &str) -> Request {
    Request::new(102).field("namespace", namespace).field("key", key)
}

pub(crate) fn heartbeat(registration: &Registration) -> Request {
    registration.naming_request(904)
}

pub(crate) fn unregister(registration: &Registration) -> Request {
    registration.naming_request(104)
}

/// The right to open very many connections, which one case has at a time.
pub(crate) struct Crowd {
    /// How many it may open, at most as many as it wanted.
    pub(crate) connections: usize,
    /// What the limit of open files is, of this process and of servers that it starts.
    pub(crate) open_files_max: usize,
    _turn: MutexGuard<'static, ()>,
}

impl Crowd {
    /// Raises the limit of open files as far as it goes and leaves some for the cases that run at the same time.
    pub(crate) fn gather(wanted: usize) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit).expect("the soft limit can be raised to the hard one");
        let open_files_max = limit.maximum.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
        let others = (open_files_max / 8).max(256);
        Self { connections: wanted.min(open_files_max.saturating_sub(others)), open_files_max, _turn: turn }
    }
}
