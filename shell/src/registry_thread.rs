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
                self.shutdown.begin(wait);
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
        // A server serves, whoever reads that.
        let _ = print(io::stdout(), &format!("{}\n", self.boot_line));
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
    use crate::saved_files::SavedFiles;
    use crate::server::{Inbox, RegistryHandle};
    use crate::tls::Tls;
    use arc_swap::ArcSwap;
    use bytes::Bytes;
    use namesrv_core::access::Verdict;
    use namesrv_core::config::{Configuration, Limits, properties};
    use namesrv_core::initial_state::InitialState;
    use namesrv_core::{ConnId, Peer};
    use std::sync::mpsc::{self, Receiver, Sender};

    struct TestInbox(Sender<ToIo>);

    impl Inbox for TestInbox {
        fn deliver(&self, message: ToIo) {
            self.0.send(message).unwrap();
        }
    }

    /// Reserves a place for a question about the configuration and hands it in, as a connection does.
    fn forward(handle: &RegistryHandle, quotas: &SharedQuotas) {
        let frame = Bytes::from_static(b"\0\0\0\x32\0\0\0\x2e{\"code\":319,\"flag\":0,\"opaque\":1,\"version\":513}");
        assert!(quotas.queue().try_reserve(frame.len()));
        let peer = Peer { conn: ConnId::new(0, 7), address: ([127, 0, 0, 1], 1).into() };
        handle.hand_in(Input::Frame { peer, frame, verdict: Verdict::Open });
    }

    /// A registry thread that does not run yet.
    struct Made {
        registry_thread: RegistryThread,
        handle: RegistryHandle,
        quotas: Arc<SharedQuotas>,
        queue: QueueSender,
        arrivals: Receiver<ToIo>,
        folder: tempfile::TempDir,
    }

    fn make(file: &str) -> Made {
        let folder = tempfile::tempdir().unwrap();
        let files = SavedFiles {
            kv: KeptFile::new("kvConfigPath", folder.path().join("kv"), true),
            runtime: KeptFile::new("runtimeConfigPath", folder.path().join("runtime"), false),
            kv_is_original: false,
            kv_checksum: None,
            snapshot: None,
        };
        let (configuration, _) = Configuration::new(&properties::parse(file.as_bytes()).unwrap()).unwrap();
        let limits = configuration.limits();
        let clock = Clock::start();
        let mut node = Node::new(InitialState::new([0; 16], configuration), clock.now());
        let Some(Output::Publish(view)) = node.poll_output() else { panic!("no view") };
        let small = Limits { registry_queue_requests_max: 100, registry_queue_bytes_max: 100_000, ..limits };
        let quotas = SharedQuotas::shared(&small);
        let (queue, receiver) = queue(&quotas);
        let counters = Arc::new(Counters::new(1, clock.now().monotonic));
        let (saver, _) = Saver::start(files, queue.clone(), &counters, clock).unwrap();
        let handle = RegistryHandle::new(queue.clone(), Arc::default());
        let lifecycle = Arc::new(Lifecycle::default());
        let registry_thread = RegistryThread {
            node,
            queue: receiver,
            publisher: Publisher::new(Arc::new(ArcSwap::new(view))),
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
        handle.attach(vec![Arc::new(TestInbox(sender))]);
        Made { registry_thread, handle, quotas, queue, arrivals, folder }
    }

    #[test]
    fn a_reply_that_arrives_gives_its_credit_back() {
        let large = format!("unknown={}", "x".repeat(1024 * 1024));
        let Made { mut registry_thread, handle, quotas, arrivals, folder: _folder, .. } = make(&large);
        forward(&handle, &quotas);
        while registry_thread.node.poll_output().is_some() {}
        registry_thread.take_inputs();
        assert!(registry_thread.carry_out_batch().is_continue());
        assert_eq!(registry_thread.queue.waiting().next(), None, "it has not arrived");
        let ToIo::Reply { reply, .. } = arrivals.try_recv().unwrap() else { panic!("no reply") };
        let bytes = reply.arrive().len();
        assert_eq!(registry_thread.queue.waiting().collect::<Vec<_>>(), [Input::ReplyTaken { bytes }]);
    }

    #[test]
    fn all_that_has_arrived_is_handed_in_before_time_passes() {
        let Made { mut registry_thread, handle, quotas, queue, folder: _folder, .. } = make("");
        (0..3).for_each(|serial| queue.push(Input::Disconnected(ConnId::new(0, serial))));
        forward(&handle, &quotas);
        registry_thread.take_inputs();
        assert_eq!(registry_thread.queue.waiting().next(), None);
    }
}
