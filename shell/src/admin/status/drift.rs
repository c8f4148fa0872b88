//! The differences of other NameServers from this one.

use super::html::{Grouped, Name, Table};
use super::page::Page;
use super::tables::ago;
use crate::admin::drift::Compared;
use namesrv_core::time::WallTime;
use namesrv_ctl::Difference;
use std::fmt::Write;
use std::net::SocketAddr;

/// The most rows of the table, and its most bytes.
const ROWS_MAX: usize = 20;
const BYTES_MAX: usize = 6 * 1024;

/// Returns nothing if no others are configured.
pub(super) fn drift(page: &Page<'_>) -> String {
    if page.drifts.is_empty() {
        return String::new();
    }
    let now = page.site.now().wall;
    let mut html = "<h2>Other NameServers</h2><ul>".to_owned();
    let columns = ["NameServer+", "what", "name+", "of it+", "here+", "there+"];
    let mut table = Table::new("What differs", &columns, ROWS_MAX, BYTES_MAX);
    let mut total = 0;
    for (address, compared) in page.drifts {
        // Writing to memory cannot fail.
        let _ = write!(html, "<li>{address} {}", outcome(compared.as_ref(), now));
        if let Some(Compared { count, differences, .. }) = compared {
            total += count;
            let _ = differences.iter().all(|difference| table.row(&row(*address, difference)));
        }
    }
    html.push_str("</ul>");
    if total > 0 {
        html.push_str(&table.finish(total, "/api/v1/drift", ""));
    }
    html
}

/// Returns one result in words.
fn outcome(compared: Option<&Compared>, now: WallTime) -> String {
    let Some(Compared { at, error, count, .. }) = compared else {
        return "is being compared: load this page again in a moment".to_owned();
    };
    let at = ago(*at, now);
    match (error, count) {
        (Some(error), _) => format!("<span class=bad>cannot be compared</span>: {}, {at}", Name(error)),
        (None, 0) => format!("has <span class=good>the same</span> brokers and topics, {at}"),
        (None, 1) => format!("<span class=bad>differs</span> in one thing, {at}"),
        (None, _) => format!("<span class=bad>differs</span> in {} things, {at}", Grouped(*count as u64)),
    }
}

fn row(address: SocketAddr, Difference { subject, values }: &Difference) -> String {
    let value = |value: Option<&Option<String>>| match value {
        Some(Some(text)) => Name(text).to_string(),
        Some(None) | None => "<span class=quiet>nothing</span>".to_owned(),
    };
    format!(
        "<tr><th scope=row>{address}<td>{}<td>{}<td>{}<td>{}<td>{}",
        subject.kind.name(),
        Name(&subject.name),
        Name(&subject.part),
        value(values.first()),
        value(values.last()),
    )
}
