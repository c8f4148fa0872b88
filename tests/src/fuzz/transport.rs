//! PROXY headers and the bytes below a connection.

use super::session::shared_view;
use crate::tls::{Version, client};
use crate::transport::{Link, ask, incoming, outgoing, shake_hands};
use namesrv_core::connection::READ_BYTES_MAX;
use namesrv_core::wire::{ProxyFraming, proxy_header};
use namesrv_shell::tls::TlsMode;
use namesrv_shell::transport::ProxyProtocol;

/// What a header comes to does not depend on what follows it, and more bytes never turn a header into none.
pub(super) fn proxy_header_of(data: &[u8]) {
    let whole = proxy_header(data);
    for cut in 0..data.len().min(300) {
        let front = proxy_header(&data[..cut]);
        match front {
            Ok(ProxyFraming::Incomplete) => {}
            Ok(ProxyFraming::Other | ProxyFraming::Complete { .. }) | Err(_) => {
                assert_eq!(front, whole, "cut at {cut}")
            }
        }
    }
    if let Ok(ProxyFraming::Complete { length, client }) = whole {
        assert!(length <= data.len());
        assert!(client.is_none_or(|client| client.port() != 0));
    }
}

/// The first byte chooses: 1 and 2 the mode; 4 and 8 what is done with PROXY headers; 16 the bytes come in plain text
/// behind a handshake; 32 they are sent over TLS; 64 its version; 128 the last byte follows many times, at once. The
/// second byte says how the bytes are cut.
/// Whatever comes, cutting it changes nothing, the connection rests or ends, and all quotas are given back.
pub(super) fn transport(data: &[u8]) {
    let Some(([choice, piece], rest)) = data.split_first_chunk::<2>() else { return };
    let pieces = [rest.len().max(1), usize::from(*piece).max(1)];
    let [whole, cut] = pieces.map(|piece| run(*choice, rest, piece));
    assert_eq!(whole, cut, "in pieces of {}", pieces[1]);
}

/// Whether the connection is still open, and the plaintext that it wrote. What TLS makes of a handshake is random.
fn run(choice: u8, bytes: &[u8], piece: usize) -> (bool, Vec<u8>) {
    let mode = [TlsMode::Permissive, TlsMode::Enforcing, TlsMode::Disabled, TlsMode::Permissive];
    let mode = mode[usize::from(choice & 3)];
    let proxy = [ProxyProtocol::Accept, ProxyProtocol::Off, ProxyProtocol::Require, ProxyProtocol::Accept];
    let mut link = Link::open(mode, shared_view(0));
    link.policy.proxy_protocol = proxy[usize::from(choice >> 2 & 3)];
    let quotas = std::sync::Arc::clone(&link.quotas);
    let is_secure = choice & 48 != 0 && mode != TlsMode::Disabled;
    let mut written = Vec::new();
    if is_secure && link.policy.proxy_protocol != ProxyProtocol::Require {
        let version = Version::ALL[usize::from(choice >> 6 & 1)];
        let mut client = client(version);
        shake_hands(&mut client, &mut link);
        for piece in bytes.chunks(piece) {
            if choice & 32 != 0 {
                written.extend(ask(&mut client, &mut link, piece));
            } else {
                link.receive(piece);
                // It may be an alert.
                written.extend(incoming(&mut client, &link.take_written()).unwrap_or_default());
            }
        }
        let _ = outgoing(&mut client);
    } else {
        for piece in bytes.chunks(piece) {
            link.receive(piece);
        }
        if choice & 128 != 0 {
            link.receive(&vec![bytes.last().copied().unwrap_or_default(); 2 * READ_BYTES_MAX]);
        }
        let is_tls = link.take_written();
        if is_tls.first() != Some(&0x15) && is_tls.first() != Some(&0x16) {
            written = is_tls;
        }
    }
    let is_open = link.end.is_none();
    link.receive_end();
    drop(link);
    assert!(quotas.is_unused(), "a connection keeps {quotas:?}");
    (is_open, written)
}
