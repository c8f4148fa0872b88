//! The data behind the sections of the page.

use crate::admin::drift::Compared;
use crate::admin::site::{Found, Parts, Site};
use crate::event_store::Numbered;
use namesrv_core::time::Duration;
use std::net::SocketAddr;

/// Silence after which a broker needs attention: two of its usual periods.
pub(super) const SILENT_AFTER: Duration = Duration::from_secs(60);

/// The data behind the sections.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) site: &'a Site,
    pub(super) parts: &'a Parts,
    pub(super) found: &'a Found,
    /// The last events about reached limits, the oldest first.
    pub(super) limit_events: &'a [Numbered],
    /// The other NameServers, with the results of their comparison.
    pub(super) drifts: &'a [(SocketAddr, Option<Compared>)],
    /// The text to find in the names of topics.
    pub(super) search: &'a str,
}
