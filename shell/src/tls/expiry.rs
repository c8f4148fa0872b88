//! Warns of certificates that are about to expire: at start, then once a day.

use super::certificate::{Certificate, Dates};
use std::path::Path;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before a certificate expires the warnings begin.
const TOLD_BEFORE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// When the operator was last warned.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    told: Option<SystemTime>,
}

impl Expiry {
    /// Returns a warning about the first certificate of `chain` that needs one, at most once a day.
    pub(super) fn line(&mut self, path: &Path, chain: &[Certificate], now: SystemTime) -> Option<String> {
        // If the clock is set back, the warning comes once more.
        let is_due =
            self.told.is_none_or(|told| now.duration_since(told).is_ok_and(|passed| passed >= DAY) || now < told);
        let line = chain.iter().find_map(|certificate| line(certificate, now)).filter(|_| is_due)?;
        self.told = Some(now);
        Some(format!("{}: {line}", path.display()))
    }
}

fn line(certificate: &Certificate, now: SystemTime) -> Option<String> {
    let name = certificate.subject_name();
    let (begins, ends) = certificate.dates_in_words();
    match certificate.dates(now) {
        Dates::NotYetValid => Some(format!("the certificate of {name} is not valid before {begins}")),
        Dates::Expired => Some(format!("the certificate of {name} expired on {ends}: renew it")),
        Dates::Valid => {
            let left = certificate.expires().duration_since(now).unwrap_or_default();
            let days = left.as_secs() / DAY.as_secs();
            (left < TOLD_BEFORE)
                .then(|| format!("the certificate of {name} expires on {ends}, in {days} days: renew it"))
        }
    }
}
