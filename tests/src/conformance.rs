//! The conformance suite: what every runtime's binary has to pass over real sockets, started as a user starts it.
//!
//! Each case starts servers of its own, on a free port and in a folder of their own, so cases run side by side and
//! alone. Nothing is asserted about time: what has to happen is waited for with much patience.

mod connections;
mod framing;
mod golden;
mod lifetime;
mod limits;
mod liveness;
mod load;
mod peer;
mod storage;
mod visibility;

use crate::matrix::{Column, Outcome};
use crate::process::{Folder, Process};
use libtest_mimic::{Arguments, Failed, Trial};
use std::any::Any;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// Set to `full`, every case runs at its full size; otherwise some are scaled down, but for sizes that are promised.
const SCALE: &str = "CONFORMANCE_SCALE";

/// Cases at one time, unless `--test-threads` says otherwise: most of them wait most of the time.
const THREADS: usize = 4;

/// One case: what it is called, and the function that panics when the binary does not pass.
struct Case {
    name: &'static str,
    run: fn(&Target),
}

macro_rules! cases {
    ($($subject:ident: $($case:ident),+;)+) => {
        &[$($(Case { name: concat!(stringify!($subject), "::", stringify!($case)), run: $subject::$case }),+),+]
    };
}

/// Every case there is.
#[rustfmt::skip]
const CASES: &[Case] = cases! {
    golden: conversations;
    framing: cut_at_every_byte, byte_by_byte, ten_thousand_pipelined_requests, a_stream_in_odd_pieces,
        bad_input_costs_nobody_else, other_protocols_are_closed;
    visibility: a_reply_in_hand_is_visible_everywhere, a_kv_reply_in_hand_is_visible_everywhere,
        registrations_and_queries_mixed;
    limits: sixteen_mebibyte_frames, announced_frames_cost_no_memory, the_largest_incomplete_frame_makes_room,
        a_slow_reader_is_paused, a_reader_that_never_reads_is_closed, connections_beyond_the_limit_are_closed,
        a_frame_that_takes_too_long_is_closed;
    connections: half_closed_peer, reset_connections, storm, fifteen_thousand_idle, descriptors_run_out_and_return,
        idle_connections_are_closed;
    liveness: brokers_come_and_go, a_lost_connection_loses_all_its_brokers, lost_connections_are_not_missed_under_load,
        silent_brokers_expire_and_others_stay,
        a_server_that_was_stopped_evicts_nobody, a_new_minimum_is_told_to_the_group;
    lifetime: command_line, a_taken_port, files_that_stop_the_start, accepted_requests_are_answered_before_the_end,
        clients_are_sent_away_before_the_end, a_second_signal_ends_at_once;
    storage: restart_keeps_what_was_answered, a_crash_loses_nothing_that_was_answered,
        a_stop_loses_nothing_that_was_answered, a_change_that_cannot_be_saved_is_refused,
        configuration_changes_survive_beside_the_operators_file;
    load: two_hundred_thousand_topics, many_brokers_with_many_topics, quiet_peers_are_served_beside_busy_ones, figures_of_a_fresh_server;
};

/// Runs the suite, or what the command line selects of it, against a binary: the whole `main` of a runtime's test.
///
/// Where `refusal` has a reason, nothing is run, every case is reported as ignored, and the reason is printed.
pub fn run(binary: &str, refusal: Option<String>) -> ExitCode {
    let binary = PathBuf::from(binary);
    let name = binary.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let column = Arc::new(Mutex::new(Column::new(&name)));
    let target = Arc::new(Target { binary, column: Arc::clone(&column) });
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    if !arguments.list {
        // What a run before left must not be taken for the result of this one.
        save(&column);
    }
    let trials = CASES.iter().map(|case| trial(case, &target, refusal.as_deref())).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        if let Some(reason) = refusal {
            say(&format!("{name}: every case is skipped: {reason}"));
        }
        save(&column);
    }
    conclusion.exit_code()
}

/// Why a binary does not run on this machine, in its own words: it ends at once with status 255 and a last line of
/// standard error in which one of `words` occurs. Any other failure is left to the cases.
#[must_use]
pub fn refusal(binary: &str, words: &[&str]) -> Option<String> {
    let folder = Folder::new::<&str, &str>(&[]);
    let refusal = folder.attempt(Path::new(binary)).filter(|refusal| refusal.code == Some(255))?;
    let line = refusal.stderr.lines().last().unwrap_or_default();
    words.iter().any(|word| line.contains(word)).then(|| line.to_owned())
}

fn save(column: &Mutex<Column>) {
    let column = column.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(error) = column.save() {
        say(&format!("{}: the column of the matrix cannot be saved: {error}", column.name()));
    }
}

fn trial(case: &'static Case, target: &Arc<Target>, refusal: Option<&str>) -> Trial {
    let target = Arc::clone(target);
    if let Some(reason) = refusal {
        target.record(case.name, Outcome::Skipped(reason.to_owned()));
        return Trial::test(case.name, || Ok(())).with_ignored_flag(true);
    }
    Trial::test(case.name, move || {
        let result = catch_unwind(AssertUnwindSafe(|| (case.run)(&target)));
        target.record(case.name, if result.is_ok() { Outcome::Passed } else { Outcome::Failed });
        result.map_err(|fault| Failed::from(message(&*fault)))
    })
}

fn message(fault: &(dyn Any + Send)) -> String {
    let text = fault.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| fault.downcast_ref::<&str>().copied()).unwrap_or("it panics").to_owned()
}

/// The binary that is put to the test.
struct Target {
    binary: PathBuf,
    column: Arc<Mutex<Column>>,
}

impl Target {
    fn binary(&self) -> &Path {
        &self.binary
    }

    /// Starts a server with these entries in its configuration file.
    fn start(&self, properties: &[(&str, &str)]) -> Process {
        Folder::new(properties).start(&self.binary)
    }

    /// `size` when the suite runs at full size, else `small`.
    fn scaled(&self, small: usize, size: usize) -> usize {
        if std::env::var(SCALE).is_ok_and(|scale| scale == "full") { size } else { small }
    }

    /// Reports a number that is measured and not judged.
    fn figure(&self, name: &str, value: &str) {
        let mut column = self.column.lock().unwrap_or_else(PoisonError::into_inner);
        say(&format!("{}: {name}: {value}", column.name()));
        column.set_figure(name, value);
    }

    fn record(&self, case: &str, outcome: Outcome) {
        self.column.lock().unwrap_or_else(PoisonError::into_inner).set_outcome(case, outcome);
    }
}

/// Prints a line; nobody may be reading.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
