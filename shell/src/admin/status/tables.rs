//! The tables of the page.

use super::html::{Escaped, Grouped, Name, Span, Table};
use super::page::{Page, SILENT_AFTER};
use crate::event_store::Numbered;
use crate::journal::Miss;
use crate::record::timestamp;
use namesrv_core::report::ReportedMember;
use namesrv_core::time::{Duration, WallTime};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The most rows of one table.
const ROWS_MAX: usize = 200;
/// The most bytes of the table of brokers, the table of topics, and each other table.
const BROKERS_BYTES: usize = 36 * 1024;
const TOPICS_BYTES: usize = 16 * 1024;
const OTHER_BYTES: usize = 8 * 1024;
/// The most topics that are shown without a search.
const TOPICS_SHOWN: usize = 20;
/// The most rows of the shorter tables.
const FEW: usize = 20;

pub(super) fn brokers(page: &Page<'_>) -> String {
    let members = page.found.report.as_ref().map(|report| &*report.members).unwrap_or_default();
    let columns =
        ["broker+", "cluster+", "id#", "address+", "role", "heard#", "leaves in#", "topics#", "data version", "note"];
    let mut table = Table::new("Silent ones first, then by name", &columns, ROWS_MAX, BROKERS_BYTES);
    // Brokers with a fault come first.
    let (silent, others): (Vec<_>, Vec<_>) = members.iter().partition(|member| member.silent > SILENT_AFTER);
    let _ = silent.into_iter().chain(others).all(|member| table.row(&broker(member)));
    let empty = match page.found.report {
        Some(_) => "No broker is registered.",
        None => "The registry does not answer.",
    };
    format!("<h2>Brokers</h2>{}", table.finish(members.len(), "/api/v1/brokers", empty))
}

fn broker(member: &ReportedMember) -> String {
    let broker = &member.broker;
    let version = member.data_version.map(|version| {
        let counter = version.counter.map(|counter| counter.to_string()).unwrap_or_default();
        format!("{}/{counter}", version.state_version)
    });
    let is_silent = member.silent > SILENT_AFTER;
    let note = if is_silent { "<span class=bad>silent</span>" } else { "" };
    format!(
        "<tr><th scope=row>{}<td>{}<td class=number>{}<td>{}<td>{}<td class=number>{} ago<td class=number>{}\
         <td class=number>{}<td>{}<td>{note}",
        Name(&broker.name),
        Name(&broker.cluster),
        broker.id,
        Name(&broker.address),
        if broker.id == 0 { "master" } else { "slave" },
        Span(member.silent),
        Span(member.leaves_in),
        Grouped(member.topics as u64),
        version.unwrap_or_default(),
    )
}

pub(super) fn topics(page: &Page<'_>) -> String {
    let view = page.parts.views.load();
    let search = page.search.trim();
    let html = format!(
        "<h2>Topics</h2><form action=\"/status\" method=get role=search><label for=topic>Topics whose name has</label>\
         <input id=topic name=topic type=search maxlength=255 value=\"{}\"><button>Search</button></form>",
        Escaped(search)
    );
    let wanted = search.to_lowercase();
    let (listed, total) = if wanted.is_empty() {
        (view.topics_after("", TOPICS_SHOWN), view.topic_count())
    } else {
        let mut found = view.topics_after("", usize::MAX);
        found.retain(|topic| topic.name.to_lowercase().contains(&wanted));
        let total = found.len();
        found.truncate(ROWS_MAX);
        (found, total)
    };
    let mut table = Table::new(
        "By name, with the number of broker names that have it",
        &["topic+", "broker names#"],
        ROWS_MAX,
        TOPICS_BYTES,
    );
    let _ = listed.iter().all(|topic| {
        let path = utf8_percent_encode(topic.name, NON_ALPHANUMERIC);
        let (name, brokers) = (Name(topic.name), Grouped(topic.groups as u64));
        table.row(&format!("<tr><th scope=row><a href=\"/api/v1/topics/{path}\">{name}</a><td class=number>{brokers}"))
    });
    let empty = if wanted.is_empty() { "No topic is registered." } else { "No topic has this in its name." };
    html + "<div class=narrow>" + &table.finish(total, "/api/v1/topics", empty) + "</div>"
}

pub(super) fn events(page: &Page<'_>) -> String {
    let now = page.site.now().wall;
    let newest = page.parts.events.newest(&[], FEW);
    let columns = ["when", "what", "about+", "by+", "why+"];
    let mut table = Table::new("Last events, the newest first", &columns, FEW, OTHER_BYTES);
    let _ = newest.iter().rev().all(|event| table.row(&event_row(event, now)));
    let total = usize::try_from(page.parts.events.range().last).unwrap_or(usize::MAX);
    format!("<h2>Events</h2>{}", table.finish(total, "/api/v1/events", "Nothing has happened."))
}

