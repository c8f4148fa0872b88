//! The notifier: sends one-way requests to brokers' own addresses, on its own threads.

use crate::address_families::AddressFamilies;
use crate::clock::Clock;
use crate::line_limit::LineLimit;
use crate::record::shown;
use crate::threads;
use crate::tls::Tls;
use bytes::Bytes;
use namesrv_core::access::Reach;
use namesrv_ctl::Timed;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Stream};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::{Duration, Instant};
use tracing::{debug, warn};

/// Number of threads. All requests to one address go through one thread, so they arrive in order, and a host that does
/// not answer delays only the addresses of its thread.
const THREADS: usize = 4;

/// The most requests that wait for each thread.
const QUEUE_REQUESTS_MAX: usize = 1024;

/// The most lines in a burst about failed notifications.
const LINES: u64 = 100;

/// How long a broker may take to accept the bytes of a request.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a notification over TLS may take in total, the same as for clients' handshakes.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// The handle of the threads. They start with the first request, and end when this value is dropped.
#[derive(Debug)]
pub(crate) struct Notifier {
    threads: [Option<SyncSender<Notification>>; THREADS],
    way: Way,
    failures: Failures,
}

/// How to reach brokers.
#[derive(Clone, Debug)]
struct Way {
    connect_timeout: Duration,
    families: AddressFamilies,
    tls: Arc<Tls>,
}

/// Logs failures, within a limit: brokers choose their addresses.
#[derive(Clone, Debug)]
struct Failures {
    lines: Arc<LineLimit>,
    clock: Clock,
}

impl Failures {
    fn log(&self, line: impl FnOnce()) {
        self.lines.admit(self.clock.now().monotonic, line);
    }
}

#[derive(Debug)]
struct Notification {
    address: String,
    reach: Reach,
    frame: Bytes,
}

impl Notifier {
    pub(crate) fn new(connect_timeout: Duration, families: AddressFamilies, tls: Arc<Tls>, clock: Clock) -> Self {
        let failures = Failures { lines: Arc::new(LineLimit::new("notifications of brokers", LINES)), clock };
        Self { threads: Default::default(), way: Way { connect_timeout, families, tls }, failures }
    }

    /// Queues a request to `host:port`. Never blocks: if too many wait, drops this one.
    pub(crate) fn notify(&mut self, address: String, reach: Reach, frame: Bytes) {
        let mut hasher = DefaultHasher::new();
        address.hash(&mut hasher);
        let index = hasher.finish() as usize % THREADS;
        let thread = match &mut self.threads[index] {
            Some(thread) => thread,
            empty => match start(index, self.way.clone(), self.failures.clone()) {
                Ok(thread) => empty.insert(thread),
                Err(error) => return self.failures.log(|| warn!(%error, "cannot start a thread to notify brokers")),
            },
        };
        match thread.try_send(Notification { address, reach, frame }) {
            Ok(()) => {}
            Err(TrySendError::Full(dropped) | TrySendError::Disconnected(dropped)) => {
                let address = shown(&dropped.address);
                self.failures.log(|| warn!(address = &*address, "too many notifications are waiting: one was dropped"));
            }
        }
    }
}

fn start(index: usize, way: Way, failures: Failures) -> io::Result<SyncSender<Notification>> {
    let (sender, receiver) = mpsc::sync_channel(QUEUE_REQUESTS_MAX);
    threads::named(&format!("notifier-{index}")).spawn(move || run(&receiver, &way, &failures))?;
    Ok(sender)
}

fn run(notifications: &Receiver<Notification>, way: &Way, failures: &Failures) {
    while let Ok(Notification { address, reach, frame }) = notifications.recv() {
        let sent = way.send(&address, &reach, &frame);
        let address = shown(&address);
        match sent {
            Ok(()) => debug!(address = &*address, "broker notified"),
            Err(error) => failures.log(|| warn!(address = &*address, %error, "cannot notify a broker")),
        }
    }
}

impl Way {
    /// Sends one request over a new connection. Requests are rare, and an open connection would need attention. A name
    /// may resolve to any address, so it is resolved only here, and only addresses within reach are used.
    fn send(&self, address: &str, reach: &Reach, frame: &[u8]) -> io::Result<()> {
        let mut result = Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address that may be notified"));
        for address in self.families.resolve(address)?.into_iter().filter(|address| reach.has(address.ip())) {
            result = TcpStream::connect_timeout(&address, self.connect_timeout);
            if result.is_ok() {
                break;
            }
        }
        let mut stream = result?;
        match self.tls.broker_config() {
            None => {
                stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
                stream.write_all(frame)
            }
            Some(config) => send_over_tls(stream, config, frame, TLS_TIMEOUT),
        }
    }
}

