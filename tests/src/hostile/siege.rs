//! A siege: one server, an attacker, and honest peers that must not notice.

use crate::peer::{Peer, broker, cluster_info, heartbeat, route};
use crate::process::{Folder, Process};
use crate::request::Request;
use crate::set_on_drop::SetOnDrop;
use crate::suite::Target;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What the kernel lets the process have without being attacked, stacks and reserves of the allocator included.
const FRESH_KIB: u64 = 256 * 1024;
/// How much more it lets it have than it may need: the allocator takes more than is in use at one time.
const RESERVE: u64 = 3;

/// How long an honest peer waits between an answer and its next question.
const HONEST_PAUSE: Duration = Duration::from_millis(1);

/// An attack, and what a server may spend on it.
pub(super) struct Episode {
    name: &'static str,
    properties: Vec<(&'static str, &'static str)>,
    memory_mib: u64,
    lines: usize,
    lines_a_second: usize,
    attack: Box<dyn Fn(&Siege<'_>) + Send + Sync>,
}

impl Episode {
    /// A server with default configuration that may spend so many MiB on the attack, and one line of its log.
    pub(super) fn new(
        name: &'static str,
        memory_mib: u64,
        attack: impl Fn(&Siege<'_>) + Send + Sync + 'static,
    ) -> Self {
        let properties = vec![("ioThreads", "2")];
        Self { name, properties, memory_mib, lines: 1, lines_a_second: 0, attack: Box::new(attack) }
    }

    /// With one more entry in the configuration file.
    pub(super) fn with(mut self, key: &'static str, value: &'static str) -> Self {
        self.properties.push((key, value));
        self
    }

    /// It may log so many lines.
    pub(super) fn lines(mut self, lines: usize) -> Self {
        self.lines = lines;
        self
    }

    /// It may log that many lines more for each second that the episode takes: there is one for each connection, or for
    /// each change, up to a limit.
    pub(super) fn lines_a_second(mut self, lines: usize) -> Self {
        self.lines_a_second = lines;
        self
    }

    pub(super) fn name(&self) -> &str {
        self.name
    }

    /// Runs it, and asserts what holds of every episode: honest peers get right answers before, during and after it,
    /// the memory and the log stay within their bounds, and nothing of it stays open.
    pub(super) fn run(&self, target: &Target, name: &str) {
        let memory_max = FRESH_KIB + RESERVE * self.memory_mib * 1024;
        let folder = Folder::new(&self.properties).with_memory_max(memory_max);
        let server = folder.start(target.binary()).over(target.tls());
        let registration = broker("broker-honest", 0, &["T"]);
        let _broker = Peer::register(&server, &registration);
        let mut first = Peer::connect(&server);
        assert_eq!(first.ask(&route("T")).code, 0);
        server.eventually(|| server.log().contains("broker registered"));
        let (open_files, resident, logged) = (server.open_files(), server.resident_kib(), server.log().len());
        let began = Instant::now();
        let siege = Siege { server, target };
        let (mut reads, mut beats) = siege.while_honest_peers_ask(&heartbeat(&registration), || (self.attack)(&siege));
        let server = siege.server;

        server.eventually(|| server.open_files() <= open_files);
        assert_eq!(first.ask(&route("T")).code, 0, "a connection from before");
        let mut fresh = Peer::connect(&server);
        assert_eq!(fresh.ask(&route("T")).code, 0, "a new connection");
        assert_eq!(fresh.ask(&heartbeat(&registration)).code, 0);
        assert_eq!(fresh.ask(&cluster_info()).code, 0);

        let peak = server.peak_kib().saturating_sub(resident);
        let kept = server.resident_kib().saturating_sub(resident);
        let log = server.log();
        let lines = log[logged..].lines().count();
        let figure = format!(
            "peak {} of {} MiB, kept {}; p99 {} / {} µs of {} / {}; {lines} lines",
            mebibytes(peak),
            self.memory_mib,
            mebibytes(kept),
            p99(&mut reads),
            p99(&mut beats),
            reads.len(),
            beats.len()
        );
        target.figure(name, &figure);
        assert!(peak <= self.memory_mib * 1024, "it needs {peak} KiB for it");
        // The server counts lines by the seconds of its clock, and an episode begins in the middle of one.
        let seconds = began.elapsed().as_secs() as usize + 2;
        let lines_max = self.lines + self.lines_a_second * seconds;
        assert!(lines <= lines_max, "{lines} lines, not {lines_max}: {}", cut(&log[logged..]));
    }
}

/// A server that is being attacked.
pub(super) struct Siege<'a> {
    pub(super) server: Process,
    pub(super) target: &'a Target,
}

impl Siege<'_> {
    /// `size` when the suite runs at full size, else `small`.
    pub(super) fn scaled(&self, small: usize, size: usize) -> usize {
        self.target.scaled(small, size)
    }

    /// A connection.
    pub(super) fn peer(&self) -> Peer {
        Peer::connect(&self.server)
    }

    /// That many connections.
    pub(super) fn peers(&self, count: usize) -> Vec<Peer> {
        (0..count).map(|_| self.peer()).collect()
    }

    /// How long answers took to honest peers, one that asks for routes and one that beats, while `attack` runs. They
    /// are there before it.
    fn while_honest_peers_ask(&self, beat: &Request, attack: impl FnOnce()) -> (Vec<Duration>, Vec<Duration>) {
        let over = AtomicBool::new(false);
        let route = route("T");
        let honest = [&route, beat].map(|request| (self.peer(), request));
        thread::scope(|scope| {
            let asking = honest.map(|(mut peer, request)| {
                self.ask(&mut peer, request);
                let over = &over;
                scope.spawn(move || self.ask_until(over, &mut peer, request))
            });
            {
                // However the attack ends, the others must end too.
                let _end = SetOnDrop(&over);
                attack();
            }
            let [reads, beats] = asking.map(|thread| thread.join().unwrap_or_else(|fault| resume_unwind(fault)));
            (reads, beats)
        })
    }

    fn ask_until(&self, over: &AtomicBool, peer: &mut Peer, request: &Request) -> Vec<Duration> {
        let mut latencies = Vec::new();
        while latencies.is_empty() || !over.load(Ordering::Relaxed) {
            latencies.push(self.ask(peer, request));
            thread::sleep(HONEST_PAUSE);
        }
        latencies
    }

    /// How long the right answer to an honest peer took.
    fn ask(&self, peer: &mut Peer, request: &Request) -> Duration {
        let asked = Instant::now();
        peer.send(request);
        let answer = peer.next().unwrap_or_else(|| {
            let (own, log) = (peer.local_address().to_string(), self.server.log());
            let lines: String = log.lines().filter(|line| line.contains(&own)).collect();
            panic!("an honest peer is closed: {lines}")
        });
        assert_eq!(answer.code, 0, "an honest peer gets a right answer");
        asked.elapsed()
    }
}

fn mebibytes(kib: u64) -> String {
    format!("{}.{}", kib / 1024, kib % 1024 * 10 / 1024)
}

fn p99(latencies: &mut [Duration]) -> u128 {
    latencies.sort_unstable();
    latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default().as_micros()
}

/// The first lines of a log, each cut to a length that can be read.
fn cut(log: &str) -> String {
    log.lines().take(20).map(|line| line.chars().take(300).chain(['\n']).collect::<String>()).collect()
}
