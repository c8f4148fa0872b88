//! How handshakes with clients ended.

use crate::counters::Counter;
use rustls::HandshakeKind;

/// How a handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeResult {
    /// In a new session.
    Full,
    /// In a session that the client resumed.
    Resumed,
    /// Without a session: the handshake failed or took too long, or the client left.
    Failed,
}

/// Counts of handshakes, by their result.
#[derive(Debug, Default)]
pub(crate) struct HandshakeCounts {
    full: Counter,
    resumed: Counter,
    failed: Counter,
}

impl HandshakeCounts {
    /// Counts a handshake that has ended.
    pub(super) fn add(&self, result: HandshakeResult) {
        let counter = match result {
            HandshakeResult::Full => &self.full,
            HandshakeResult::Resumed => &self.resumed,
            HandshakeResult::Failed => &self.failed,
        };
        counter.add(1);
    }

    /// Returns the counts by label.
    pub(crate) fn by_label(&self) -> [(&'static str, u64); 3] {
        [("full", self.full.get()), ("resumed", self.resumed.get()), ("failed", self.failed.get())]
    }
}

impl From<Option<HandshakeKind>> for HandshakeResult {
    /// Returns the result of a completed handshake.
    fn from(kind: Option<HandshakeKind>) -> Self {
        match kind {
            Some(HandshakeKind::Resumed) => Self::Resumed,
            Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) | None => Self::Full,
        }
    }
}