/// Never falls back to plain text.
fn send_over_tls(stream: TcpStream, config: Arc<ClientConfig>, frame: &[u8], within: Duration) -> io::Result<()> {
    // The name does not matter: none is sent, and brokers' certificates need not contain it.
    let name = ServerName::IpAddress(stream.peer_addr()?.ip().into());
    let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    let until = Instant::now() + within;
    let mut stream = Timed::new(stream, until);
    let mut tls = Stream::new(&mut connection, &mut stream);
    tls.write_all(frame)?;
    tls.conn.send_close_notify();
    tls.flush()?;
    stream.socket().shutdown(Shutdown::Write)?;
    // Closing a socket with unread bytes, such as a session ticket, would reset the connection and lose sent bytes.
    stream.set_deadline(Some(until.min(Instant::now() + WRITE_TIMEOUT)));
    let mut unread = [0; 1024];
    while stream.read(&mut unread).is_ok_and(|bytes| bytes > 0) {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::test_tls;
    use namesrv_core::access::AccessRules;
    use rustls::{ServerConnection, StreamOwned};
    use std::net::TcpListener;
    use std::thread;

    fn notifier(tls: Arc<Tls>) -> Notifier {
        Notifier::new(WRITE_TIMEOUT, AddressFamilies::default(), tls, Clock::start())
    }

    /// The reach for a broker that registered from this address.
    fn reach(registered_from: &str) -> Reach {
        AccessRules::default().reach(Some(registered_from.parse().unwrap()))
    }

    #[test]
    fn requests_reach_a_broker_in_order() {
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("localhost:{}", broker.local_addr().unwrap().port());
        let mut notifier = notifier(Tls::disabled());
        notifier.notify(address.clone(), reach("127.0.0.1"), Bytes::from_static(b"one"));
        notifier.notify(address, reach("127.0.0.1"), Bytes::from_static(b"two"));
        for expected in ["one", "two"] {
            let mut received = String::new();
            broker.accept().unwrap().0.read_to_string(&mut received).unwrap();
            assert_eq!(received, expected);
        }
    }

    #[test]
    fn requests_reach_a_broker_over_tls_and_end_with_close_notify() {
        for protocols in ["TLSv1.2", "TLSv1.3"] {
            let tls = test_tls(&[("tls.enable", "true"), ("tls.protocols", protocols)]);
            let broker = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = broker.local_addr().unwrap().to_string();
            let mut notifier = notifier(Arc::clone(&tls));
            notifier.notify(address, reach("127.0.0.1"), Bytes::from(vec![7; 100_000]));
            let mut stream = StreamOwned::new(
                ServerConnection::new(tls.server_config().unwrap()).unwrap(),
                broker.accept().unwrap().0,
            );
            let mut received = Vec::new();
            // An end without close_notify would be an error.
            stream.read_to_end(&mut received).unwrap();
            assert_eq!(received, [7; 100_000]);
            assert_eq!(stream.conn.server_name(), None);
        }
    }

    #[test]
    fn a_broker_without_tls_gets_no_plain_text() {
        let tls = test_tls(&[("tls.enable", "true")]);
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        let way = Way { connect_timeout: WRITE_TIMEOUT, families: AddressFamilies::default(), tls };
        let address = broker.local_addr().unwrap().to_string();
        let sent = thread::spawn(move || way.send(&address, &reach("127.0.0.1"), b"secret"));
        let mut stream = broker.accept().unwrap().0;
        let mut first = [0; 3];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(first, [0x16, 3, 1], "a ClientHello");
        stream.write_all(b"plain answer").unwrap();
        let mut rest = Vec::new();
        // The connection may be reset, because the other end leaves bytes unread.
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.windows(6).any(|window| window == b"secret"));
        assert!(sent.join().unwrap().is_err());
    }

    #[test]
    fn a_broker_that_says_nothing_is_given_up() {
        let tls = test_tls(&[("tls.enable", "true")]);
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(broker.local_addr().unwrap()).unwrap();
        let error = send_over_tls(stream, tls.broker_config().unwrap(), b"", Duration::from_millis(1)).unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{error}");
    }

    #[test]
    fn an_address_that_is_none_is_an_error() {
        let way = Way { connect_timeout: WRITE_TIMEOUT, families: AddressFamilies::default(), tls: Tls::disabled() };
        for address in ["", "127.0.0.1", "127.0.0.1:port", "a\0b:1"] {
            assert!(way.send(address, &reach("127.0.0.1"), b"").is_err(), "{address:?}");
        }
    }

    #[test]
    fn a_name_of_this_host_is_not_connected_to_for_a_broker_elsewhere() {
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("localhost:{}", broker.local_addr().unwrap().port());
        let way = Way { connect_timeout: WRITE_TIMEOUT, families: AddressFamilies::default(), tls: Tls::disabled() };
        let error = way.send(&address, &reach("192.0.2.1"), b"one").unwrap_err();
        assert_eq!(error.to_string(), "the host has no address that may be notified");
        broker.set_nonblocking(true).unwrap();
        assert_eq!(broker.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
