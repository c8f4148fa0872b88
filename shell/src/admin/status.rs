//! `/status`: one page for people, without scripts and without other files. Faults come first.
//!
//! Everything that peers choose goes through [`html::Escaped`]. Each table has its own limit, so no peer can make the
//! page longer than 100 KB or push important lines out of it.

mod attention;
mod drift;
mod html;
mod page;
mod plots;
mod tables;

use super::api;
use super::health;
use super::site::{Call, Demand, Question, Site};
use crate::event_store::EVENTS_MAX;
use crate::http::{Answer, Response, Status};
use crate::record::{EventType, timestamp};
use html::{Escaped, Grouped, Span};
use namesrv_core::report::ReportRequest;
use namesrv_core::time::WallTime;
use page::Page;
use std::fmt::Write;

/// The most brokers that the page looks at. It looks at more than it shows, to find faults of the others.
const BROKERS_MAX: usize = 10_000;
/// What a browser may do with the page. The search for topics is a form that leads to the page itself, and nowhere
/// else; all other forms are forbidden.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const STYLE: &str = include_str!("status/style.css");
/// Smallest and largest number of seconds between two automatic reloads of the page.
const REFRESH_SECONDS: std::ops::RangeInclusive<u32> = 5..=3600;

/// Redirects people who know no path to the page.
pub(super) fn redirect(_: &Site, _: &Call<'_>) -> Answer<Demand> {
    let response = Response::text(Status::Found, "/status");
    Answer::Now(Response { header: Some(("Location", "/status")), ..response })
}

/// The page.
pub(super) fn status(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let Some(parts) = site.parts() else {
        return Answer::Now(Response::text(Status::Unavailable, "the server starts: try again in a moment"));
    };
    let Some(found) = call.found else {
        let report = ReportRequest { members_max: BROKERS_MAX, ..ReportRequest::default() };
        return Answer::After(Demand::Find(Question { report, list: None, drift: true }));
    };
    let search = call.request.parameter("topic").unwrap_or_default();
    let refresh = call.request.parameter("refresh").and_then(|seconds| seconds.parse().ok());
    let limit_events = parts.events.newest(&[EventType::LimitHit], EVENTS_MAX);
    let drifts = site.drifts();
    let page = Page { site, parts, found, limit_events: &limit_events, drifts: &drifts, search: &search };
    let body = page.html(refresh.filter(|seconds| REFRESH_SECONDS.contains(seconds))).into_bytes();
    Answer::Now(Response {
        status: Status::Ok,
        content_type: "text/html; charset=utf-8",
        header: Some(("Content-Security-Policy", POLICY)),
        body,
    })
}

impl Page<'_> {
    fn html(&self, refresh: Option<u32>) -> String {
        let refresh = refresh.map(|seconds| format!("<meta http-equiv=refresh content={seconds}>")).unwrap_or_default();
        let host = Escaped(&self.site.node_id);
        let mut html = format!(
            "<!doctype html><html lang=en><meta charset=utf-8>\
             <meta name=viewport content=\"width=device-width, initial-scale=1\">{refresh}\
             <title>NameServer {host}</title><style>{STYLE}</style>\
             <a class=skip href=\"#main\">Skip to what needs attention</a><header>"
        );
        html.push_str(&self.head());
        html.push_str("</header><main id=main>");
        for section in [
            attention::attention(self),
            plots::plots(&self.site.history.borrow()),
            tables::brokers(self),
            tables::topics(self),
            drift::drift(self),
            tables::events(self),
            format!("<div class=two>{}{}</div>", tables::misses(self), tables::errors(self)),
            tables::limits(self),
        ] {
            html.push_str(&section);
        }
        html.push_str("</main>");
        html.push_str(FOOTER);
        html
    }

    /// Describes the server, and how much it holds.
    fn head(&self) -> String {
        let Self { site, parts, .. } = self;
        let now = site.now();
        let view = parts.views.load_full();
        let uptime = now.monotonic.as_millis();
        let started = timestamp(WallTime::from_millis(now.wall.as_millis().saturating_sub(uptime)));
        let state = api::state(site);
        let class = if health::is_ready(site) { "good" } else { "bad" };
        let mut html = format!(
            "<div class=top><h1>NameServer {} · {}</h1><span class=\"state {class}\">{}</span>\
             <span class=quiet>since <time>{}</time> UTC ({})</span></div>",
            env!("CARGO_PKG_VERSION"),
            site.build.runtime,
            state.to_uppercase(),
            started.get(..19).unwrap_or(&started).replace('T', " "),
            Span(now.monotonic.since(namesrv_core::time::Instant::START)),
        );
        let count = |count: usize| Grouped(count as u64);
        let plural = |count: usize, one, many| if count == 1 { one } else { many };
        let [brokers, clusters, topics] = [view.broker_count(), view.cluster_count(), view.topic_count()];
        let connections = parts.quotas.connections();
        // Writing to memory cannot fail.
        let _ = write!(
            html,
            "<p>{}:{} · {} {} in {} {} · {} {} · {} {} · digest ",
            Escaped(&site.node_id),
            parts.address.port(),
            count(brokers),
            plural(brokers, "broker", "brokers"),
            count(clusters),
            plural(clusters, "cluster", "clusters"),
            count(topics),
            plural(topics, "topic", "topics"),
            count(connections),
            plural(connections, "connection", "connections"),
        );
        let digests = site.digests(&view);
        let all = digests.iter().fold(0, |sum: u64, digest| sum.wrapping_add(digest.short()));
        let _ = write!(html, "<code>{:012x}</code></p>", all & ((1 << 48) - 1));
        html
    }
}

const FOOTER: &str = "<footer><p class=quiet>This page only shows. The same as JSON: \
    <a href=\"/api/v1/summary\">summary</a>, <a href=\"/api/v1/brokers\">brokers</a>, \
    <a href=\"/api/v1/topics\">topics</a>, <a href=\"/api/v1/connections\">connections</a>, \
    <a href=\"/api/v1/events\">events</a>, <a href=\"/api/v1/errors\">errors</a>, \
    <a href=\"/api/v1/misses\">misses</a>, <a href=\"/api/v1/digest\">digest</a>, \
    <a href=\"/api/v1/nsaddr\">NameServers</a>, <a href=\"/api/v1/drift\">drift</a>, \
    <a href=\"/api/v1/config\">configuration</a>. For Prometheus: <a href=\"/metrics\">metrics</a>. \
    <a href=\"/status?refresh=5\">Reload every 5 s</a></p></footer></html>\n";

#[cfg(test)]
mod tests;
