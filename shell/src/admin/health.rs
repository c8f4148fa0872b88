//! Health: whether the server is alive, has started, and is ready for clients.
//!
//! *Not ready* is never a reason to restart the server; *not live* always is. So liveness depends only on what a
//! restart can cure, and not on brokers, files or the disk.

use super::site::{Call, Demand, Parts, Site};
use crate::http::{Answer, Response, Status};
use crate::lifecycle::Stage;
use crate::progress::Stuck;
use std::fmt::Write;

/// One condition of health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: String,
    /// Why the condition is not met.
    pub(super) fault: Option<String>,
    /// A remark on a condition that is met.
    pub(super) note: Option<String>,
}

/// The names of the checks of readiness.
const READINESS: [&str; 4] = ["listeners", "kv", "routes", "draining"];

/// Whether the registry and all I/O threads make progress. Before they start, this answer itself proves that the
/// process is alive.
pub(super) fn live(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    Answer::Now(report(&liveness(site), "ok", call))
}

/// Whether the start is complete. It stays complete while the server stops.
pub(super) fn started(site: &Site, _: &Call<'_>) -> Answer<Demand> {
    Answer::Now(match site.stage() {
        Stage::Starting => Response::text(Status::Unavailable, "starting"),
        Stage::Serving | Stage::Draining | Stage::Ending | Stage::Stopped => Response::text(Status::Ok, "started"),
    })
}

/// Whether the server answers route queries as well as it can.
pub(super) fn ready(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    Answer::Now(report(&readiness(site), "ready", call))
}

/// Whether every readiness check passes.
pub(super) fn is_ready(site: &Site) -> bool {
    readiness(site).iter().all(|check| check.fault.is_none())
}

/// Returns why the server is not live or not ready.
pub(super) fn faults(site: &Site) -> Vec<String> {
    liveness(site).into_iter().chain(readiness(site)).filter_map(|check| check.fault).collect()
}

/// Whether every thread makes progress.
pub(super) fn is_live(site: &Site) -> bool {
    liveness(site).iter().all(|check| check.fault.is_none())
}

/// Describes in a few words what the server is doing.
pub(super) fn status(site: &Site) -> String {
    let view = site.parts().map(|parts| parts.views.load());
    let (brokers, topics) = view.map_or((0, 0), |view| (view.broker_count(), view.topic_count()));
    match site.stage() {
        Stage::Starting => "starting".to_owned(),
        Stage::Serving if is_ready(site) => format!("ready, {brokers} brokers, {topics} topics"),
        Stage::Serving => format!("not ready, {brokers} brokers, {topics} topics"),
        Stage::Draining => format!("draining, {brokers} brokers, {topics} topics"),
        Stage::Ending | Stage::Stopped => "stopping".to_owned(),
    }
}

fn liveness(site: &Site) -> Vec<Check> {
    // Threads that end are not missing, and a save may take long.
    let Some(Parts { counters, .. }) = site.parts().filter(|_| !site.stage().is_ending()) else {
        return Vec::new();
    };
    let stuck = site.watch.stuck(&counters.progress);
    let fault = |thread: &str| {
        let Stuck { since, .. } = stuck.iter().find(|stuck| stuck.thread == thread)?;
        Some(format!("{thread} made no progress for {:.1} s", since.as_secs_f64()))
    };
    counters.progress.threads().map(|(name, _)| Check { fault: fault(&name), name, note: None }).collect()
}

fn readiness(site: &Site) -> Vec<Check> {
    let routes = if site.answers_routes() { site.awaited_brokers() } else { Some(NOT_READY.to_owned()) };
    let faults = readiness_faults(site.stage(), site.parts().is_some(), routes);
    let note = |name: &str| (name == "routes").then(|| unconfirmed(site.unconfirmed_brokers())).flatten();
    let check = |(name, fault): (&str, _)| Check { note: note(name), name: name.to_owned(), fault };
    READINESS.into_iter().zip(faults).map(check).collect()
}

/// Why the server refuses route queries.
const NOT_READY: &str = "route queries are answered with `name server not ready` (needWaitForService)";

