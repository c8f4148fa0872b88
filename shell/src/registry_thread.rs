//! The registry thread: takes inputs from its queue, hands them to the node, and carries out the node's outputs.

use crate::clock::Clock;
use crate::console::print;
use crate::counters::Counters;
use crate::credit::Credit;
use crate::events::EventLog;
use crate::inspection::Inspections;
use crate::lifecycle::{Lifecycle, Stage};
use crate::notifier::Notifier;
use crate::publisher::Publisher;
use crate::queue::QueueReceiver;
use crate::record::EventType;
use crate::saver::Saver;
use crate::server::{Inboxes, Reply, ToIo};
use crate::service_manager::{self, Message};
use crate::shutdown::Shutdown;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::time::Duration;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time;
use tracing::{info, warn};

/// How often an idle thread goes round, so that others see that it makes progress.
const TICK: Duration = Duration::from_secs(1);

/// The state of the thread.
#[derive(Debug)]
pub(crate) struct RegistryThread {
    pub(crate) node: Node,
    pub(crate) queue: QueueReceiver,
    pub(crate) publisher: Publisher,
    pub(crate) inboxes: Arc<Inboxes>,
    pub(crate) credit: Arc<Credit>,
    pub(crate) saver: Saver,
    pub(crate) notifier: Notifier,
    pub(crate) events: EventLog,
    pub(crate) inspections: Inspections,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) shutdown: Shutdown,
    pub(crate) counters: Arc<Counters>,
    pub(crate) clock: Clock,
    /// Logged once the server accepts connections.
    pub(crate) boot_line: String,
}

impl RegistryThread {
    /// Works until all I/O threads have ended and everything is saved.
    pub(crate) fn run(mut self) {
        while self.carry_out_batch().is_continue() {
            self.take_inputs();
        }
    }

    /// Carries out one batch. Breaks when the node has ended.
    fn carry_out_batch(&mut self) -> ControlFlow<()> {
        let began = time::Instant::now();
        while let Some(output) = self.node.poll_output() {
            self.carry_out(output)?;
        }
        if !self.node.tally().is_empty() {
            self.counters.batches.add(1, began.elapsed());
            self.counters.take_batch(self.node.tally(), self.queue.oldest().unwrap_or(began).elapsed());
        }
        if self.node.is_idle() {
            self.queue.forget_oldest();
        }
        self.inspections.answer(&self.node, self.clock.now());
        ControlFlow::Continue(())
    }

    /// Waits for work, and hands in all inputs that have arrived. There is an end to them: the quota of frames is
    /// released only later, and all other inputs follow from the node's outputs or from connections.
    fn take_inputs(&mut self) {
        let deadlines = [self.node.poll_timeout(), self.publisher.poll_timeout(), self.events.poll_timeout()];
        let now = self.clock.now().monotonic;
        let waits = deadlines.into_iter().flatten().map(|deadline| deadline.since(now));
        let first = self.queue.receive(Some(waits.fold(TICK, Duration::min)));

        let now = self.clock.now();
        self.counters.progress.note_registry(now.monotonic);
        first.into_iter().chain(self.queue.waiting()).for_each(|input| {
            if let Input::Saved { ticket, result } = &input {
                self.counters.note_save(ticket.file, result.is_ok());
            }
            self.node.handle(input, now);
        });
        self.node.handle(Input::Tick, now);
        self.publisher.handle_timeout(now.monotonic);
        self.events.handle_timeout(now);
        self.events.look_at_limits(&self.counters, now);
    }

