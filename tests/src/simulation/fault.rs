//! Faults: what can go wrong, how it is injected and how it ends.

use super::agenda::Time;
use super::broker::Broker;
use super::cluster::{Cluster, Kind};
use super::disk::Health;
use super::happening::{Fault, Happening};
use super::host::SAVE_MILLIS;
use super::network::{Part, ProcessId, Socket};
use super::population::ZONES;
use super::secure::{Certificates, ServerTls};
use super::simulator::Role;
use crate::event_kind::variant;

/// A year.
const YEAR_MILLIS: i64 = 365 * 24 * 3600 * 1000;

/// What stood still goes on within this.
const FREEZE_ENDS_MILLIS: Time = 4000;

/// Two members of a group claim to be its master for no longer than this.
const DEPOSED_WITHIN_MILLIS: Time = 40_000;

/// Where a fault strikes, and how long it lasts if it does.
#[derive(Clone, Copy, Debug)]
struct Strike {
    lasts: Time,
    server: usize,
    server_process: ProcessId,
    process: ProcessId,
    /// One that runs.
    broker: Option<ProcessId>,
    connection: u64,
}

/// A fault of an unrest, with its end.
type Mishap = fn(&mut Cluster, Strike);

/// All mishaps with their weights. A storm heals what takes long to heal by itself, so it has to be rare.
const MISHAPS: &[(u32, Mishap)] = &[
    (20, |cluster, at| cluster.carry_out_fault(Fault::Reset(at.connection))),
    (10, |cluster, at| cluster.carry_out_fault(Fault::Close(at.connection))),
    (10, |cluster, at| cluster.carry_out_fault(Fault::Forget(at.connection))),
    (20, |cluster, at| cluster.for_a_while(at.lasts, Fault::CutSites(0, 1), Fault::HealSites(0, 1))),
    (20, |cluster, at| {
        let (a, b) = (at.process, at.server_process);
        cluster.for_a_while(at.lasts, Fault::CutPath(a, b), Fault::HealPath(a, b));
    }),
    (10, |cluster, at| cluster.pause_for(at.server_process, at.lasts)),
    (10, |cluster, at| cluster.pause_for(at.process, at.lasts)),
    (5, |cluster, at| cluster.freeze_site(at.server_process, at.lasts)),
    (8, |cluster, at| {
        if let Some(broker) = at.broker {
            cluster.stall_at_a_deadline(broker, at.server_process);
        }
    }),
    (20, |cluster, at| cluster.for_a_while(at.lasts, Fault::Kill(at.process), Fault::Start(at.process))),
    (10, |cluster, at| cluster.for_a_while(at.lasts, Fault::Vanish(at.process), Fault::Start(at.process))),
    (10, |cluster, at| {
        cluster.for_a_while(at.lasts, Fault::Vanish(at.server_process), Fault::Start(at.server_process))
    }),
    (8, |cluster, at| {
        if let Some(broker) = at.broker {
            cluster.for_a_while(at.lasts.max(9000), Fault::Leave(broker), Fault::Start(broker));
        }
    }),
    (8, |cluster, at| {
        if let Some(broker) = at.broker {
            cluster.carry_out_fault(Fault::Move(broker));
        }
    }),
    (8, |cluster, at| {
        let member = at.broker.and_then(|process| cluster.broker(cluster.broker_at(process)?));
        let slave = member.filter(|broker| broker.id > 0).map(|broker| broker.group);
        if let (Some(process), Some(group)) = (at.broker, slave) {
            let claim = Fault::Promote(process, cluster.simulator.random.bool());
            cluster.for_a_while(at.lasts.min(DEPOSED_WITHIN_MILLIS), claim, Fault::Depose(group));
        }
    }),
    (10, |cluster, at| {
        let step = [-YEAR_MILLIS, YEAR_MILLIS, -3_600_000, 3_600_000][cluster.simulator.random.usize(..4)];
        cluster.carry_out_fault(Fault::StepClock(at.server, step));
    }),
    (10, |cluster, at| {
        let health = if cluster.simulator.random.bool() { Health::Full } else { Health::Failing };
        cluster.for_a_while(at.lasts, Fault::Disk(at.server, health), Fault::Disk(at.server, Health::Good));
    }),
    (4, |cluster, at| {
        cluster.for_a_while(at.lasts, Fault::SlowDisk(at.server, 8000), Fault::SlowDisk(at.server, SAVE_MILLIS))
    }),
    (4, |cluster, at| cluster.for_a_while(at.lasts, Fault::Delay(2000), Fault::Delay(3))),
    (4, |cluster, at| cluster.shut_down_and_restart(at.server_process, at.server)),
    (8, |cluster, at| cluster.carry_out_fault(Fault::RenewCertificates(at.server))),
    (1, |cluster, _| cluster.storm()),
];

