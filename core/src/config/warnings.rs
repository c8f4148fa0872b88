//! Warnings about a configuration that works.

use super::properties::Property;
use crate::quoted::Quoted;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The most keys that one line names.
const NAMES_MAX: usize = 20;

/// A line for the operator about a configuration that works but probably does not do what it seems to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(pub String);

/// Entries of a configuration file that have no effect, or probably not the intended one.
#[derive(Default)]
pub(super) struct Ignored<'a> {
    pub(super) doubts: Vec<Warning>,
    /// Unknown keys, each with the known key whose name differs only in case.
    pub(super) unknown: Vec<(&'a Property, Option<&'static str>)>,
    pub(super) without_effect: Vec<(usize, &'static str)>,
}

impl Ignored<'_> {
    pub(super) fn into_warnings(self) -> Vec<Warning> {
        let mut warnings = self.doubts;
        let unknown = self.unknown.iter().map(|(Property { key, line, .. }, similar)| match similar {
            Some(similar) => format!("{} (line {line}: write `{similar}`)", Quoted(key)),
            None => format!("{} (line {line})", Quoted(key)),
        });
        warnings.extend(named("unknown keys, without effect", unknown));
        let without_effect = self.without_effect.iter().map(|(line, key)| format!("{key} (line {line})"));
        warnings.extend(named("keys without effect in this server", without_effect));
        warnings
    }
}

/// Returns one line for all of these names, of which it shows the first ones, or `None` if there are none.
fn named(begin: &str, names: impl ExactSizeIterator<Item = String>) -> Option<Warning> {
    let count = names.len();
    let shown = names.take(NAMES_MAX).collect::<Vec<_>>().join(", ");
    match count {
        0 => None,
        1..=NAMES_MAX => Some(Warning(format!("{begin}: {shown}"))),
        _ => Some(Warning(format!("{begin}: {shown} and {} more", count - NAMES_MAX))),
    }
}
