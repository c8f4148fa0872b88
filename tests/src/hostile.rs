//! The hostile suite: peers that mean harm, and what a server may spend on them.
//!
//! Each case is an `Episode`: a server under a memory cap, honest peers that are served all the while, and somebody who
//! attacks it. What holds of every episode is asserted in one place, `siege`; a case only says what the attack is. Some
//! more cases are about a machine that fails.

mod access;
mod bytes;
mod compressed;
mod configuration;
mod connections;
mod floods;
mod host;
mod names;
mod registrations;
mod second_port;
mod siege;
mod slow;
mod unread;

use crate::suite::{Case, Suite, cases};
use siege::Episode;
use std::process::ExitCode;

/// Episodes at one time: they need the processors for themselves.
const THREADS: usize = 2;

/// Every case there is, by subject.
fn table() -> Vec<Case> {
    let subjects = [
        ("access", access::episodes()),
        ("bytes", bytes::episodes()),
        ("compressed", compressed::episodes()),
        ("configuration", configuration::episodes()),
        ("connections", connections::episodes()),
        ("floods", floods::episodes()),
        ("names", names::episodes()),
        ("registrations", registrations::episodes()),
        ("second_port", second_port::episodes()),
        ("slow", slow::episodes()),
        ("unread", unread::episodes()),
    ];
    let episodes =
        subjects.into_iter().flat_map(|(subject, episodes)| episodes.into_iter().map(|one| case(subject, one)));
    let mut table: Vec<Case> = episodes.collect();
    table.extend(cases! { host: a_file_that_may_not_grow, a_full_disk, a_disk_that_may_only_be_read; });
    table
}

fn case(subject: &str, episode: Episode) -> Case {
    let name = format!("{subject}::{}", episode.name());
    Case { name: name.clone(), run: Box::new(move |target| episode.run(target, &name)) }
}

/// Runs the suite, or what the command line selects of it, against a binary: the whole `main` of a runtime's test.
///
/// Where `refusal` has a reason, nothing is run, every case is reported as ignored, and the reason is printed.
pub fn run(binary: &str, refusal: Option<String>) -> ExitCode {
    Suite { name: "hostile", threads: THREADS, cases: table() }.run(binary, refusal)
}