impl Cluster {
    /// Faults begin, one every so many milliseconds on average.
    pub(super) fn begin_faults(&mut self, mean_millis: Time) {
        self.simulator.faults.is_calm = false;
        self.simulator.faults.calm_since = None;
        self.simulator.faults.mean_millis = mean_millis;
        self.simulator.faults.unrest += 1;
        self.plan_fault(mean_millis, Fault::Any(self.simulator.faults.unrest));
    }

    pub(super) fn plan_fault(&mut self, delay: Time, fault: Fault) {
        self.simulator.plan_happening(delay, Happening::Fault(fault));
    }

    /// A fault that was planned, unless it is too late for faults.
    pub(super) fn carry_out_planned_fault(&mut self, fault: Fault) {
        if !self.simulator.faults.is_calm {
            self.carry_out_fault(fault);
        }
    }

    /// A fault, with its name in the trace and in the counts.
    pub(super) fn carry_out_fault(&mut self, fault: Fault) {
        if let Fault::Any(unrest) = fault {
            return self.carry_out_any_fault(unrest);
        }
        let name = variant(&fault);
        self.simulator.note(format_args!("fault {fault:?}"));
        if !matches!(name.as_str(), "Start" | "Resume" | "HealSites" | "HealPath" | "Depose") {
            self.simulator.coverage.count(&format!("fault {name}"));
        }
        match fault {
            Fault::Any(_) => {}
            Fault::Reset(connection) => self.simulator.reset(connection),
            Fault::Close(connection) => self.close_somewhere(connection),
            Fault::Forget(id) => {
                if let Some(connection) = self.simulator.network.connection_mut(id) {
                    connection.is_forgotten = true;
                }
            }
            Fault::CutSites(a, b) => drop(self.simulator.network.cut_sites.insert((a.min(b), a.max(b)))),
            Fault::HealSites(a, b) => {
                self.simulator.network.cut_sites.remove(&(a.min(b), a.max(b)));
                self.simulator.revive();
            }
            Fault::CutPath(a, b) => drop(self.simulator.network.cut_paths.insert((a.min(b), a.max(b)))),
            Fault::HealPath(a, b) => {
                self.simulator.network.cut_paths.remove(&(a.min(b), a.max(b)));
                self.simulator.revive();
            }
            Fault::Pause(process) => self.simulator.pause(process),
            Fault::Resume(process) => self.resume(process),
            Fault::Kill(process) => self.kill(process, false),
            Fault::Vanish(process) => self.kill(process, true),
            Fault::Start(process) => self.start(process),
            Fault::Leave(process) => {
                if let Some(peer) = self.broker_at(process) {
                    let (broker, group, mut actor) = self.acting_broker(peer);
                    broker.stop(group, &mut actor);
                }
            }
            Fault::Move(process) => {
                if let Some(peer) = self.broker_at(process) {
                    let (broker, group, mut actor) = self.acting_broker(peer);
                    broker.move_away(group, &mut actor);
                }
            }
            Fault::Promote(process, is_right) => {
                if let Some(peer) = self.broker_at(process) {
                    self.promote(peer, is_right);
                }
            }
            Fault::Depose(group) => self.depose(group),
            Fault::KillBrokers => {
                for peer in 0..self.peers.len() {
                    if self.broker(peer).is_some() {
                        self.actor(peer).kill(false);
                    }
                }
            }
            Fault::StepClock(server, step) => self.servers[server].host.wall_offset += step,
            Fault::Disk(server, health) => self.servers[server].host.disk.health = health,
            Fault::SlowDisk(server, millis) => self.servers[server].host.save_millis = millis,
            Fault::Delay(millis) => self.simulator.network.delay = 0..=millis,
            Fault::ShutDown(server) => self.servers[server].shut_down(&mut self.simulator),
            Fault::RenewCertificates(server) => self.renew_certificates(server),
        }
    }

