//! The outcomes of looking at first bytes, and the faults of a header.

use core::net::SocketAddr;

/// Bytes of the longest line of version 1, without its end.
pub(super) const LINE_BYTES_MAX: usize = 108;

/// What the first bytes of a connection hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFraming {
    /// No PROXY header.
    Other,
    /// Part of a header, or of what may become one.
    Incomplete,
    /// A complete header.
    Complete {
        /// Bytes of the header.
        length: usize,
        /// The client that the header names. `None` if the proxy speaks for itself or does not know the client.
        client: Option<SocketAddr>,
    },
}

/// A PROXY header that cannot be read. Nobody knows where the bytes of the client begin, so the connection must be
/// closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// A line of version 1 that is too long.
    #[error("its line is longer than {} bytes", LINE_BYTES_MAX)]
    LineTooLong,
    /// A line of version 1 with a protocol other than `TCP4`, `TCP6` and `UNKNOWN`.
    #[error("its line names none of TCP4, TCP6 and UNKNOWN")]
    LineProtocol,
    /// A line of version 1 that is not six parts with single blanks between them.
    #[error("its line does not have six parts")]
    LineParts,
    /// A line of version 1 with an address that its protocol does not have.
    #[error("an address in its line is malformed")]
    LineAddress,
    /// A line of version 1 with a malformed port.
    #[error("a port in its line is malformed")]
    LinePort,
    /// A binary header of another version than 2.
    #[error("its version is {0} and not 2")]
    Version(u8),
    /// A command other than LOCAL and PROXY.
    #[error("its command is {0}, neither LOCAL nor PROXY")]
    Command(u8),
    /// An unknown family or transport.
    #[error("its address family is unknown (0x{0:02x})")]
    Family(u8),
    /// A length that is too short for both addresses.
    #[error("it has {0} bytes, too few for its addresses")]
    TooShort(u16),
    /// An extension that extends past the end of the header.
    #[error("an extension runs past its end")]
    ExtensionPastEnd,
    /// Too many nested extensions about TLS.
    #[error("its extensions are nested too deeply")]
    TooDeep,
}
