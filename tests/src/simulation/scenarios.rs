//! Fixed stories of what text scenarios cannot tell: hosts that fail, start again or stand still, disks, and several
//! NameServers. Each is a list of steps in a file of its own. A seed still decides when exactly things happen.

mod brokers_move_during_a_restart;
mod crash_in_the_middle_of_a_save;
mod crash_in_the_middle_of_a_snapshot;
mod disk_fails;
mod paused_server_evicts_nobody;
mod registration_storm;
mod restart_under_load;
mod snapshot_is_too_old;
mod split_tables;
mod stage;
mod two_data_centres;
mod warm_restart_under_load;

use super::Outcome;
use super::cluster::Cluster;
use super::invariant::{Verdict, Violation};
use super::passing::CONVERGENCE_MILLIS;

/// A story with its name.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name, which is that of its file.
    pub name: &'static str,
    play: fn(&mut Cluster) -> Verdict,
}

/// All stories.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "brokers_move_during_a_restart", play: brokers_move_during_a_restart::play },
    Scenario { name: "crash_in_the_middle_of_a_save", play: crash_in_the_middle_of_a_save::play },
    Scenario { name: "crash_in_the_middle_of_a_snapshot", play: crash_in_the_middle_of_a_snapshot::play },
    Scenario { name: "disk_fails", play: disk_fails::play },
    Scenario { name: "paused_server_evicts_nobody", play: paused_server_evicts_nobody::play },
    Scenario { name: "registration_storm", play: registration_storm::play },
    Scenario { name: "restart_under_load", play: restart_under_load::play },
    Scenario { name: "snapshot_is_too_old", play: snapshot_is_too_old::play },
    Scenario { name: "split_tables", play: split_tables::play },
    Scenario { name: "two_data_centres", play: two_data_centres::play },
    Scenario { name: "warm_restart_under_load", play: warm_restart_under_load::play },
];

impl Scenario {
    /// Plays the story.
    ///
    /// # Errors
    /// An invariant does not hold.
    ///
    /// # Panics
    /// Something else is not as the story has it.
    pub fn run(&self, seed: u64, shows_trace: bool) -> Result<Outcome, Violation> {
        let mut cluster = Cluster::new(seed, shows_trace);
        cluster.add_judge();
        (self.play)(&mut cluster)?;
        Ok(cluster.outcome())
    }

    /// A command line that repeats it.
    #[must_use]
    pub fn reproduction(&self, seed: u64) -> String {
        format!("cargo run --release -p namesrv-tests --bin simulate -- --scenario {} --seed {seed} --trace", self.name)
    }
}