    /// The files of TLS of a server change. If it runs, it takes them.
    fn renew_certificates(&mut self, server: usize) {
        let certificates = Certificates::ALL[self.simulator.random.usize(..Certificates::ALL.len())];
        self.simulator.note(format_args!("NameServer {server} has new files of TLS: {certificates:?}"));
        self.servers[server].host.tls = ServerTls::new(certificates);
    }

    fn broker_at(&self, process: ProcessId) -> Option<usize> {
        let Role::Peer(peer) = self.simulator.processes[process].role else { return None };
        (self.simulator.processes[process].running && self.broker(peer).is_some()).then_some(peer)
    }

    /// The peer of a connection closes it.
    fn close_somewhere(&mut self, connection: u64) {
        let has = |peer: usize| {
            let mut links = self.peers[peer].links.iter();
            links.find(|(_, link)| link.socket.connection == connection).map(|(server, _)| (peer, *server))
        };
        if let Some((peer, server)) = (0..self.peers.len()).find_map(has) {
            self.actor(peer).hang_up(server);
        }
    }

    /// Chooses a fault by its weight, injects it, and plans its end and the next one.
    fn carry_out_any_fault(&mut self, unrest: u32) {
        if self.simulator.faults.unrest != unrest {
            return;
        }
        let mean = self.simulator.faults.mean_millis;
        let next = self.simulator.random.u64(mean / 4..mean * 7 / 4);
        self.plan_fault(next, Fault::Any(unrest));
        let strike = self.strike();
        let weights: u32 = MISHAPS.iter().map(|(weight, _)| weight).sum();
        let mut lot = self.simulator.random.u32(..weights);
        for (weight, mishap) in MISHAPS {
            match lot.checked_sub(*weight) {
                Some(rest) => lot = rest,
                None => return mishap(self, strike),
            }
        }
    }

    fn strike(&mut self) -> Strike {
        let lasts = if self.simulator.random.bool() {
            self.simulator.random.u64(500..20_000)
        } else {
            self.simulator.random.u64(20_000..300_000)
        };
        let server = self.simulator.random.usize(..self.servers.len());
        let process = self.simulator.random.usize(..self.simulator.processes.len());
        let brokers: Vec<_> =
            (0..self.simulator.processes.len()).filter(|process| self.broker_at(*process).is_some()).collect();
        let broker = brokers.get(self.simulator.random.usize(..brokers.len().max(1))).copied();
        let connections = self.simulator.network.established();
        let connection = connections.get(self.simulator.random.usize(..connections.len().max(1))).copied().unwrap_or(0);
        Strike { lasts, server, server_process: self.servers[server].host.process, process, broker, connection }
    }

    /// A slave claims to be the master of its group. Either it is, and the former master does not know it, or it is
    /// wrong.
    pub(super) fn promote(&mut self, heir: usize, is_right: bool) {
        let Some(Broker { group, id, .. }) = self.broker(heir).filter(|broker| broker.id > 0) else { return };
        let (group, id) = (*group, *id);
        let is_master = |peer: &usize| self.broker(*peer).is_some_and(|broker| broker.group == group && broker.id == 0);
        let Some(master) = (0..self.peers.len()).find(is_master) else { return };
        if self.groups[group].pretender.is_some() {
            return;
        }
        self.groups[group].pretender = Some((if is_right { master } else { heir }, id));
        self.groups[group].epoch += i64::from(is_right);
        let epoch = self.groups[group].epoch - i64::from(!is_right);
        self.take_identifier(heir, 0, epoch);
    }

    /// The peer that claims to be the master of a group and is not learns of it.
    pub(super) fn depose(&mut self, group: usize) {
        if let Some((pretender, id)) = self.groups[group].pretender.take() {
            self.take_identifier(pretender, id, self.groups[group].epoch);
        }
    }

    fn take_identifier(&mut self, peer: usize, id: i64, epoch: i64) {
        let (broker, group, mut actor) = self.acting_broker(peer);
        // 4.x brokers know no epochs: the one that registers last has the identifier.
        broker.state = if broker.release.is_four() { 0 } else { epoch.max(0) };
        broker.id = id;
        if actor.simulator.processes[actor.process()].running {
            broker.register_unless_leaving(group, &mut actor);
        }
    }

