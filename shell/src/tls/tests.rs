//! The settings and files of TLS, with handshakes in memory.

mod client_certificates;
mod golden;
mod golden_reload;
mod golden_settings;
mod golden_suites;
mod handshake;
mod identities;
mod observations;
mod refusals;
mod reload;
mod resumption;
mod settings;

pub(crate) use handshake::test_tls;