/// Says which part of the routes the server knows only from before the restart.
fn unconfirmed((unconfirmed, brokers): (usize, usize)) -> Option<String> {
    (unconfirmed > 0).then(|| format!("{unconfirmed} of {brokers} brokers did not register since the restart"))
}

/// Returns what is wrong with each check, in order.
fn readiness_faults(stage: Stage, has_read_files: bool, routes: Option<String>) -> [Option<String>; 4] {
    let unless = |is_good: bool, fault: &str| (!is_good).then(|| fault.to_owned());
    [
        unless(stage != Stage::Starting, "the server does not accept connections yet"),
        unless(has_read_files, "the KV file is not read yet"),
        routes,
        unless(!stage.is_stopping(), "the server stops"),
    ]
}

/// Writes one line if all is well, or else one for each fault. `?verbose` shows every check; a name behind the path
/// shows one.
fn report(checks: &[Check], well: &str, call: &Call<'_>) -> Response {
    if let Some(name) = &call.name {
        return match checks.iter().find(|check| check.name == **name) {
            Some(check) => verdict(std::slice::from_ref(check), well, true),
            None => {
                let names: Vec<_> = checks.iter().map(|check| &*check.name).collect();
                Response::text(Status::NotFound, format!("there is no such check, only: {}", names.join(", ")))
            }
        };
    }
    verdict(checks, well, call.request.parameter("verbose").is_some())
}

fn verdict(checks: &[Check], well: &str, verbose: bool) -> Response {
    let is_well = checks.iter().all(|check| check.fault.is_none());
    let mut lines = String::new();
    for Check { name, fault, note } in checks {
        // Writing to memory cannot fail.
        let _ = match fault {
            Some(fault) if verbose => writeln!(lines, "[-]{name} {fault}"),
            Some(fault) => writeln!(lines, "{fault}"),
            None if verbose => match note {
                Some(note) => writeln!(lines, "[+]{name} ok, {note}"),
                None => writeln!(lines, "[+]{name} ok"),
            },
            None => Ok(()),
        };
    }
    if is_well {
        Response::text(Status::Ok, lines + well)
    } else {
        Response::text(Status::Unavailable, lines.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(response: &Response) -> (u16, &str) {
        (response.status.code(), str::from_utf8(&response.body).unwrap())
    }

    #[test]
    fn every_check_of_readiness_has_its_fault() {
        let names = |stage, has_read_files, answers_routes: bool| {
            let routes = (!answers_routes).then(|| NOT_READY.to_owned());
            let faults = readiness_faults(stage, has_read_files, routes);
            READINESS
                .into_iter()
                .zip(faults)
                .filter(|(_, fault)| fault.is_some())
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(Stage::Serving, true, true), [""; 0]);
        assert_eq!(names(Stage::Starting, false, false), ["listeners", "kv", "routes"]);
        assert_eq!(names(Stage::Starting, true, true), ["listeners"]);
        assert_eq!(names(Stage::Serving, true, false), ["routes"]);
        assert_eq!(names(Stage::Draining, true, true), ["draining"]);
        assert_eq!(names(Stage::Ending, true, true), ["draining"]);
    }

    #[test]
    fn a_verdict_names_what_is_wrong_first_and_everything_when_asked() {
        let good = Check { name: "kv".to_owned(), fault: None, note: None };
        let bad = Check { name: "routes".to_owned(), fault: Some("it waits".to_owned()), note: None };
        let noted = Check { name: "routes".to_owned(), fault: None, note: unconfirmed((3, 12)) };
        let verbose = "[+]routes ok, 3 of 12 brokers did not register since the restart\nready\n";
        assert_eq!(body(&verdict(std::slice::from_ref(&noted), "ready", true)), (200, verbose));
        assert_eq!(body(&verdict(&[noted], "ready", false)), (200, "ready\n"));
        assert_eq!(body(&verdict(std::slice::from_ref(&good), "ready", false)), (200, "ready\n"));
        assert_eq!(body(&verdict(std::slice::from_ref(&good), "ready", true)), (200, "[+]kv ok\nready\n"));
        let both = [good, bad];
        assert_eq!(body(&verdict(&both, "ready", false)), (503, "it waits\n"));
        assert_eq!(body(&verdict(&both, "ready", true)), (503, "[+]kv ok\n[-]routes it waits\n"));
    }
}
