//! What the sections of the page are made of.

use crate::admin::drift::Compared;
use crate::admin::site::{Found, Parts, Site};
use crate::event_store::Numbered;
use namesrv_core::time::Duration;
use std::net::SocketAddr;

/// How long a broker is silent that needs attention: two of its usual periods.
pub(super) const SILENT_AFTER: Duration = Duration::from_secs(60);

/// Everything that a section is made of.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) site: &'a Site,
    pub(super) parts: &'a Parts,
    pub(super) found: &'a Found,
    /// The last events of limits that were reached, the oldest first.
    pub(super) limit_events: &'a [Numbered],
    /// Other NameServers, and what came of comparing them.
    pub(super) drifts: &'a [(SocketAddr, Option<Compared>)],
    /// What is looked for in the names of topics.
    pub(super) search: &'a str,
}
