//! What two servers did in the course of one sequence of steps.

use super::clusters::Clusters;
use crate::server::Reaction;
use crate::step::Step;
use crate::step::words::MARK;

/// A step that was carried out.
#[derive(Clone, Debug)]
pub struct Done {
    /// The step.
    pub step: Step,
    /// Its frame; empty when it is none.
    pub frame: Vec<u8>,
    /// What Java did.
    pub java: Reaction,
    /// What ours did.
    pub ours: Reaction,
    /// Who was registered with ours before it.
    pub before: Clusters,
    /// Who was registered with ours after it.
    pub after: Clusters,
}

/// What differs.
#[derive(Clone, Debug)]
pub struct Difference {
    /// After which step; their number when it is only found by the questions at the end.
    pub step: usize,
    /// The request that is answered differently.
    pub request: Vec<u8>,
    /// What Java answers.
    pub java: Reaction,
    /// What ours answers.
    pub ours: Reaction,
}

/// What came of a sequence, up to the first difference.
#[derive(Clone, Debug)]
pub struct Run {
    /// The text that its names have in place of [`MARK`].
    pub salt: String,
    /// Keys of configuration listings whose values are a server's own.
    pub own_keys: &'static [&'static str],
    /// The steps that were carried out.
    pub done: Vec<Done>,
    /// The first difference.
    pub difference: Option<Difference>,
}

impl Run {
    /// A text of this run with the names as the steps have them.
    pub fn unsalted(&self, text: &str) -> String {
        text.replace(&self.salt, &MARK.to_string())
    }
}
