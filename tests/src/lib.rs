//! The suites that prove the server, as a library that the runtime crates call: golden conversations of the Java
//! server, scenarios as text, and the two ways to run a server under test, as a pure core in memory and as a process.

// Everything here runs inside of tests, where a panic is how a failure is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod access;
mod admin_port;
pub mod answer;
pub mod captures;
pub mod conformance;
pub mod conversation;
pub mod crash;
pub mod differences;
pub mod differential;
pub mod disk;
mod environment;
mod event_kind;
mod exposition;
pub mod fuzz;
pub mod golden;
pub mod hostile;
pub mod impostor;
pub mod matrix;
pub mod model;
pub mod mqadmin;
mod peer;
pub mod plain_json;
pub mod process;
pub mod process_keys;
pub mod registration;
pub mod request;
pub mod scenario;
pub mod server;
mod set_on_drop;
pub mod signature;
pub mod simulation;
pub mod step;
pub mod stream;
pub mod suite;
mod texts;
pub mod tls;
pub mod transport;
pub mod users;
pub mod world;
