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
mod unread;

use crate::suite::{Case, Suite, Target, cases};
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

/// Every case there is, by subject.
fn table() -> Vec<Case> {
    let mut table: Vec<_> = episodes().collect();
    let over_tls = episodes().filter(|case| OVER_TLS.contains(&case.name.as_str()));
    table.extend(over_tls.map(|case| case.over(Version::Tls13)));
    table.extend(cases! { host: a_file_that_may_not_grow, a_full_disk, a_disk_that_may_only_be_read; });
    table
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
///
/// Where `refusal` has a reason, nothing is run, every case is reported as ignored, and the reason is printed.
pub fn run(binary: &str, refusal: Option<String>) -> ExitCode {
    Suite { name: "hostile", threads: THREADS, cases: table() }.run(binary, refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_episode_that_is_to_run_over_tls_does() {
        let over_tls = table().into_iter().filter(|case| case.name.ends_with("_over_tls_1_3")).count();
        assert_eq!(over_tls, OVER_TLS.len());
    }
}
