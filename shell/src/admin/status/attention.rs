//! The list of faults at the top of the page.

use super::html::{Grouped, Name, Span};
use super::page::{Page, SILENT_AFTER};
use super::tables::{limits_of, share};
use crate::admin::health;
use crate::event_store::Numbered;
use crate::record::{EventType, Record};
use namesrv_core::report::ReportedMember;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Duration, WallTime};
use std::collections::BTreeMap;

/// The most lines of one kind.
const LINES_MAX: usize = 10;
/// How long a refusal counts as recent.
const RECENT: Duration = Duration::from_secs(600);
/// The most events that are searched for recent ones.
const EVENTS_MAX: usize = 1000;
/// The percentage of a limit from which it needs attention.
const NEAR_LIMIT: u64 = 80;

/// Returns one line for each fault.
pub(super) fn attention(page: &Page<'_>) -> String {
    let Page { site, parts, found, .. } = page;
    let mut lines: Vec<String> = health::faults(site).iter().map(|fault| Name(fault).to_string()).collect();
    match &found.report {
        None => lines.push("the registry does not answer within 1 s".to_owned()),
        Some(report) => {
            lines.extend(first(silent(&report.members), "brokers that are silent"));
            lines.extend(first(without_master(&report.members), "broker names without a master"));
        }
    }
    lines.extend(first(at_odds(&parts.views.load()), "topics that differ between brokers"));
    let is_near =
        |(_, used, max): &(&str, Option<usize>, usize)| used.is_some_and(|used| share(used, *max) >= NEAR_LIMIT);
    for (key, used, max) in limits_of(page).into_iter().filter(is_near) {
        lines.push(format!("{key} is used to {} %", share(used.unwrap_or_default(), max)));
    }
    for (file, counts) in ["KV file", "runtime file"].into_iter().zip(&parts.counters.saves) {
        let [_, failed] = counts;
        if failed.get() > 0 {
            lines.push(format!("the {file} could not be saved {} times since the start", Grouped(failed.get())));
        }
    }
    lines.extend(first(drifted(page), "NameServers that differ"));
    lines.extend(first(left_out(page), "NameServers that do not answer"));
    lines.extend(limits_reached(page));
    lines.extend(recent(page));
    if lines.is_empty() {
        return "<h2>Needs attention</h2><p class=fine><span class=good>Nothing</span> is wrong.</p>".to_owned();
    }
    let items: String = lines.iter().flat_map(|line| ["<li>", line]).collect();
    format!("<h2>Needs attention ({})</h2><ul class=attention>{items}</ul>", lines.len())
}

/// Returns the first lines of one kind, and how many more there are.
fn first(lines: impl Iterator<Item = String>, what: &str) -> Vec<String> {
    let mut all = lines;
    let mut first: Vec<_> = all.by_ref().take(LINES_MAX).collect();
    let more = all.take(BOUND).count();
    if more > 0 {
        let more = if more == BOUND {
            format!("more than {}", Grouped(BOUND as u64))
        } else {
            Grouped(more as u64).to_string()
        };
        first.push(format!("and {more} more {what}"));
    }
    first
}

/// The most lines of one kind that are counted.
const BOUND: usize = 1000;

fn silent(members: &[ReportedMember]) -> impl Iterator<Item = String> {
    members.iter().filter(|member| member.silent > SILENT_AFTER).map(|member| {
        let (name, id) = (Name(&member.broker.name), member.broker.id);
        format!("{name}/{id} last heard {} ago, leaves in {}", Span(member.silent), Span(member.leaves_in))
    })
}

fn without_master(members: &[ReportedMember]) -> impl Iterator<Item = String> {
    let mut has_master: BTreeMap<&str, bool> = BTreeMap::new();
    for member in members {
        *has_master.entry(&member.broker.name).or_default() |= member.broker.id == 0;
    }
    let without = has_master.into_iter().filter(|(_, has_master)| !has_master);
    without.map(|(name, _)| format!("{} has no master", Name(name)))
}

fn at_odds(view: &RouteView) -> impl Iterator<Item = String> {
    view.differing_topics()
        .map(|name| format!("topic {} has different queues or permissions on its brokers", Name(name)))
}

fn drifted<'a>(page: &Page<'a>) -> impl Iterator<Item = String> + use<'a> {
    let differing = page.drifts.iter().filter_map(|(address, compared)| Some((address, compared.as_ref()?.count)));
    let differing = differing.filter(|(_, count)| *count > 0);
    differing.map(|(address, _)| format!("NameServer {address} has other brokers or topics than this one"))
}

fn left_out(page: &Page<'_>) -> impl Iterator<Item = String> + use<> {
    let members = page.site.name_servers.members().into_iter().filter(|member| member.is_left_out);
    members.map(|member| format!("NameServer {} does not answer: /rocketmq/nsaddr leaves it out", member.address))
}

/// Limits that were reached recently.
fn limits_reached(page: &Page<'_>) -> Vec<String> {
    let now = page.site.now().wall;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for Numbered { record, .. } in page.limit_events.iter().filter(|event| is_recent(&event.record, now)) {
        if let (Some(limit), Some(count)) = (record.text("reason"), record.number("count")) {
            *counts.entry(limit).or_default() += count.unsigned_abs();
        }
    }
    let line = |(limit, count): (&str, u64)| match count {
        1 => format!("{} was reached in the last 10 minutes", Name(limit)),
        _ => format!("{} was reached {} times in the last 10 minutes", Name(limit), Grouped(count)),
    };
    counts.into_iter().map(line).collect()
}

fn is_recent(record: &Record, now: WallTime) -> bool {
    u128::from(now.as_millis().saturating_sub(record.time().as_millis())) < RECENT.as_millis()
}

/// Registrations and requests that were refused recently.
fn recent(page: &Page<'_>) -> Vec<String> {
    let Page { site, parts, .. } = page;
    let wanted = [EventType::BrokerRefused, EventType::Denied, EventType::SaveFailed, EventType::ReloadFailed];
    let now = site.now().wall;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for event in parts.events.newest(&wanted, EVENTS_MAX) {
        if is_recent(&event.record, now) {
            *counts.entry(event.record.event().words()).or_default() += 1;
        }
    }
    let line = |(words, count): (&str, usize)| match count {
        1 => format!("{words} in the last 10 minutes"),
        EVENTS_MAX => format!("{words} at least {EVENTS_MAX} times in the last 10 minutes"),
        _ => format!("{words} {count} times in the last 10 minutes"),
    };
    counts.into_iter().map(line).collect()
}
