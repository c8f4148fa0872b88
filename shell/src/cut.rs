//! Texts that peers choose, no longer than a line of the log needs.

use std::borrow::Cow;

/// Characters of one name or reason.
const TEXT_CHARACTERS_MAX: usize = 256;

/// The front of a text that peers choose.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(TEXT_CHARACTERS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = "é".repeat(TEXT_CHARACTERS_MAX);
        assert_eq!(cut(&name), name);
        assert_eq!(cut(&(name.clone() + "é")), name + "…");
    }
}