    fn carry_out(&mut self, output: Output) -> ControlFlow<()> {
        match output {
            Output::Release { requests, bytes } => self.queue.release(requests, bytes),
            Output::Publish(view) => {
                self.counters.views.add(1);
                self.publisher.publish(view, self.clock.now().monotonic);
            }
            Output::Reply { conn, frame } => {
                let reply = Reply::new(frame, Arc::clone(&self.credit));
                self.inboxes.deliver(conn, ToIo::Reply { conn, reply });
            }
            Output::Close { conn, reason } => self.inboxes.deliver(conn, ToIo::Close { conn, reason }),
            Output::Notify { address, reach, frame } => self.notifier.notify(address, reach, frame),
            Output::Save { ticket, contents } => self.saver.save(ticket, contents),
            Output::SaveSnapshot { ticket, source } => self.saver.save_snapshot(ticket, source),
            Output::Event(event) => {
                self.counters.note_event(&event);
                self.events.log(&event, self.clock.now());
            }
            Output::Announce => self.announce(),
            Output::RepliesStuck { bytes } => warn!(bytes, "I/O threads do not take their replies"),
            Output::Stopping { wait } => {
                self.shutdown.begin();
                info!(seconds = wait.as_secs(), "stopping");
            }
            Output::StopIo { within } => {
                self.lifecycle.enter(Stage::Ending);
                self.inboxes.stop(within);
            }
            Output::Finished => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    fn announce(&self) {
        self.lifecycle.enter(Stage::Serving);
        service_manager::notify(&[Message::Ready]);
        self.events.keep(EventType::ServerStarted, self.clock.now());
        info!("{}", self.boot_line);
        print(io::stdout(), &format!("{}\n", self.boot_line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address_families::AddressFamilies;
    use crate::audit::AuditSink;
    use crate::files::KeptFile;
    use crate::inspection::inspections;
    use crate::queue::{QueueSender, queue};
    use crate::quota::SharedQuotas;
    use crate::saver::SavedFiles;
    use crate::server::{Inbox, RegistryHandle};
    use crate::tls::Tls;
    use arc_swap::ArcSwap;
    use bytes::Bytes;
    use namesrv_core::access::Verdict;
    use namesrv_core::config::{Configuration, Limits, properties};
    use namesrv_core::initial_state::InitialState;
    use namesrv_core::node::STOP_WITHIN;
    use namesrv_core::route::RouteView;
    use namesrv_core::{ConnId, Peer};
    use std::path::PathBuf;
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::thread::JoinHandle;

    /// A message that arrived, and whether the view published by then says that the server is going away.
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

    fn frame(code: i32, fields: &str) -> Bytes {
        let header = format!(r#"{{"code":{code},"flag":0,"opaque":1,"version":513,"extFields":{{{fields}}}}}"#);
        let lengths = [4 + header.len(), header.len()].map(|length| u32::try_from(length).unwrap());
        [&lengths[0].to_be_bytes(), &lengths[1].to_be_bytes(), header.as_bytes()].concat().into()
    }

    /// Reserves a place for a frame and hands it in, as a connection does.
    fn forward(handle: &RegistryHandle, quotas: &SharedQuotas, frame: Bytes) {
        assert!(quotas.queue().try_reserve(frame.len()));
        handle.hand_in(Input::Frame { peer: peer(), frame, verdict: Verdict::Open });
    }

    /// A running registry thread with one I/O thread, played by the test.
    struct Running {
        handle: RegistryHandle,
        quotas: Arc<SharedQuotas>,
        queue: QueueSender,
        arrivals: Receiver<Arrival>,
        threads: [JoinHandle<()>; 2],
        kv_config: PathBuf,
        folder: tempfile::TempDir,
    }

    /// A registry thread that does not run yet.
    struct Made {
        registry_thread: RegistryThread,
        saver_thread: JoinHandle<()>,
        handle: RegistryHandle,
        quotas: Arc<SharedQuotas>,
        queue: QueueSender,
        arrivals: Receiver<Arrival>,
        kv_config: PathBuf,
        folder: tempfile::TempDir,
    }

    fn make(file: &str) -> Made {
        let folder = tempfile::tempdir().unwrap();
        let kv_config = folder.path().join("kv");
        let files = SavedFiles {
            kv: KeptFile::new("kvConfigPath", kv_config.clone(), true),
            runtime: KeptFile::new("runtimeConfigPath", folder.path().join("runtime"), false),
            kv_is_original: false,
            snapshot: None,
        };
        let (configuration, _) = Configuration::new(&properties::parse(file.as_bytes()).unwrap()).unwrap();
        let limits = configuration.limits();
        let clock = Clock::start();
        let mut node = Node::new(InitialState::new([0; 16], configuration), clock.now());
        let Some(Output::Publish(view)) = node.poll_output() else { panic!("no view") };
        let views = Arc::new(ArcSwap::new(view));
        let small = Limits { registry_queue_requests_max: 100, registry_queue_bytes_max: 100_000, ..limits };
        let quotas = SharedQuotas::shared(&small);
        let (queue, receiver) = queue(&quotas);
        let counters = Arc::new(Counters::new(1, clock.now().monotonic));
        let (saver, saver_thread) = Saver::start(files, queue.clone(), &counters, clock).unwrap();
        let handle = RegistryHandle::new(queue.clone(), Arc::default());
        let lifecycle = Arc::new(Lifecycle::default());
        let registry_thread = RegistryThread {
            node,
            queue: receiver,
            publisher: Publisher::new(Arc::clone(&views)),
            inboxes: handle.inboxes(),
            credit: Arc::new(Credit::new(queue.clone())),
            saver,
            notifier: Notifier::new(Duration::from_secs(3), AddressFamilies::default(), Tls::disabled(), clock),
            events: EventLog::new(AuditSink::new(None)),
            inspections: inspections(queue.clone()).1,
            shutdown: Shutdown::new(&lifecycle, Arc::default(), clock),
            lifecycle,
            counters,
            clock,
            boot_line: String::new(),
        };
        let (sender, arrivals) = mpsc::channel();
        handle.attach(vec![Arc::new(TestInbox(sender, views))]);
        Made { registry_thread, saver_thread, handle, quotas, queue, arrivals, kv_config, folder }
    }

    fn start(file: &str) -> Running {
        let Made { registry_thread, saver_thread, handle, quotas, queue, arrivals, kv_config, folder } = make(file);
        let threads = [std::thread::spawn(move || registry_thread.run()), saver_thread];
        Running { handle, quotas, queue, arrivals, threads, kv_config, folder }
    }

    impl Running {
        fn ask(&self, code: i32, fields: &str) {
            forward(&self.handle, &self.quotas, frame(code, fields));
        }

        fn reply(&self) -> String {
            let (ToIo::Reply { conn, reply }, _) = self.arrivals.recv().unwrap() else { panic!("no reply") };
            assert_eq!(conn, peer().conn, "the connection that asked");
            String::from_utf8_lossy(&reply.arrive()).into_owned()
        }

        /// The folder keeps the files as long as the caller holds it.
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
    fn requests_make_room_for_others_once_they_are_taken() {
        let running = start("");
        for _ in 0..300 {
            running.ask(319, "");
            running.reply();
        }
        running.finish();
    }

    #[test]
    fn a_reply_that_arrives_gives_its_credit_back() {
        let large = format!("unknown={}", "x".repeat(1024 * 1024));
        let Made { mut registry_thread, handle, quotas, arrivals, folder: _folder, .. } = make(&large);
        forward(&handle, &quotas, frame(319, ""));
        while registry_thread.node.poll_output().is_some() {}
        registry_thread.take_inputs();
        assert!(registry_thread.carry_out_batch().is_continue());
        assert_eq!(registry_thread.queue.waiting().next(), None, "it has not arrived");
        let (ToIo::Reply { reply, .. }, _) = arrivals.try_recv().unwrap() else { panic!("no reply") };
        let bytes = reply.arrive().len();
        assert_eq!(registry_thread.queue.waiting().collect::<Vec<_>>(), [Input::ReplyTaken { bytes }]);
    }

    #[test]
    fn all_that_has_arrived_is_handed_in_before_time_passes() {
        let Made { mut registry_thread, handle, quotas, queue, folder: _folder, .. } = make("");
        (0..3).for_each(|serial| queue.push(Input::Disconnected(ConnId::new(0, serial))));
        forward(&handle, &quotas, frame(319, ""));
        registry_thread.take_inputs();
        assert_eq!(registry_thread.queue.waiting().next(), None);
    }
}
