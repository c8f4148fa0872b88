//! `/rocketmq/nsaddr`, which clients and brokers query to find NameServers, and pages about the listed NameServers.

use super::api::{PAGE_ITEMS_MAX, bad_limit, error, limit_of, page, starting};
use super::drift::{Compared, VALID};
use super::exposition::Exposition;
use super::name_servers::Member;
use super::site::{Call, Demand, Question, Site};
use crate::http::{Answer, Response, Status};
use crate::lifecycle::Stage;
use crate::record::timestamp;
use namesrv_core::report::ReportRequest;
use namesrv_ctl::Difference;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// The line. A stopping server leaves itself out, unless it is the only one.
pub(super) fn nsaddr(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let servers = &site.name_servers;
    if servers.is_empty() {
        return Answer::Now(Response::text(Status::NotFound, "no NameServers are listed here: set nsaddrMembers"));
    }
    if site.stage() == Stage::Starting {
        return Answer::Now(Response::text(Status::Unavailable, "starting"));
    }
    Answer::Now(match servers.line(call.name.as_deref(), |address| !is_going(site, address)) {
        Some(line) => Response::text(Status::Ok, line),
        None => Response::text(Status::Unavailable, "the names in nsaddrMembers are not resolved yet"),
    })
}

/// Whether this server has the address and is stopping.
fn is_going(site: &Site, address: &SocketAddr) -> bool {
    site.stage().is_stopping() && site.is_own(address)
}

/// The members of the common list, with the results of their probes.
pub(super) fn members(site: &Site, _: &Call<'_>) -> Answer<Demand> {
    let members = site.name_servers.members();
    let shown = members.iter().take(PAGE_ITEMS_MAX).map(|Member { address, is_left_out, probed }| {
        json!({
            "address": address.to_string(),
            "own": site.is_own(address),
            "leftOut": is_left_out,
            "failures": probed.as_ref().map(|probed| probed.failures),
            "error": probed.as_ref().and_then(|probed| probed.error.as_deref()),
        })
    });
    let probed = site.settings.nsaddr_probe;
    Answer::Now(page(&json!({ "members": shown.collect::<Vec<_>>(), "probed": probed })))
}

/// Where other NameServers differ from this one.
pub(super) fn drift(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let Some(limit) = limit_of(call) else { return bad_limit() };
    if site.parts().is_none() {
        return starting();
    }
    if site.name_servers.is_empty() {
        return Answer::Now(error(Status::NotFound, "no NameServers are listed here: set nsaddrMembers"));
    }
    if call.found.is_none() {
        return Answer::After(Demand::Find(Question { report: ReportRequest::default(), list: None, drift: true }));
    }
    let members: Vec<_> =
        site.drifts().into_iter().map(|(address, compared)| drift_of(address, compared, limit)).collect();
    let running = site.drift.is_running();
    Answer::Now(page(&json!({ "members": members, "running": running, "validSeconds": VALID.as_secs() })))
}

fn drift_of(address: SocketAddr, compared: Option<Compared>, limit: usize) -> Value {
    let address = address.to_string();
    let Some(Compared { at, error, count, differences }) = compared else {
        return json!({ "address": address, "comparedAt": null, "error": null, "count": null, "differences": [] });
    };
    let differences = differences.iter().take(limit).map(|Difference { subject, values }| {
        let part = Some(&subject.part).filter(|part| !part.is_empty());
        let (here, there) = (values.first(), values.last());
        json!({ "kind": subject.kind.name(), "name": subject.name, "part": part, "here": here, "there": there })
    });
    let differences: Vec<_> = differences.collect();
    json!({
        "address": address,
        "comparedAt": timestamp(at),
        "error": error,
        "count": count,
        "differences": differences,
    })
}

/// How many members of the common list clients get.
pub(super) fn figures(text: &mut Exposition, site: &Site) {
    if site.name_servers.is_empty() {
        return;
    }
    let members = site.name_servers.members();
    let left_out = members.iter().filter(|member| member.is_left_out).count();
    text.gauge("rocketmq_namesrv_nsaddr_members", "NameServers in nsaddrMembers, by whether clients are told of them.");
    for (state, count) in [("listed", members.len() - left_out), ("left_out", left_out)] {
        text.sample(&[("state", state)], count);
    }
}
