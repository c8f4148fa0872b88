//! The saver of a NameServer: it saves one file after the other, which takes its time.

use super::agenda::Time;
use super::disk::Disk;
use super::happening::Chore;
use super::simulator::Simulator;
use super::threads::Context;
use namesrv_core::node::Input;
use namesrv_core::save::{SaveError, SaveFile, SaveTicket};
use std::collections::VecDeque;

/// Files that are to be saved, the first of them now.
#[derive(Debug, Default)]
pub(super) struct Saver {
    saves: VecDeque<Save>,
    /// When the last save ended.
    ended_at: Time,
}

#[derive(Debug)]
struct Save {
    ticket: SaveTicket,
    contents: Vec<u8>,
}

impl Saver {
    pub(super) fn waiting(&self) -> usize {
        self.saves.len()
    }

    /// Returns when the last save ended, or `None` while one goes on.
    pub(super) fn idle_since(&self) -> Option<Time> {
        self.saves.is_empty().then_some(self.ended_at)
    }

    /// A file waits for its turn.
    pub(super) fn save(&mut self, ticket: SaveTicket, contents: Vec<u8>, context: &mut Context<'_>) {
        context.simulator.coverage.count(&format!("output Save {:?}", ticket.file));
        self.saves.push_back(Save { ticket, contents });
        if self.saves.len() == 1 {
            context.plan_within(context.host.save_millis, Chore::Save);
        }
    }

    /// The first save ends.
    pub(super) fn step(&mut self, context: &mut Context<'_>) {
        let Some(Save { ticket, contents }) = self.saves.pop_front() else { return };
        let Context { host, simulator, .. } = context;
        let result = host.disk.save(ticket.file, &contents, &mut simulator.random);
        if matches!(result, Err(SaveError::Undecided(_))) {
            simulator.coverage.count("save ends in doubt");
        }
        if ticket.file == SaveFile::KvConfig {
            host.kv.saved(&result);
        }
        self.ended_at = simulator.now();
        context.shared.to_node.push_back(Input::Saved { ticket, result });
        context.wake_registry();
        if !self.saves.is_empty() {
            context.plan_within(context.host.save_millis, Chore::Save);
        }
    }

    /// The process ends, maybe in the midst of a save.
    pub(super) fn kill(self, disk: &mut Disk, simulator: &mut Simulator) {
        if let Some(Save { ticket, contents }) = self.saves.front() {
            simulator.coverage.count("save is broken off");
            disk.break_off(ticket.file, contents, &mut simulator.random);
        }
    }
}
