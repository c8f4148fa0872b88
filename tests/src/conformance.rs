//! The conformance suite: what every runtime's binary has to pass over real sockets, started as a user starts it.
//!
//! Each case starts servers of its own, on a free port and in a folder of their own, so cases run side by side and
//! alone. Nothing is asserted about time: tests wait a long time for what has to happen.

mod activation;
mod audit;
mod certificates;
mod clients;
mod connections;
mod ctl;
mod events;
mod framing;
mod golden;
mod hosts;
mod lifetime;
mod limits;
mod liveness;
mod load;
mod metrics;
mod operations;
mod reload;
mod replacing;
mod secrets;
mod storage;
mod texts;
mod transport;
mod visibility;
mod warm_start;

use crate::peer;
use crate::suite::{Case, Cases, Suite, Target, cases};
use crate::tls::Version;
use std::process::ExitCode;

/// Cases at one time, unless `--test-threads` says otherwise: most of them wait most of the time.
const THREADS: usize = 4;

/// Subjects that a runtime can fail by itself: its sockets, its threads, its stop. The others are about the shell.
const OF_RUNTIME: [&str; 11] = [
    "activation",
    "clients",
    "connections",
    "framing",
    "golden",
    "lifetime",
    "limits",
    "liveness",
    "load",
    "transport",
    "visibility",
];

/// Every case there is.
#[rustfmt::skip]
fn table() -> Vec<Case> {
    cases! {
        golden: conversations;
        framing: cut_at_every_byte, byte_by_byte, ten_thousand_pipelined_requests, a_stream_in_odd_pieces,
            other_protocols_are_closed;
        visibility: a_reply_in_hand_is_visible_everywhere, a_kv_reply_in_hand_is_visible_everywhere,
            registrations_and_queries_mixed;
        limits: sixteen_mebibyte_frames, incomplete_frames_leave_room_for_others, a_slow_reader_is_paused,
            a_reader_that_never_reads_is_closed, connections_beyond_the_limit_are_closed,
            a_frame_that_takes_too_long_is_closed;
        connections: half_closed_peer, reset_connections, storm, fifteen_thousand_idle, descriptors_run_out_and_return,
            idle_connections_are_closed;
        liveness: brokers_come_and_go, a_lost_connection_loses_all_its_brokers,
            lost_connections_are_not_missed_under_load, silent_brokers_expire_and_others_stay,
            a_server_that_was_stopped_evicts_nobody;
        lifetime: a_taken_port, accepted_requests_are_answered_before_the_end, clients_are_sent_away_before_the_end,
            a_second_signal_ends_at_once, signals_that_do_not_stop, signals_that_stop;
        activation: clients_wait_for_the_next_server, the_second_port_can_be_passed, sockets_that_stop_the_start;
        storage: restart_keeps_what_was_answered, two_servers_on_one_file_are_told, a_crash_loses_nothing_that_was_answered,
            a_stop_loses_nothing_that_was_answered, a_change_that_cannot_be_saved_is_refused,
            configuration_changes_survive_beside_the_operators_file;
        warm_start: routes_outlive_a_restart, a_server_starts_without_routes_if_it_is_told, a_file_that_cannot_be_written_stops_nobody,
            a_damaged_snapshot_is_named_and_replaced, a_snapshot_that_is_too_old_is_an_expectation;
        reload: a_hangup_takes_what_the_file_says_now, a_hangup_with_a_bad_file_changes_nothing,
            users_come_and_go_with_their_file;
        audit: changes_are_on_record, refusals_are_on_record, a_full_disk_under_the_audit_file;
        secrets: secrets_are_shown_nowhere;
        hosts: a_file_that_is_mounted_alone_from_a_full_disk;
        replacing: the_page_is_followed_step_by_step, the_environment_of_the_java_server_counts;
        transport: proxy_headers, claims_are_not_believed, failed_handshakes_are_told, idle_connections_end_in_order,
            idle_tls_connections, openssl, python, renegotiation;
        certificates: renewed_files_are_used, a_signal_reads_the_properties_again,
            a_thousand_reloads_leave_memory_flat;
        operations: health_of_a_server_that_serves, health_of_a_server_that_waits, health_by_command,
            health_as_the_file_says,
            health_of_a_server_that_hangs, the_log_shows_the_configuration, health_of_a_server_that_stops,
            addresses_show_what_their_key_says, requests_that_are_refused,
            slow_clients_hold_up_nobody, pipelined_probes, pages_of_json, name_servers_are_listed, listed_name_servers_are_probed,
            drift_is_shown, systemd_is_told,
            a_server_that_drains_serves_everything;
        clients: connections_are_listed, refused_frames_are_shown, topics_asked_for_in_vain_are_counted,
            digests_are_shown, values_tell_where_they_come_from, the_status_page;
        events: what_happened_is_told, events_are_followed, followers_are_bounded, limits_that_are_reached_are_told;
        metrics: what_happens_is_counted, refusals_are_counted, upkeep_is_counted, observed_refusals_are_counted,
            uses_of_a_previous_secret_are_counted, peers_cannot_make_up_series,
            names_that_look_alike_make_no_series_twice, alerts_and_the_board_name_what_there_is;
        ctl: what_is_registered, servers_that_differ, what_is_waited_for, changes_of_a_route,
            a_watched_server_that_stops, servers_with_tls, servers_that_want_signatures, answers_of_java,
            pages_of_the_second_port, servers_that_mean_harm, wrong_command_lines;
        load: two_hundred_thousand_topics, a_table_over_the_limit_is_named, many_brokers_with_many_topics,
            quiet_peers_are_served_beside_busy_ones, figures_of_a_fresh_server;
    }
}

/// What a transport could do wrong, over each version of TLS: bytes in pieces and in masses, back-pressure, and the end
/// of connections.
#[rustfmt::skip]
fn table_over_tls(version: Version) -> impl Iterator<Item = Case> {
    let table: Vec<Case> = cases! {
        framing: cut_at_every_byte, ten_thousand_pipelined_requests, a_stream_in_odd_pieces;
        visibility: a_reply_in_hand_is_visible_everywhere;
        limits: sixteen_mebibyte_frames, a_frame_that_takes_too_long_is_closed;
        connections: half_closed_peer, reset_connections;
        liveness: brokers_come_and_go, a_lost_connection_loses_all_its_brokers;
        lifetime: accepted_requests_are_answered_before_the_end;
    };
    table.into_iter().map(move |case| case.over(version))
}

/// Runs the suite, or what the command line selects of it, against a binary: the whole `main` of a runtime's test.
/// Cases that are not `chosen` are ignored.
///
/// Where `refusal` has a reason, nothing is run, every case is reported as ignored, and the reason is printed.
pub fn run(binary: &str, chosen: Cases, refusal: Option<String>) -> ExitCode {
    let cases = table().into_iter().chain(hosts::cases()).chain(texts::cases());
    let cases = cases.chain(Version::ALL.into_iter().flat_map(table_over_tls)).collect();
    Suite { name: "conformance", of_runtime: &OF_RUNTIME, threads: THREADS, cases }.run(binary, chosen, refusal)
}
