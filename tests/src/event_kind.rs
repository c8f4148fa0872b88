//! Names of kinds of events, which are those of their variants.

use namesrv_core::event::Event;
use std::fmt::Debug;

/// The name of a variant.
pub(crate) fn variant(value: &impl Debug) -> String {
    format!("{value:?}").split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

/// The kind of an event, with why a broker leaves, what an administrator changed, or which file was not saved.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others are one kind each")]
pub(crate) fn event_kind(event: &Event) -> String {
    let more = match event {
        Event::BrokerEvicted { cause, .. } => variant(cause),
        Event::AdminWrite(write) => variant(&write.change),
        Event::SaveFailed { file, .. } => variant(file),
        _ => return variant(event),
    };
    format!("{} {more}", variant(event))
}
