//! Fields of text lines: as `tracing_subscriber` writes them, but quoted wherever a reader could not tell their end.

use std::fmt::{self, Debug};
use tracing::field::{Field, Visit};
use tracing_subscriber::field::{MakeVisitor, VisitFmt, VisitOutput};
use tracing_subscriber::fmt::format::{DefaultFields, DefaultVisitor, Writer};

/// Writes the message, and `name=value` for each field.
#[derive(Debug)]
pub(super) struct TextFields;

#[derive(Debug)]
pub(super) struct TextVisitor<'a>(DefaultVisitor<'a>);

impl<'a> MakeVisitor<Writer<'a>> for TextFields {
    type Visitor = TextVisitor<'a>;

    fn make_visitor(&self, writer: Writer<'a>) -> TextVisitor<'a> {
        TextVisitor(DefaultFields::new().make_visitor(writer))
    }
}

impl Visit for TextVisitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.record_str(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            return self.0.record_debug(field, value);
        }
        let text = format!("{value:?}");
        if is_word(&text) { self.0.record_debug(field, value) } else { self.0.record_str(field, &text) }
    }
}

impl VisitOutput<fmt::Result> for TextVisitor<'_> {
    fn finish(self) -> fmt::Result {
        self.0.finish()
    }
}

impl VisitFmt for TextVisitor<'_> {
    fn writer(&mut self) -> &mut dyn fmt::Write {
        self.0.writer()
    }
}

fn is_word(text: &str) -> bool {
    let ends_words = |character: char| character.is_whitespace() || character.is_control() || character == '"';
    !text.is_empty() && !text.contains(ends_words)
}
