//! The registry thread: feeds the one registry from its queue and carries out what it asks for.

use crate::clock::Clock;
use crate::events::EventLog;
use crate::notifier::Notifier;
use crate::queue::{Input, QueueReceiver};
use crate::saver::Saver;
use crate::server::{Budget, Inboxes, Reply, ToIo};
use arc_swap::ArcSwap;
use bytes::Bytes;
use namesrv_core::ConnId;
use namesrv_core::registry::{Output, Registry};
use namesrv_core::route::RouteView;
use namesrv_core::time::Instant;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tracing::info;

/// A batch ends after so many inputs, or when their frames or its replies pass so many bytes: the replies wait for all of
/// it.
const BATCH_INPUTS_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of replies that may be on their way to I/O threads, and how often to look again when there are more.
const REPLY_BYTES_MAX: usize = 16 * 1024 * 1024;
const REPLY_LOOKS_MAX: usize = 100;

/// How long I/O threads may take to write what is owed when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(1);

/// Everything that the thread works with.
#[derive(Debug)]
pub(crate) struct RegistryThread {
    pub(crate) registry: Registry,
    pub(crate) queue: QueueReceiver,
    pub(crate) views: Arc<ArcSwap<RouteView>>,
    pub(crate) inboxes: Arc<Inboxes>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) saver: Saver,
    pub(crate) notifier: Notifier,
    pub(crate) events: EventLog,
    pub(crate) clock: Clock,
    /// Told to the operator once the server accepts connections.
    pub(crate) boot_line: String,
    pub(crate) progress: Progress,
}

/// Where the thread stands.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Inputs to be taken before the registry's clock may tick: those that waited when its deadline was seen to have passed.
    inputs_before_tick: Option<usize>,
    /// Saves that were asked for and have not ended.
    saving: usize,
    /// When the I/O threads are to be stopped.
    stop_at: Option<Instant>,
    stopping: bool,
    finishing: bool,
}

impl RegistryThread {
    /// Works until all I/O threads are done and everything is saved.
    pub(crate) fn run(mut self) {
        loop {
            self.tick();
            self.carry_out();
            self.stop_when_due();
            if self.progress.finishing && self.progress.saving == 0 {
                return;
            }
            match self.queue.receive(self.timeout()) {
                Some(input) => self.take_batch(input),
                // What waited has been taken, whatever its number.
                None => self.progress.inputs_before_tick = self.progress.inputs_before_tick.map(|_| 0),
            }
        }
    }

    /// How long to wait for input: until the next deadline, and not at all while one is due.
    fn timeout(&self) -> Option<Duration> {
        // Nothing can be stopped before it is attached, and that is an input.
        let stop_at = self.progress.stop_at.filter(|_| self.inboxes.are_attached());
        let deadline = self.registry.poll_timeout().into_iter().chain(stop_at).min()?;
        Some(deadline.since(self.clock.now().monotonic))
    }

    /// Tells the registry that time passed, but only after what peers had sent by then: a server that was stopped for a
    /// while must hear them before it judges them. What arrives meanwhile does not delay it further.
    fn tick(&mut self) {
        let now = self.clock.now();
        if self.registry.poll_timeout().is_none_or(|deadline| deadline > now.monotonic) {
            self.progress.inputs_before_tick = None;
            return;
        }
        let waiting = self.queue.waiting();
        if *self.progress.inputs_before_tick.get_or_insert(waiting) == 0 {
            self.progress.inputs_before_tick = None;
            self.registry.handle_timeout(now);
        }
    }

    fn take_batch(&mut self, first: Input) {
        let mut inputs = 0;
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(input) = next {
            inputs += 1;
            if let Input::Frame(_, frame) = &input {
                bytes += frame.len();
            }
            self.take(input);
            let room = inputs < BATCH_INPUTS_MAX && bytes.max(self.registry.reply_bytes()) < BATCH_BYTES_MAX;
            next = if room { self.queue.receive(Some(Duration::ZERO)) } else { None };
        }
        if let Some(before_tick) = &mut self.progress.inputs_before_tick {
            *before_tick = before_tick.saturating_sub(inputs);
        }
    }

    fn take(&mut self, input: Input) {
        let now = self.clock.now();
        match input {
            Input::Frame(peer, frame) => self.registry.handle_frame(peer, &frame, now),
            Input::Disconnected(conn) => self.registry.handle_disconnect(conn, now),
            Input::Saved(ticket, result) => {
                self.progress.saving -= 1;
                self.registry.handle_saved(ticket, result, now);
            }
            Input::Attached => self.announce(),
            Input::Stop => self.begin_to_stop(),
            Input::Finish => self.progress.finishing = true,
        }
    }

