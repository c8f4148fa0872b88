//! The hostile suite: peers that mean harm, and what a server may spend on them.
//!
//! Each case is an `Episode`: a server under a memory cap, honest peers that are served all the while, and an attacker.
//! What holds of every episode is asserted in one place, `siege`; a case only says what the attack is. Some more cases
//! are about a machine that fails.

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
mod tls;
mod unread;

use crate::suite::{Case, Cases, Suite, Target, cases};
use crate::tls::Version;
use siege::Episode;
use std::process::ExitCode;

/// Episodes at one time: they need the processors for themselves.
const THREADS: usize = 2;

/// Episodes that could act otherwise over TLS: what is cut, what is not read, what never ends, and what is no frame.
const OVER_TLS: [&str; 12] = [
    "bytes::a_megabyte_of_noise",
    "bytes::a_negative_length",
    "floods::names_of_a_megabyte",
    "floods::routes_of_unknown_topics",
    "floods::routes_one_way",
    "slow::bodies_byte_by_byte",
    "slow::frames_without_their_last_byte",
    "slow::headers_byte_by_byte",
    "unread::half_closed_without_reading",
    "unread::large_values_by_eight",
    "unread::remarks_of_a_megabyte",
    "unread::reset_without_reading",
];

/// Those of them that could act otherwise over TLS 1.2 than over TLS 1.3: records of a byte, records that are left
/// unread, and the end of either side.
const OVER_TLS_1_2: [&str; 5] = [
    "bytes::a_negative_length",
    "slow::headers_byte_by_byte",
    "unread::half_closed_without_reading",
    "unread::large_values_by_eight",
    "unread::reset_without_reading",
];

/// Subjects that a runtime can fail by itself: how it waits, accepts, reads and writes. The others are about the core
/// and the shell.
const OF_RUNTIME: [&str; 3] = ["connections", "slow", "unread"];

/// Every case there is, by subject.
fn table() -> Vec<Case> {
    let mut table: Vec<_> = episodes().collect();
    Version::ALL.into_iter().for_each(|version| table.extend(over_tls(version)));
    table.extend(cases! { host: a_file_that_may_not_grow, a_full_disk, a_disk_that_may_only_be_read; });
    table
}

/// What runs over TLS: a part of the episodes, and those that make sense over TLS alone.
fn over_tls(version: Version) -> impl Iterator<Item = Case> {
    let chosen = match version {
        Version::Tls12 => &OVER_TLS_1_2[..],
        Version::Tls13 => &OVER_TLS,
    };
    let chosen = episodes().filter(|case| chosen.contains(&case.name.as_str()));
    let alone = tls::episodes().into_iter().map(|episode| case("tls", episode));
    chosen.chain(alone).map(move |case| case.over(version))
}

fn episodes() -> impl Iterator<Item = Case> {
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
    subjects.into_iter().flat_map(|(subject, episodes)| episodes.into_iter().map(move |one| case(subject, one)))
}

fn case(subject: &str, episode: Episode) -> Case {
    let name = format!("{subject}::{}", episode.name());
    let run = {
        let name = name.clone();
        move |target: &Target| match target.tls() {
            Some(version) => episode.run(target, &format!("{name}_over_{version}")),
            None => episode.run(target, &name),
        }
    };
    Case { name, run: Box::new(run) }
}

/// Runs the suite, or what the command line selects of it, against a binary: the whole `main` of a runtime's test.
/// Cases that are not `chosen` are ignored.
///
/// Where `refusal` has a reason, nothing is run, every case is reported as ignored, and the reason is printed.
pub fn run(binary: &str, chosen: Cases, refusal: Option<String>) -> ExitCode {
    Suite { name: "hostile", of_runtime: &OF_RUNTIME, threads: THREADS, cases: table() }.run(binary, chosen, refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_episode_that_is_to_run_over_tls_does() {
        let ending = |end: &str| table().into_iter().filter(|case| case.name.ends_with(end)).count();
        let alone = tls::episodes().len();
        assert_eq!(ending("_over_tls_1_3"), OVER_TLS.len() + alone);
        assert_eq!(ending("_over_tls_1_2"), OVER_TLS_1_2.len() + alone);
        assert!(OVER_TLS_1_2.iter().all(|name| OVER_TLS.contains(name)));
    }
}
