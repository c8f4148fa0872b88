//! The steps of a world, and the time that passes in it.

use super::client::Client;
use super::{Saving, Stops, World};
use crate::step::{Disk, Step, WarmFrom};
use crate::users::rules;
use namesrv_core::node::{Input, Output};
use namesrv_core::quota::Quotas;
use namesrv_core::save::SaveFile;
use namesrv_core::snapshot::Written;
use namesrv_core::time::{Instant, WallTime};
use std::time::Duration;

impl World {
    /// Takes a step; `frames` are its requests, each with the name of its connection.
    pub fn take_step(&mut self, step: &Step, frames: &[(String, Vec<u8>)]) {
        match step {
            Step::Send(_) => frames.iter().for_each(|(connection, frame)| self.receive(connection, frame)),
            Step::Batch(_) => self.receive_together(frames),
            Step::Disconnect { connection } => self.disconnect(&connection.to_string()),
            Step::Garbage { connection } => self.receive(&connection.to_string(), b"GET / HTTP/1.1\r\n"),
            Step::Advance { millis } => self.advance(Duration::from_millis(*millis)),
            Step::Freeze { millis, .. } => self.freeze(Duration::from_millis(*millis), frames),
            Step::SetClock { millis } => self.step_wall_clock(*millis),
            Step::Disk(Disk::Works) => self.set_saving(Saving::Succeeds),
            Step::Disk(Disk::Fails) => self.set_saving(Saving::Fails("disk full".to_owned())),
            Step::Disk(Disk::Waits) => self.set_saving(Saving::Waits),
            Step::Access(access) => self.replace_access(rules(access.file())),
            Step::Restart { from, millis } => self.restart(*from, Duration::from_millis(*millis)),
            Step::Stop => self.shut_down(),
        }
    }

    /// The server ends, and another one starts after some time with what is left on its host. Whoever was connected is
    /// not any more, and hears nothing; what happens in the last moment is forgotten.
    pub fn restart(&mut self, from: WarmFrom, after: Duration) {
        if from == WarmFrom::ThisStop && self.stops == Stops::Runs {
            self.input(Input::Stop);
            while let Some(output) = self.node.poll_output() {
                if let Output::SaveSnapshot { source, .. } = output {
                    self.host.keep(SaveFile::Snapshot, &source.encode(&Written::default()));
                }
            }
        }
        self.move_to(self.now.monotonic + after);
        self.clients.clear();
        self.names.clear();
        self.saves.clear();
        self.happenings.clear();
        self.quotas = Quotas::shared(&self.host.limits);
        (self.view, self.stops) = (None, Stops::Runs);
        self.node = self.host.start(from != WarmFrom::Nothing, self.now);
        self.input(Input::Attached);
        self.carry_out();
    }

    /// Time passes, every timer fires when it is due.
    pub fn advance(&mut self, time: Duration) {
        /// What is due may make something else due at once: a broker leaves, and then a snapshot is saved.
        const AT_ONCE_MAX: usize = 8;
        let end = self.now.monotonic + Duration::from_millis(time.as_millis() as u64);
        let mut at_once = 0;
        while let Some(due) = self.next_timer().filter(|due| *due <= end) {
            at_once = if due <= self.now.monotonic { at_once + 1 } else { 0 };
            assert!(at_once < AT_ONCE_MAX, "the timer of {due:?} fires for ever");
            self.move_to(due.max(self.now.monotonic));
            self.fire_timers();
        }
        self.move_to(end);
    }

    /// Time passes while the server does not run. In the end what arrived meanwhile is read, then all timers that are
    /// due fire once; those of connections are postponed by the length of the pause, as drivers have to do it.
    pub fn freeze(&mut self, time: Duration, arrived: &[(String, Vec<u8>)]) {
        let late = time;
        self.move_to(self.now.monotonic + late);
        for (connection, bytes) in arrived {
            self.receive(connection, bytes);
        }
        for client in self.clients.values_mut() {
            client.not_before = client.due().map_or(Instant::START, |due| due + late);
        }
        self.fire_timers();
    }

    /// The wall clock is set, forward or back. Nothing else changes.
    pub fn step_wall_clock(&mut self, millis: i64) {
        self.now.wall = WallTime::from_millis(self.now.wall.as_millis().saturating_add_signed(millis));
        self.fire_timers();
    }

    fn next_timer(&self) -> Option<Instant> {
        let clients = self.clients.values().filter_map(Client::due);
        clients.chain(self.node.poll_timeout()).min()
    }

    fn fire_timers(&mut self) {
        self.input(Input::Tick);
        self.carry_out();
        for client in self.clients.values_mut().filter(|client| client.not_before <= self.now.monotonic) {
            if let Some(reason) = client.connection.handle_timeout(self.now) {
                client.closing.get_or_insert_with(|| reason.to_string());
            }
        }
        self.reap();
    }

    fn move_to(&mut self, monotonic: Instant) {
        self.now.wall = self.now.wall + monotonic.since(self.now.monotonic);
        self.now.monotonic = monotonic;
    }
}
