//! Clients can resume sessions, but not across configurations.

use super::handshake::{client, handshake, test_tls};
use rustls::ClientConfig;
use rustls::HandshakeKind::{Full, Resumed};
use rustls::client::Resumption;
use std::sync::Arc;

fn resuming_client(protocols: &str) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(&client(&[("tls.protocols", protocols)]));
    config.resumption = Resumption::in_memory_sessions(8);
    Arc::new(config)
}

#[test]
fn a_session_is_resumed_by_the_server_that_it_began_with_alone() {
    let files = [("tls.server.certPath", "modern/server-ecdsa.pem"), ("tls.server.keyPath", "modern/server-ecdsa.key")];
    for protocols in ["TLSv1.2", "TLSv1.3"] {
        let [before, after] = [test_tls(&files), test_tls(&files)].map(|tls| tls.server_config().unwrap());
        let client = resuming_client(protocols);
        let kind = |server: &_| handshake(Arc::clone(server), Arc::clone(&client)).kind;
        assert_eq!(kind(&before), Some(Full), "{protocols}");
        assert_eq!(kind(&before), Some(Resumed), "{protocols}");
        assert_eq!(kind(&after), Some(Full), "{protocols}: as after a reload");
    }
}
