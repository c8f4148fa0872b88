//! The snapshots of one NameServer: what each should say, and what a start makes of the one on the disk.

use super::agenda::Time;
use crate::model::Tables;
use namesrv_core::config::Limits;
use namesrv_core::route::RouteView;
use namesrv_core::snapshot::{Snapshot, SnapshotSource, Written};
use namesrv_core::time::{Duration, Now};
use namesrv_shell::warm_start::{WarmStartSettings, Warmth};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

/// How many are remembered: while the disk fails, an old one stays on it for long.
const REMEMBERED_MAX: usize = 64;

/// What was known when a snapshot was made.
#[derive(Debug)]
pub(super) struct Remembered {
    contents: Vec<u8>,
    at: Time,
    boots: u32,
    pub(super) saved: Tables,
    /// What clients were shown.
    pub(super) view: Arc<RouteView>,
}

/// What one server wrote in all its lives.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// `None` if the server neither writes nor reads any.
    pub(super) settings: Option<WarmStartSettings>,
    /// How often its host was booted, and when that happened last.
    boots: u32,
    booted_at: Time,
    remembered: VecDeque<Rc<Remembered>>,
}

/// What a start makes of a snapshot.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) warmth: Warmth,
    /// The snapshot that was there.
    pub(super) found: Option<Rc<Remembered>>,
    /// How old that is, if the host was not booted since.
    pub(super) age: Option<Time>,
}

impl Snapshots {
    /// From its next start on the server saves its routes, and serves them after restarts.
    pub(super) fn enable(&mut self) {
        self.settings = Some(WarmStartSettings { is_wanted: true, ..WarmStartSettings::default() });
    }

    /// The host starts again.
    pub(super) fn boot(&mut self, now: Time) {
        self.boots += 1;
        self.booted_at = now;
    }

    fn written(&self, now: Now) -> Written {
        let since_boot = Duration::from_millis(now.monotonic.as_millis() - self.booted_at);
        Written { wall: now.wall, boot: format!("boot {}", self.boots), since_boot }
    }

    /// Returns the contents of a file that is about to be saved.
    pub(super) fn encode(
        &mut self,
        source: &SnapshotSource,
        (saved, view): (Tables, Arc<RouteView>),
        now: Now,
    ) -> Vec<u8> {
        let contents = source.encode(&self.written(now));
        self.remembered.truncate(REMEMBERED_MAX - 1);
        let at = now.monotonic.as_millis();
        let remembered = Remembered { contents: contents.clone(), at, boots: self.boots, saved, view };
        self.remembered.push_front(Rc::new(remembered));
        contents
    }

    /// Whether the newest was made at `time` or later, if any are wanted.
    pub(super) fn has_one_since(&self, time: Time) -> bool {
        self.settings.is_none() || self.remembered.front().is_some_and(|newest| newest.at >= time)
    }

    /// Decides as the shell does what a start makes of the file.
    pub(super) fn judge(&self, file: &[u8], limits: &Limits, now: Now) -> Option<Judged> {
        let settings = self.settings.as_ref()?;
        let snapshot = (!file.is_empty()).then(|| Snapshot::decode(file, limits).expect("its own file is good"));
        let found = snapshot.as_ref().map(|_| {
            let found = self.remembered.iter().find(|remembered| remembered.contents == file);
            Rc::clone(found.expect("the file is one that was saved"))
        });
        let age =
            found.as_ref().filter(|found| found.boots == self.boots).map(|found| now.monotonic.as_millis() - found.at);
        Some(Judged { warmth: Warmth::judge(snapshot, settings, &self.written(now)), found, age })
    }
}