    /// Carries out everything that the registry asks for, in order.
    fn carry_out(&mut self) {
        while let Some(output) = self.registry.poll_output() {
            match output {
                Output::Publish(view) => self.views.store(view),
                Output::Reply { conn, frame } => self.reply(conn, frame),
                Output::Close { conn, reason } => self.inboxes.deliver(conn, ToIo::Close { conn, reason }),
                Output::Notify { address, frame } => self.notifier.notify(address, frame),
                Output::Save { ticket, file, contents } => {
                    self.progress.saving += 1;
                    self.saver.save(ticket, file, contents);
                }
                Output::Event(event) => self.events.log(&event, self.clock.now().monotonic),
            }
        }
    }

    /// Sends an answer on its way, once I/O threads took most of those before: what they have is bounded for each
    /// connection, what they have not seen is not. They do not wait for this thread, so this does not take long, but for
    /// one that has failed.
    fn reply(&self, conn: ConnId, frame: Bytes) {
        for _ in 0..REPLY_LOOKS_MAX {
            if self.budget.reply_bytes() < REPLY_BYTES_MAX {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let reply = Reply::new(frame, Arc::clone(&self.budget));
        self.inboxes.deliver(conn, ToIo::Reply { conn, reply });
    }

    fn announce(&self) {
        info!("{}", self.boot_line);
        // Nobody may be reading.
        let _ = writeln!(std::io::stdout(), "{}", self.boot_line);
    }

    /// The I/O threads stop at once, or, with `enableShutdownGracefully`, after a time in which newer clients are sent
    /// elsewhere (Java: `NettyRemotingServer.shutdown`).
    fn begin_to_stop(&mut self) {
        if self.progress.stopping {
            return;
        }
        self.progress.stopping = true;
        let now = self.clock.now();
        let settings = *self.views.load().settings();
        let mut wait = Duration::ZERO;
        if settings.enable_shutdown_gracefully {
            wait = Duration::from_secs(u64::try_from(settings.shutdown_wait_time_seconds).unwrap_or(0));
            self.registry.handle_shutdown(now);
        }
        info!(seconds = wait.as_secs(), "stopping");
        self.progress.stop_at = Some(now.monotonic + wait);
    }

    fn stop_when_due(&mut self) {
        let due = self.progress.stop_at.is_some_and(|at| at <= self.clock.now().monotonic);
        if due && self.inboxes.stop(STOP_WITHIN) {
            self.progress.stop_at = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{QueueSender, queue};
    use crate::saver::SavePaths;
    use crate::server::{Inbox, RegistryHandle};
    use namesrv_core::Peer;
    use namesrv_core::config::{Configuration, properties};
    use namesrv_core::event::Event;
    use namesrv_core::initial_state::InitialState;
    use namesrv_core::kv::KvTable;
    use namesrv_core::wire::Serialization;
    use std::path::PathBuf;
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::thread::JoinHandle;

    /// What arrived, and whether the view published by then says that the server is going away.
    type Arrival = (ToIo, bool);

    struct TestInbox(Sender<Arrival>, Arc<ArcSwap<RouteView>>);

    impl Inbox for TestInbox {
        fn deliver(&self, message: ToIo) {
            self.0.send((message, self.1.load().is_going_away())).unwrap();
        }
    }

    fn peer() -> Peer {
        Peer { conn: ConnId::new(0, 7), address: ([127, 0, 0, 1], 1).into() }
    }

    fn frame(code: i32, fields: &str, body: &str) -> Bytes {
        let header = format!(r#"{{"code":{code},"flag":0,"opaque":1,"version":513,"extFields":{{{fields}}}}}"#);
        let lengths = [4 + header.len() + body.len(), header.len()].map(|length| u32::try_from(length).unwrap());
        [&lengths[0].to_be_bytes(), &lengths[1].to_be_bytes(), header.as_bytes(), body.as_bytes()].concat().into()
    }

    /// A registry thread with one I/O thread, whose place the test takes.
    struct Running {
        handle: RegistryHandle,
        queue: QueueSender,
        arrivals: Receiver<Arrival>,
        threads: [JoinHandle<()>; 2],
        kv_config: PathBuf,
        folder: tempfile::TempDir,
    }

    /// A thread that does not run yet.
    struct Made {
        registry_thread: RegistryThread,
        saver_thread: JoinHandle<()>,
        queue: QueueSender,
        kv_config: PathBuf,
        folder: tempfile::TempDir,
    }

    fn make(file: &str) -> Made {
        let folder = tempfile::tempdir().unwrap();
        let paths = SavePaths { kv_config: folder.path().join("kv"), runtime_config: folder.path().join("runtime") };
        let kv_config = paths.kv_config.clone();
        let (configuration, _) = Configuration::new(&properties::parse(file.as_bytes()).unwrap()).unwrap();
        let (limits, serialization) = (configuration.limits(), Serialization::Json);
        let initial = InitialState { secret: [0; 16], limits, configuration, kv: KvTable::default(), serialization };
        let clock = Clock::start();
        let mut registry = Registry::new(initial, clock.now());
        let Some(Output::Publish(view)) = registry.poll_output() else { panic!("no view") };
        let views = Arc::new(ArcSwap::new(view));
        let (queue, receiver) = queue(100, 100_000);
        let (saver, saver_thread) = Saver::start(paths, queue.clone()).unwrap();
        let registry_thread = RegistryThread {
            registry,
            queue: receiver,
            views,
            inboxes: Arc::default(),
            budget: Arc::new(Budget::new(&limits)),
            saver,
            notifier: Notifier::new(Duration::from_secs(3), clock),
            events: EventLog::default(),
            clock,
            boot_line: String::new(),
            progress: Progress::default(),
        };
        Made { registry_thread, saver_thread, queue, kv_config, folder }
    }

    fn start(file: &str) -> Running {
        let Made { registry_thread, saver_thread, queue, kv_config, folder } = make(file);
        let views = Arc::clone(&registry_thread.views);
        let handle = RegistryHandle::new(queue.clone(), Arc::clone(&registry_thread.inboxes));
        let registry_thread = std::thread::spawn(move || registry_thread.run());
        let (sender, arrivals) = mpsc::channel();
        handle.attach(vec![Box::new(TestInbox(sender, views))]);
        let threads = [registry_thread, saver_thread];
        Running { handle, queue, arrivals, threads, kv_config, folder }
    }

    impl Running {
        fn ask(&self, code: i32, fields: &str) {
            self.handle.forward(peer(), frame(code, fields, "")).unwrap();
        }

        fn reply(&self) -> String {
            let (ToIo::Reply { conn, reply }, _) = self.arrivals.recv().unwrap() else { panic!("no reply") };
            assert_eq!(conn, peer().conn, "the connection that asked");
            String::from_utf8_lossy(&reply.arrive()).into_owned()
        }

        /// The files stay while the folder is held.
        fn finish(self) -> tempfile::TempDir {
            self.queue.push(Input::Finish);
            self.threads.into_iter().for_each(|thread| thread.join().unwrap());
            self.folder
        }
    }

    const PUT: &str = r#""namespace":"n","key":"k","value":"v""#;

    #[test]
    fn replies_reach_the_connection_that_asked() {
        let running = start("");
        running.ask(319, "");
        assert!(running.reply().ends_with("writeBufferLowWaterMark=0\n"));
        running.finish();
    }

    #[test]
    fn a_change_is_answered_once_it_is_saved() {
        let running = start("");
        running.ask(100, PUT);
        assert!(running.reply().contains(r#""code":0,"#));
        assert_eq!(std::fs::read(&running.kv_config).unwrap(), br#"{"configTable":{"n":{"k":"v"}}}"#);
        running.finish();
    }

    #[test]
    fn a_change_that_cannot_be_saved_is_refused() {
        let running = start("");
        std::fs::create_dir(&running.kv_config).unwrap();
        running.ask(100, PUT);
        assert!(running.reply().contains(r#""code":1,"#));
        running.finish();
    }

    #[test]
    fn what_was_asked_before_the_end_is_saved() {
        let running = start("");
        running.ask(100, PUT);
        let kv_config = running.kv_config.clone();
        let _folder = running.finish();
        assert!(kv_config.exists());
    }

    #[test]
    fn stopping_reaches_the_io_threads_at_once() {
        let running = start("");
        running.queue.push(Input::Stop);
        assert!(matches!(running.arrivals.recv().unwrap(), (ToIo::Stop { within: STOP_WITHIN }, false)));
        running.finish();
    }

    #[test]
    fn stopping_gracefully_sends_clients_away_first() {
        let running = start("enableShutdownGracefully=true\nshutdownWaitTimeSeconds=0");
        running.queue.push(Input::Stop);
        assert!(matches!(running.arrivals.recv().unwrap(), (ToIo::Stop { .. }, true)));
        running.finish();
    }

    #[test]
    fn peers_are_heard_before_they_are_judged() {
        let Made { mut registry_thread, queue, .. } = make("");
        let broker = r#""brokerName":"b","brokerAddr":"b:1","clusterName":"c","haServerAddr":"","brokerId":"0""#;
        let fields = format!(r#"{broker},"heartbeatTimeoutMillis":"1""#);
        let body = r#"{"topicConfigSerializeWrapper":{"topicConfigTable":{},"dataVersion":{"counter":1}}}"#;
        registry_thread.take(Input::Frame(peer(), frame(103, &fields, body)));
        std::thread::sleep(Duration::from_millis(5));

        (8..11).for_each(|serial| queue.push(Input::Disconnected(ConnId::new(0, serial))));
        registry_thread.tick();
        assert_eq!(registry_thread.progress.inputs_before_tick, Some(3));
        assert_eq!(registry_thread.timeout(), Some(Duration::ZERO), "it does not sleep meanwhile");
        assert!(!evicted(&mut registry_thread));
        let first = registry_thread.queue.receive(None).unwrap();
        registry_thread.take_batch(first);
        registry_thread.tick();
        assert!(evicted(&mut registry_thread));
    }

    fn evicted(registry_thread: &mut RegistryThread) -> bool {
        std::iter::from_fn(|| registry_thread.registry.poll_output())
            .any(|output| matches!(output, Output::Event(Event::BrokerEvicted { .. })))
    }
}
