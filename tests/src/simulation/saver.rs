//! The saver of a NameServer: it replaces one file after the other, each in two steps that take their time.

use super::agenda::Time;
use super::happening::Chore;
use super::threads::Context;
use namesrv_core::node::Input;
use namesrv_core::save::{SaveFile, SaveTicket};
use std::collections::VecDeque;

/// Files that are to be replaced, the first of them now.
#[derive(Debug, Default)]
pub(super) struct Saver {
    saves: VecDeque<Save>,
    /// When the last save ended.
    ended_at: Time,
}

#[derive(Debug)]
struct Save {
    ticket: SaveTicket,
    file: SaveFile,
    contents: Vec<u8>,
    is_renamed: bool,
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
        let file = ticket.file;
        context.simulator.coverage.count(&format!("output Save {file:?}"));
        self.saves.push_back(Save { ticket, file, contents, is_renamed: false });
        if self.saves.len() == 1 {
            context.plan_within(context.host.save_millis, Chore::Save);
        }
    }

    /// First the new name, then the certainty that it lasts.
    pub(super) fn step(&mut self, context: &mut Context<'_>) {
        let Some(save) = self.saves.front_mut() else { return };
        let disk = &mut context.host.disk;
        let result = if save.is_renamed { disk.sync(save.file) } else { disk.rename(save.file, &save.contents) };
        let ends = save.is_renamed || result.is_err();
        save.is_renamed = true;
        if ends && let Some(save) = self.saves.pop_front() {
            if result.is_ok() && save.file == SaveFile::KvConfig {
                context.host.kv.saved();
            }
            self.ended_at = context.simulator.now();
            context.shared.to_node.push_back(Input::Saved { ticket: save.ticket, result });
            context.wake_registry();
        }
        if !self.saves.is_empty() {
            context.plan_within(context.host.save_millis, Chore::Save);
        }
    }
}