    pub(super) fn for_a_while(&mut self, lasts: Time, fault: Fault, end: Fault) {
        self.carry_out_fault(fault);
        self.plan_fault(lasts, end);
    }

    fn pause_for(&mut self, process: ProcessId, lasts: Time) {
        self.for_a_while(lasts, Fault::Pause(process), Fault::Resume(process));
    }

    /// All of a site stands still, and its NameServers are the first to go on.
    fn freeze_site(&mut self, process: ProcessId, lasts: Time) {
        let site = self.simulator.network.sites[process];
        for process in 0..self.simulator.processes.len() {
            if self.simulator.network.sites[process] == site {
                let is_first = matches!(self.simulator.processes[process].role, Role::Server(_));
                let later = if is_first { 0 } else { self.simulator.random.u64(0..FREEZE_ENDS_MILLIS) };
                self.pause_for(process, lasts + later);
            }
        }
    }

    /// Heartbeats that were held up arrive while the server stands still, and it goes on when their broker is overdue:
    /// too short a pause to put its deadline off.
    fn stall_at_a_deadline(&mut self, broker: ProcessId, server: ProcessId) {
        self.for_a_while(8500, Fault::CutPath(broker, server), Fault::HealPath(broker, server));
        self.plan_fault(8000, Fault::Pause(server));
        self.plan_fault(10_900, Fault::Resume(server));
    }

    /// Often its disk is so slow that the I/O threads end before the saves do.
    fn shut_down_and_restart(&mut self, process: ProcessId, server: usize) {
        if self.simulator.random.bool() {
            self.for_a_while(22_000, Fault::SlowDisk(server, 16_000), Fault::SlowDisk(server, SAVE_MILLIS));
        }
        self.carry_out_fault(Fault::ShutDown(server));
        self.plan_fault(20_000, Fault::Kill(process));
        self.plan_fault(22_000, Fault::Start(process));
    }

    /// All brokers end and start again at about the same time.
    fn storm(&mut self) {
        self.carry_out_fault(Fault::KillBrokers);
        for peer in 0..self.peers.len() {
            if self.broker(peer).is_some() {
                let delay = self.simulator.random.u64(1000..1500);
                self.plan_fault(delay, Fault::Start(self.peers[peer].process));
            }
        }
    }

    /// Faults stop: paths are good, everybody runs, a group has one zone and one master, and connections that only one
    /// end believes in are told to be gone.
    pub(super) fn calm_down(&mut self) {
        self.simulator.note(format_args!("calm"));
        self.simulator.faults.is_calm = true;
        self.simulator.faults.calm_since = Some(self.now());
        self.simulator.network.cut_paths.clear();
        self.simulator.network.cut_sites.clear();
        self.simulator.network.delay = 0..=3;
        for server in &mut self.servers {
            server.host.disk.health = Health::Good;
            server.host.save_millis = SAVE_MILLIS;
            if server.is_stopping() {
                server.kill(false, &mut self.simulator);
            }
        }
        for peer in 0..self.peers.len() {
            if self.broker(peer).is_some_and(|broker| broker.is_leaving) {
                self.actor(peer).kill(false);
            }
        }
        for kind in &mut self.kinds {
            if let Kind::Broker(broker) = kind {
                broker.zone = ZONES[1].filter(|_| !broker.release.is_four());
            }
        }
        (0..self.groups.len()).for_each(|group| self.depose(group));
        for connection in self.simulator.network.forgotten() {
            if let Some(forgotten) = self.simulator.network.connection_mut(connection) {
                forgotten.is_forgotten = false;
            }
            self.simulator.reset(connection);
        }
        // Nobody waits any more for a connection that will not come.
        self.peers.iter_mut().for_each(|peer| peer.links.retain(|_, link| link.is_up));
        for process in 0..self.simulator.processes.len() {
            self.resume(process);
            self.start(process);
        }
        self.simulator.revive();
        for connection in self.simulator.network.half_open() {
            for end in 0..=1 {
                let socket = Socket { connection, end };
                if self.simulator.network.end(socket).is_some_and(|end| end.closed) {
                    self.simulator.send(socket, Part::Reset);
                }
            }
        }
    }
}
