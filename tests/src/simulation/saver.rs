//! The saver of a NameServer: it replaces one file after the other, each in two steps that take their time.

use super::cluster::{Cluster, Task};
use super::name_server::{Chore, Running};
use namesrv_core::node::Input;
use namesrv_core::save::{SaveFile, SaveTicket};

/// A file that is to be replaced.
#[derive(Debug)]
pub(super) struct Save {
    ticket: SaveTicket,
    file: SaveFile,
    contents: Vec<u8>,
    is_renamed: bool,
}

impl Cluster {
    /// A file waits for its turn.
    pub(super) fn save(&mut self, server: usize, running: &mut Running, ticket: SaveTicket, contents: Vec<u8>) {
        let file = ticket.file;
        self.coverage.count(&format!("output Save {file:?}"));
        running.saves.push_back(Save { ticket, file, contents, is_renamed: false });
        if running.saves.len() == 1 {
            self.plan_save(server);
        }
    }

    fn plan_save(&mut self, server: usize) {
        let delay = self.random.u64(0..=self.servers[server].save_millis);
        self.plan(self.servers[server].process, delay, Task::Server(Chore::Save));
    }

    /// First the new name, then the certainty that it lasts.
    pub(super) fn save_step(&mut self, server: usize, running: &mut Running) {
        let it = &mut self.servers[server];
        let Some(save) = running.saves.front_mut() else { return };
        let result = if save.is_renamed { it.disk.sync(save.file) } else { it.disk.rename(save.file, &save.contents) };
        let ends = save.is_renamed || result.is_err();
        save.is_renamed = true;
        if ends && let Some(save) = running.saves.pop_front() {
            if result.is_ok() && save.file == SaveFile::KvConfig {
                it.kv.saved();
            }
            running.to_node.push_back(Input::Saved { ticket: save.ticket, result });
            self.plan_registry(server, running);
        }
        if !running.saves.is_empty() {
            self.plan_save(server);
        }
    }
}
