//! How handshakes with clients ended.

use crate::counters::Counter;
use rustls::HandshakeKind;

/// How a handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeResult {
    /// With a session from nothing.
    Full,
    /// With a session that the client had before.
    Resumed,
    /// Without a session: it failed, took too long, or the client left.
    Failed,
}

/// How many handshakes ended how.
#[derive(Debug, Default)]
pub(crate) struct HandshakeCounts {
    full: Counter,
    resumed: Counter,
    failed: Counter,
}

impl HandshakeCounts {
    /// A handshake has ended.
    pub(super) fn add(&self, result: HandshakeResult) {
        let counter = match result {
            HandshakeResult::Full => &self.full,
            HandshakeResult::Resumed => &self.resumed,
            HandshakeResult::Failed => &self.failed,
        };
        counter.add(1);
    }

    /// The counts by label.
    pub(crate) fn by_label(&self) -> [(&'static str, u64); 3] {
        [("full", self.full.get()), ("resumed", self.resumed.get()), ("failed", self.failed.get())]
    }
}

impl From<Option<HandshakeKind>> for HandshakeResult {
    /// A handshake that is complete.
    fn from(kind: Option<HandshakeKind>) -> Self {
        match kind {
            Some(HandshakeKind::Resumed) => Self::Resumed,
            Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) | None => Self::Full,
        }
    }
}
