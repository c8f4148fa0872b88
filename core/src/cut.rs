//! Shortens texts that peers choose.

use alloc::borrow::Cow;
use alloc::format;

/// How much of a text is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// This many characters, followed by the mark.
    Characters(usize),
    /// This many bytes of UTF-8, including the mark.
    Bytes(usize),
}

/// Returns `text` if it is within the bound, or else its front with `mark` at the end. Never splits a character.
///
/// ```
/// use namesrv_core::cut::{Bound, cut};
///
/// assert_eq!(cut("naïve", Bound::Characters(3), "…"), "naï…");
/// assert_eq!(cut("naïve", Bound::Bytes(5), "."), "naï.");
/// assert_eq!(cut("naïve", Bound::Bytes(6), "."), "naïve");
/// ```
#[must_use]
pub fn cut<'a>(text: &'a str, bound: Bound, mark: &str) -> Cow<'a, str> {
    let Some(end) = bound.end_of(text, mark) else { return Cow::Borrowed(text) };
    let front = text.get(..end).unwrap_or_default();
    if mark.is_empty() { Cow::Borrowed(front) } else { Cow::Owned(format!("{front}{mark}")) }
}

impl Bound {
    /// Returns where to cut, or `None` to keep the whole text.
    fn end_of(self, text: &str, mark: &str) -> Option<usize> {
        match self {
            Self::Characters(count) => text.char_indices().nth(count).map(|(end, _)| end),
            Self::Bytes(count) if text.len() <= count => None,
            Self::Bytes(count) => (0..=count.saturating_sub(mark.len())).rev().find(|end| text.is_char_boundary(*end)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_only_if_it_is_too_long() {
        for (text, bound, mark, expected) in [
            ("ééé", Bound::Characters(3), "…", "ééé"),
            ("éééé", Bound::Characters(3), "…", "ééé…"),
            ("éééé", Bound::Characters(3), "", "ééé"),
            ("ééé", Bound::Bytes(6), "…", "ééé"),
            ("éééé", Bound::Bytes(6), "…", "é…"),
            ("éééé", Bound::Bytes(5), "", "éé"),
            ("é", Bound::Bytes(1), "…", "…"),
            ("", Bound::Characters(0), "…", ""),
        ] {
            assert_eq!(cut(text, bound, mark), expected, "{text} {bound:?} {mark}");
        }
    }
}
