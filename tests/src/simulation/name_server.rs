//! A NameServer: its host, and while it runs its threads, which the agenda drives.

use super::agenda::Time;
use super::audit::{hear_of, kv_entries};
use super::happening::Chore;
use super::host::Host;
use super::invariant::{Invariant, violated};
use super::io_thread::IoThreads;
use super::ledger::{Ledger, Rules};
use super::network::{ProcessId, Socket};
use super::registry_thread::{RegistryThread, limits};
use super::saver::Saver;
use super::simulator::Simulator;
use super::threads::{Context, Shared};
use namesrv_core::initial_state::InitialState;
use namesrv_core::kv::KvFile;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::quota::Quotas;
use namesrv_core::route::RouteView;
use namesrv_core::save::SaveFile;
use std::collections::VecDeque;

/// I/O threads look at their deadlines as often as this.
const TICK_MILLIS: Time = 1000;

/// A server with its host.
#[derive(Debug)]
pub(super) struct NameServer {
    pub(super) host: Host,
    running: Option<Box<Running>>,
}

/// One life of a server.
#[derive(Debug)]
struct Running {
    shared: Shared,
    registry: RegistryThread,
    io: IoThreads,
    saver: Saver,
    /// The latest moment of the ledger that a peer has a reply from.
    moment_in_hand: u64,
}

impl NameServer {
    /// A NameServer that does not run yet.
    pub(super) fn new(process: ProcessId, properties: &[(&str, &str)]) -> Self {
        Self { host: Host::new(process, properties), running: None }
    }

    /// What it was told in this life.
    pub(super) fn ledger(&self) -> Option<&Ledger> {
        self.running.as_ref().map(|running| &running.registry.ledger)
    }

    /// The latest moment of the ledger that a peer has a reply from.
    pub(super) fn moment_in_hand(&self) -> u64 {
        self.running.as_ref().map_or(0, |running| running.moment_in_hand)
    }

    /// A peer has a reply from this moment of the ledger.
    pub(super) fn hand_out(&mut self, moment: u64) {
        if let Some(running) = &mut self.running {
            running.moment_in_hand = running.moment_in_hand.max(moment);
        }
    }

    /// What clients are shown.
    pub(super) fn view(&self) -> &RouteView {
        &self.running.as_ref().expect("the server runs").shared.view
    }

    pub(super) fn is_ready(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.registry.readiness.is_ready)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.registry.stopping_since.is_some())
    }

    /// Its process stood still.
    pub(super) fn note_pause(&mut self, since: Time, now: Time) {
        if let Some(running) = &mut self.running {
            running.shared.pauses.push((since, now));
        }
    }

    /// Starts with what its disk has.
    pub(super) fn start(&mut self, simulator: &mut Simulator) {
        let now = simulator.now();
        let secret = simulator.random.u128(..).to_le_bytes();
        let host = &mut self.host;
        simulator.network.dark_hosts.remove(&host.process);
        simulator.check(host.disk.start());
        host.tls.restart();
        let kv_file = host.disk.contents(SaveFile::KvConfig);
        let kv = KvFile::decode(&kv_file).expect("its own file is readable").table;
        let verdict = host.kv.restart(kv_entries(&kv_file));
        simulator.check(verdict.or_else(|details| violated(Invariant::AcknowledgedKvIsKept, details)));
        let configuration = host.configuration();
        let settings = configuration.settings();
        let rules = Rules {
            topics_max: limits().topics_per_registration_max,
            deletes_unlisted: settings.delete_topic_with_broker_registration,
            supports_acting: settings.support_acting_master,
        };
        let at = host.now(now);
        let judged = host.snapshots.judge(&host.disk.contents(SaveFile::Snapshot), &limits(), at);
        let initial = InitialState {
            limits: limits(),
            kv,
            warm_start: judged.as_ref().and_then(|judged| judged.warmth.start.clone()),
            saves_snapshots: judged.is_some(),
            ..InitialState::new(secret, configuration)
        };
        let mut node = Node::new(initial, at);
        let Some(Output::Publish(view)) = node.poll_output() else { panic!("the first output is a view") };
        let rest: Vec<_> = std::iter::from_fn(|| node.poll_output()).collect();
        let quotas = Quotas::shared(&limits());
        let to_node = VecDeque::from([Input::Attached]);
        let mut shared = Shared { view, quotas, to_node, is_registry_due: false, pauses: Vec::new() };
        let mut registry = RegistryThread::new(node, Ledger::new(rules, at), now);
        let mut context = Context { host, shared: &mut shared, simulator };
        hear_of(&rest, Vec::new(), &mut context);
        if let Some(judged) = judged {
            registry.readiness.begin_warm(judged, &mut registry.ledger, &mut context);
        }
        context.simulator.begin_life(context.host.process);
        context.simulator.note_of(context.host.process, "starts");
        context.plan(TICK_MILLIS, Chore::Tick);
        context.wake_registry();
        simulator.revive();
        let (io, saver) = (IoThreads::default(), Saver::default());
        self.running = Some(Box::new(Running { shared, registry, io, saver, moment_in_hand: 0 }));
    }

    /// Ends at once; with its host, the unsynced may be lost.
    pub(super) fn kill(&mut self, host_too: bool, simulator: &mut Simulator) {
        let Some(running) = self.running.take() else { return };
        let host = &mut self.host;
        running.saver.kill(&mut host.disk, simulator);
        if host_too {
            host.snapshots.boot(simulator.now());
            host.disk.lose_power(&mut simulator.random);
        }
        simulator.note_of(host.process, if host_too { "vanishes" } else { "is killed" });
        simulator.end_life(host.process, host_too);
    }

    /// Sends newer clients elsewhere, as before a graceful stop.
    pub(super) fn shut_down(&mut self, simulator: &mut Simulator) {
        if let Some(running) = &mut self.running {
            let mut context = Context { host: &mut self.host, shared: &mut running.shared, simulator };
            running.registry.shut_down(&mut context);
        }
    }

    /// One of its threads has something to do.
    pub(super) fn work(&mut self, chore: Chore, simulator: &mut Simulator) {
        let Some(running) = self.running.as_deref_mut() else { return };
        let Running { shared, registry, io, saver, .. } = running;
        let mut context = Context { host: &mut self.host, shared, simulator };
        match chore {
            Chore::Registry => {
                if registry.take_batch(io, saver, &mut context) {
                    self.end(simulator);
                }
            }
            Chore::Alarm => registry.wake_up(&mut context),
            Chore::Inbox(thread) => io.read_inbox(thread, &mut context),
            Chore::Drive(conn) => io.drive(conn, &mut context),
            Chore::Tick => {
                io.close_silent(&mut context);
                registry.check(io, saver, &mut context);
                context.plan(TICK_MILLIS, Chore::Tick);
            }
            Chore::Save => saver.step(&mut context),
        }
    }

    /// Something arrived at one of its sockets.
    pub(super) fn read(&mut self, socket: Socket, simulator: &mut Simulator) {
        if let Some(running) = &mut self.running {
            let mut context = Context { host: &mut self.host, shared: &mut running.shared, simulator };
            running.io.socket_is_ready(socket, &mut context);
        }
    }

    /// Ends because it was told to. Its saves are done, so the power takes nothing.
    fn end(&mut self, simulator: &mut Simulator) {
        self.running = None;
        simulator.note_of(self.host.process, "has stopped");
        simulator.end_life(self.host.process, false);
    }
}
