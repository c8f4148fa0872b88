//! The notifier: sends one-way requests to brokers' own addresses, on threads of its own.

use crate::clock::Clock;
use crate::events::cut;
use crate::line_limit::LineLimit;
use crate::threads;
use bytes::Bytes;
use namesrv_core::access::Reach;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::Duration;
use tracing::{debug, warn};

/// Threads. An address always goes to the same one, so that its requests arrive in order, and a host that does not
/// answer delays only its share of the others.
const THREADS: usize = 4;

/// Requests that may wait for each thread.
const QUEUE_REQUESTS_MAX: usize = 1024;

/// Lines about notifications that fail which may come at once.
const LINES: u64 = 100;

/// How long a broker may take to accept the bytes of a request.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);

/// The way to the threads; they start with the first request and end with this value.
#[derive(Debug)]
pub(crate) struct Notifier {
    threads: [Option<SyncSender<Notification>>; THREADS],
    connect_timeout: Duration,
    failures: Failures,
}

/// Says what went wrong, as long as that is not too often: brokers choose their addresses.
#[derive(Clone, Debug)]
struct Failures {
    lines: Arc<LineLimit>,
    clock: Clock,
}

impl Failures {
    fn tell(&self, line: impl FnOnce()) {
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
    pub(crate) fn new(connect_timeout: Duration, clock: Clock) -> Self {
        let failures = Failures { lines: Arc::new(LineLimit::new("notifications of brokers", LINES)), clock };
        Self { threads: Default::default(), connect_timeout, failures }
    }

    /// Sends a request to `host:port` soon. Never blocks: when too many wait, this one is dropped.
    pub(crate) fn notify(&mut self, address: String, reach: Reach, frame: Bytes) {
        let mut hasher = DefaultHasher::new();
        address.hash(&mut hasher);
        let index = hasher.finish() as usize % THREADS;
        let connect_timeout = self.connect_timeout;
        let thread = match &mut self.threads[index] {
            Some(thread) => thread,
            empty => match start(index, connect_timeout, self.failures.clone()) {
                Ok(thread) => empty.insert(thread),
                Err(error) => return self.failures.tell(|| warn!(%error, "no thread to notify brokers with")),
            },
        };
        match thread.try_send(Notification { address, reach, frame }) {
            Ok(()) => {}
            Err(TrySendError::Full(dropped) | TrySendError::Disconnected(dropped)) => {
                let address = cut(&dropped.address);
                self.failures.tell(|| warn!(address = &*address, "too many notifications wait: one is dropped"));
            }
        }
    }
}

fn start(index: usize, connect_timeout: Duration, failures: Failures) -> io::Result<SyncSender<Notification>> {
    let (sender, receiver) = mpsc::sync_channel(QUEUE_REQUESTS_MAX);
    threads::named(&format!("notifier-{index}")).spawn(move || run(&receiver, connect_timeout, &failures))?;
    Ok(sender)
}

fn run(notifications: &Receiver<Notification>, connect_timeout: Duration, failures: &Failures) {
    while let Ok(Notification { address, reach, frame }) = notifications.recv() {
        let sent = send(&address, &reach, &frame, connect_timeout);
        let address = cut(&address);
        match sent {
            Ok(()) => debug!(address = &*address, "broker notified"),
            Err(error) => failures.tell(|| warn!(address = &*address, %error, "broker cannot be notified")),
        }
    }
}

/// One connection for one request: they are rare, and a kept connection would have to be watched. A name may stand for
/// any address, so it is only resolved here, and only addresses within reach are connected to.
fn send(address: &str, reach: &Reach, frame: &[u8], connect_timeout: Duration) -> io::Result<()> {
    let mut result = Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address that may be notified"));
    for address in address.to_socket_addrs()?.filter(|address| reach.has(address.ip())) {
        result = TcpStream::connect_timeout(&address, connect_timeout);
        if result.is_ok() {
            break;
        }
    }
    let mut stream = result?;
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    stream.write_all(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::access::AccessRules;
    use std::io::Read;
    use std::net::TcpListener;

    /// Of a broker that registered from this address.
    fn reach(registered_from: &str) -> Reach {
        AccessRules::default().reach(registered_from.parse().unwrap())
    }

    #[test]
    fn requests_reach_a_broker_in_order() {
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("localhost:{}", broker.local_addr().unwrap().port());
        let mut notifier = Notifier::new(WRITE_TIMEOUT, Clock::start());
        notifier.notify(address.clone(), reach("127.0.0.1"), Bytes::from_static(b"one"));
        notifier.notify(address, reach("127.0.0.1"), Bytes::from_static(b"two"));
        for expected in ["one", "two"] {
            let mut received = String::new();
            broker.accept().unwrap().0.read_to_string(&mut received).unwrap();
            assert_eq!(received, expected);
        }
    }

    #[test]
    fn an_address_that_is_none_is_an_error() {
        for address in ["", "127.0.0.1", "127.0.0.1:port", "a\0b:1"] {
            assert!(send(address, &reach("127.0.0.1"), b"", WRITE_TIMEOUT).is_err(), "{address:?}");
        }
    }

    #[test]
    fn a_name_of_this_host_is_not_connected_to_for_a_broker_elsewhere() {
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("localhost:{}", broker.local_addr().unwrap().port());
        let error = send(&address, &reach("192.0.2.1"), b"one", WRITE_TIMEOUT).unwrap_err();
        assert_eq!(error.to_string(), "the host has no address that may be notified");
        broker.set_nonblocking(true).unwrap();
        assert_eq!(broker.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
