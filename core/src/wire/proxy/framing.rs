//! What first bytes are found to be, and what can be wrong with a header.

use core::net::SocketAddr;

/// Bytes of the longest line of version 1, without its end.
pub(super) const LINE_BYTES_MAX: usize = 108;

/// What the front of the first bytes of a connection holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyFraming {
    /// No PROXY header.
    Other,
    /// A part of a header, or what may become one.
    Incomplete,
    /// A complete header.
    Complete {
        /// Bytes that it takes.
        length: usize,
        /// The client that it names. `None` when the proxy speaks for itself or cannot say.
        client: Option<SocketAddr>,
    },
}

/// A PROXY header that cannot be read. Where the bytes of the client begin is unknown, so the connection has to be
/// closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// A line of version 1 that does not end in time.
    #[error("its line is longer than {} bytes", LINE_BYTES_MAX)]
    LineTooLong,
    /// A line of version 1 whose protocol is none of `TCP4`, `TCP6` and `UNKNOWN`.
    #[error("its line names none of TCP4, TCP6 and UNKNOWN")]
    LineProtocol,
    /// A line of version 1 that is not six parts with single blanks between them.
    #[error("its line does not have six parts")]
    LineParts,
    /// A line of version 1 with an address that is none of its protocol.
    #[error("an address in its line is malformed")]
    LineAddress,
    /// A line of version 1 with a port that is none.
    #[error("a port in its line is malformed")]
    LinePort,
    /// A binary header of another version than 2.
    #[error("its version is {0} and not 2")]
    Version(u8),
    /// Neither the command LOCAL nor PROXY.
    #[error("its command is {0}, neither LOCAL nor PROXY")]
    Command(u8),
    /// An unknown family or transport.
    #[error("its address family is unknown (0x{0:02x})")]
    Family(u8),
    /// A length without room for both addresses.
    #[error("it has {0} bytes, too few for its addresses")]
    TooShort(u16),
    /// An extension that is longer than what is left of the header.
    #[error("an extension runs past its end")]
    ExtensionPastEnd,
    /// Extensions about TLS inside one another.
    #[error("its extensions are nested too deeply")]
    TooDeep,
}
