//! Fixed stories, each a list of steps in a file of its own. A seed still decides when exactly things happen.

mod address_changes_without_reconnecting;
mod brokers_move_during_a_restart;
mod clocks_step;
mod conflict_for_an_identifier;
mod crash_in_the_middle_of_a_save;
mod crash_in_the_middle_of_a_snapshot;
mod disk_fails;
mod large_frame_arrives_slowly;
mod late_heartbeats_resurrect_nobody;
mod missed_single_topic;
mod old_connection_closes_late;
mod paused_server_evicts_nobody;
mod registration_storm;
mod registrations_out_of_order;
mod restart_under_load;
mod same_name_in_two_clusters;
mod several_brokers_over_one_connection;
mod snapshot_is_too_old;
mod split_tables;
mod stage;
mod story;
mod two_data_centres;
mod unregister_and_register_at_once;
mod warm_restart_under_load;

use super::Outcome;
use super::cluster::Cluster;
use super::invariant::Violation;
use super::passing::CONVERGENCE_MILLIS;
use story::Story;

/// A story with its name.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name, which is that of its file.
    pub name: &'static str,
    play: fn(&mut Cluster) -> Story,
}

/// All stories.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "address_changes_without_reconnecting", play: address_changes_without_reconnecting::play },
    Scenario { name: "brokers_move_during_a_restart", play: brokers_move_during_a_restart::play },
    Scenario { name: "clocks_step", play: clocks_step::play },
    Scenario { name: "conflict_for_an_identifier", play: conflict_for_an_identifier::play },
    Scenario { name: "crash_in_the_middle_of_a_save", play: crash_in_the_middle_of_a_save::play },
    Scenario { name: "crash_in_the_middle_of_a_snapshot", play: crash_in_the_middle_of_a_snapshot::play },
    Scenario { name: "disk_fails", play: disk_fails::play },
    Scenario { name: "large_frame_arrives_slowly", play: large_frame_arrives_slowly::play },
    Scenario { name: "late_heartbeats_resurrect_nobody", play: late_heartbeats_resurrect_nobody::play },
    Scenario { name: "missed_single_topic", play: missed_single_topic::play },
    Scenario { name: "old_connection_closes_late", play: old_connection_closes_late::play },
    Scenario { name: "paused_server_evicts_nobody", play: paused_server_evicts_nobody::play },
    Scenario { name: "registration_storm", play: registration_storm::play },
    Scenario { name: "registrations_out_of_order", play: registrations_out_of_order::play },
    Scenario { name: "restart_under_load", play: restart_under_load::play },
    Scenario { name: "same_name_in_two_clusters", play: same_name_in_two_clusters::play },
    Scenario { name: "several_brokers_over_one_connection", play: several_brokers_over_one_connection::play },
    Scenario { name: "snapshot_is_too_old", play: snapshot_is_too_old::play },
    Scenario { name: "split_tables", play: split_tables::play },
    Scenario { name: "two_data_centres", play: two_data_centres::play },
    Scenario { name: "unregister_and_register_at_once", play: unregister_and_register_at_once::play },
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
