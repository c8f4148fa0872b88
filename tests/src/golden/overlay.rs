//! Where we answer otherwise than Java on purpose: which frame, our answer, and the entry of DIFFERENCES.md that says
//! why.

use super::Line;
use super::cases::read_entries;
use super::compare::is_error;
use crate::answer::Parts;
use crate::request::frame;
use crate::server::Reaction;
use serde::Deserialize;

/// The deliberate differences, in the repository.
const OVERLAY: &str = include_str!("../../golden/overlay.toml");

/// One deliberate difference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Group of the frame.
    pub group: String,
    /// Name of the frame.
    pub name: String,
    /// Which of several frames of that name, counted from 1.
    #[serde(default = "first")]
    pub occurrence: usize,
    /// Identifier of an entry of DIFFERENCES.md.
    pub difference: String,
    /// What happens instead of an answer (`silent`, `closed`), or `error`: code 1 and a remark in our own words.
    pub outcome: Option<String>,
    /// Our header; that of Java when absent.
    pub header: Option<String>,
    /// Our body; that of Java when absent.
    pub body: Option<String>,
}

const fn first() -> usize {
    1
}

impl Entry {
    /// Whether our server reacted to a frame as this entry says.
    pub fn describes(&self, line: &Line, reaction: &Reaction) -> bool {
        match (self.outcome.as_deref(), reaction) {
            (Some("silent"), Reaction::Silent) | (Some("closed"), Reaction::Closed) => true,
            (Some("error"), Reaction::Answer(answer)) => is_error(answer),
            (None, Reaction::Answer(answer)) => self.answer(line).as_ref() == Some(answer),
            _ => false,
        }
    }

    /// Our answer; absent when the entry names neither header nor body.
    fn answer(&self, line: &Line) -> Option<Vec<u8>> {
        let java = line.response.as_ref().map(|_| line.bytes(line.response.as_ref()));
        let parts = java.as_deref().and_then(|java| Parts::split(java).ok());
        let java_header = parts.map(|parts| parts.header).unwrap_or_default();
        let java_body = parts.map(|parts| parts.body).unwrap_or_default();
        (self.header.is_some() || self.body.is_some()).then(|| {
            let header = self.header.as_ref().map_or(java_header, |header| header.as_bytes());
            frame(0, header, self.body.as_ref().map_or(java_body, |body| body.as_bytes()))
        })
    }
}

/// All deliberate differences.
pub fn entries() -> Vec<Entry> {
    read_entries("overlay.toml", OVERLAY)
}