fn event_row(Numbered { record, .. }: &Numbered, now: WallTime) -> String {
    let join = |names: &[&str], separator| {
        let texts = names.iter().filter_map(|name| record.text(name)).filter(|text| !text.is_empty() && *text != "-");
        texts.map(|text| Name(text).to_string()).collect::<Vec<_>>().join(separator)
    };
    let class = if record.event().is_warning() { " class=bad" } else { "" };
    format!(
        "<tr><td>{}<td><span{class}>{}</span><td>{}<td>{}<td>{}",
        ago(record.time(), now),
        record.event().words(),
        join(&["broker", "address", "topic", "namespace", "key", "keys", "file"], " "),
        join(&["user", "peer"], " "),
        join(&["reason", "error"], ": "),
    )
}

pub(super) fn misses(page: &Page<'_>) -> String {
    let now = page.site.now().wall;
    let misses = page.parts.counters.journals.misses();
    let columns = ["topic+", "times#", "last by+", "when"];
    let mut table = Table::new("Topics that clients ask for and do not find", &columns, FEW, OTHER_BYTES);
    let _ = misses.iter().all(|Miss { topic, count, last_peer, last_at, .. }| {
        let peer = last_peer.to_string();
        let (topic, peer, count) = (Name(topic), Name(&peer), Grouped(*count));
        table.row(&format!("<tr><th scope=row>{topic}<td class=number>{count}<td>{peer}<td>{}", ago(*last_at, now)))
    });
    let empty = "Every topic that was asked for is there.";
    format!("<section><h2>Asked for in vain</h2>{}</section>", table.finish(misses.len(), "/api/v1/misses", empty))
}

pub(super) fn errors(page: &Page<'_>) -> String {
    let now = page.site.now().wall;
    let refused = page.parts.counters.journals.refused();
    let columns = ["what", "times#", "last by+", "when", "why+"];
    let mut table = Table::new("The last frame that was refused, by kind", &columns, FEW, OTHER_BYTES);
    let _ = refused.iter().all(|(kind, last)| {
        let peer = last.peer.address.to_string();
        let (peer, why, count) = (Name(&peer), Name(&last.words), Grouped(last.count));
        let when = ago(last.at, now);
        table.row(&format!("<tr><th scope=row>{kind}<td class=number>{count}<td>{peer}<td>{when}<td>{why}"))
    });
    let table = table.finish(refused.len(), "/api/v1/errors", "No frame was refused.");
    format!("<section><h2>Last errors</h2>{table}</section>")
}

pub(super) fn limits(page: &Page<'_>) -> String {
    let mut table =
        Table::new("Limits and how much of them is used", &["limit", "used#", "of#", "share#"], FEW, OTHER_BYTES);
    let limits = limits_of(page);
    for (key, used, max) in &limits {
        let used_shown = used.map_or_else(|| "unknown".to_owned(), |used| Grouped(used as u64).to_string());
        let share = used.map_or_else(String::new, |used| format!("{} %", share(used, *max)));
        let max = Grouped(*max as u64);
        table.row(&format!(
            "<tr><th scope=row>{key}<td class=number>{used_shown}<td class=number>{max}<td class=number>{share}"
        ));
    }
    let mut html =
        format!("<h2>Limits</h2><div class=narrow>{}</div>", table.finish(limits.len(), "/api/v1/summary", ""));
    let hits = page.parts.counters.limit_hits();
    let hits: Vec<_> = hits.iter().filter(|(_, count)| *count > 0).collect();
    if hits.is_empty() {
        html.push_str("<p class=quiet>No limit was reached since the start.</p>");
    } else {
        let told: BTreeMap<_, _> = page.limit_events.iter().filter_map(told_of_limit).collect();
        let now = page.site.now().wall;
        let line = |(key, count): &&(&'static str, u64)| {
            let last = told.get(*key).map(|at| format!(", told {}", ago(*at, now))).unwrap_or_default();
            format!("{key} {} times{last}", Grouped(*count))
        };
        let hits = hits.iter().map(line).collect::<Vec<_>>();
        // Writing to memory cannot fail.
        let _ = write!(html, "<p>Reached since the start: {}.</p>", hits.join("; "));
    }
    html
}

/// Returns the key of a reached limit, and when that was.
fn told_of_limit(Numbered { record, .. }: &Numbered) -> Option<(&str, WallTime)> {
    Some((record.text("reason")?, record.time()))
}

/// Returns the keys of limits with their usage and their values.
pub(super) fn limits_of(page: &Page<'_>) -> [(&'static str, Option<usize>, usize); 6] {
    crate::admin::api::limits(page.parts, page.found)
}

/// Returns a part of a whole in percent.
pub(super) const fn share(used: usize, max: usize) -> u64 {
    let max = if max == 0 { 1 } else { max as u128 };
    (used as u128 * 100 / max) as u64
}

/// Says how long ago something happened. The exact time appears under the pointer.
pub(super) fn ago(time: WallTime, now: WallTime) -> String {
    let millis = now.as_millis().saturating_sub(time.as_millis());
    let exact = timestamp(time);
    format!("<time datetime=\"{exact}\" title=\"{exact}\">{} ago</time>", Span(Duration::from_millis(millis)))
}
