//! One connection: takes bytes, and returns answers and requests for the node.
//!
//! A [`Connection`] has no socket and no clock. It never sends, logs or waits. Servers, the simulation and the tests
//! drive this same type, in one of two ways:
//!
//! * [`Connection::drive`] does one bounded step of work over a non-blocking [`Stream`];
//! * the `handle_*` and `poll_*` functions, which make up such a step, are for drivers without streams.
//!
//! In either case the driver calls [`Connection::poll_forward`] until it returns `None`, and closes the connection when
//! [`Connection::poll_close`] (or [`Next::Close`]) says so.
//!
//! ```
//! use namesrv_core::config::Configuration;
//! use namesrv_core::connection::{Answers, Connection, Read, Reading};
//! use namesrv_core::initial_state::InitialState;
//! use namesrv_core::node::{Node, Output};
//! use namesrv_core::quota::Quotas;
//! use namesrv_core::time::Now;
//! use namesrv_core::{ConnId, Peer};
//!
//! let configuration = Configuration::default();
//! let limits = configuration.limits();
//! let initial = InitialState::new([0; 16], configuration);
//! let now = Now::default();
//! let Some(Output::Publish(view)) = Node::new(initial, now).poll_output() else { panic!("no view") };
//!
//! let peer = Peer { conn: ConnId::new(0, 1), address: ([127, 0, 0, 1], 40_000).into() };
//! let quotas = Quotas::shared(&limits);
//! let mut connection: Connection = Connection::open(peer, &view, &quotas, now).unwrap();
//!
//! // A client asks for the route of a topic: both lengths, then the header.
//! let header = br#"{"code":105,"opaque":7,"version":513,"extFields":{"topic":"T"}}"#;
//! let header_bytes = header.len() as u32;
//! let query = [&(4 + header_bytes).to_be_bytes()[..], &header_bytes.to_be_bytes(), header].concat();
//!
//! let mut answers = Answers::default();
//! let reading = connection.handle_read(Read::Bytes(&query), &view, &mut answers, now);
//! assert_eq!(reading, Reading::Open);
//! let answer = String::from_utf8_lossy(&answers.bytes);
//! assert!(answer.contains(r#""opaque":7"#) && answer.contains("No topic route info in name server for the topic: T"));
//! assert_eq!(connection.poll_forward(), None);
//! ```
//!
//! # Back-pressure
//!
//! A connection reads no more while its output waits ([`Paused::UntilWritten`]), while too many of its requests are not
//! answered ([`Paused::UntilReplied`]), or while the registry's queue is full ([`Paused::UntilQueued`]). What was read
//! already is kept, counted against the [quota](crate::quota::Quotas) of all connections.
//!
//! # The end
//!
//! When a client ends its stream, everything that it sent is still answered. So a connection is closed once all replies
//! came and all output is written. The node hears of the end as soon as the last request is forwarded.
//!
//! # The layer below
//!
//! The bytes of a [`Stream`] need not be those of a socket: a layer that takes a header off the stream or decrypts it
//! is a [`Stream`] around another one.

mod activity;
pub(crate) mod answer;
mod close;
mod drive;
mod input;
mod lifecycle;
mod machine;
mod output;
#[cfg(test)]
mod tests;

pub use answer::HEALTH_TOPIC;
pub use close::CloseReason;
pub use drive::{Next, READ_BYTES_MAX, Ready, Scratch, Stream, Written};
pub use machine::Connection;

use crate::tally::Tally;
use alloc::vec::Vec;

/// What a read came to: of a [`Stream`], the number of bytes; handed to a [`Connection`], the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read<T> {
    /// These bytes arrived.
    Bytes(T),
    /// The client has ended its stream.
    Eof,
    /// Nothing has arrived.
    Nothing,
}

/// Whether a connection takes more input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All that arrived is dealt with, apart from an incomplete frame.
    Open,
    /// Complete frames wait.
    Paused(Paused),
}

/// What a connection answers, until it is written and counted.
#[derive(Debug, Default)]
pub struct Answers {
    /// The answers.
    pub bytes: Vec<u8>,
    /// How many of which.
    pub tally: Tally,
}

/// What complete frames wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paused {
    /// The client has to take some output first.
    UntilWritten,
    /// A forwarded request has to be answered first.
    UntilReplied,
    /// The queue in front of the registry is full. Nothing tells when it has room: try again soon.
    UntilQueued,
}
