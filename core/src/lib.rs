//! The RocketMQ NameServer as a pure state machine: frames, disconnects and points in time go in; replies, closes,
//! views, saves and events come out.
//!
//! It never touches a socket, a clock, a thread, a file, a random number or a logger. Its driver (an adapter for epoll
//! or io_uring, a simulation, a fuzzer) hands in the bytes and the time and carries out the outputs, so any run can be
//! recorded and replayed.
//!
//! Three machines share the work:
//!
//! * a [`Connection`](connection::Connection) for each client turns bytes into frames, and answers queries from an
//!   immutable [`RouteView`](route::RouteView);
//! * the one registry inside the node owns every table, is the only writer, and publishes a new view for each batch of
//!   changes;
//! * the [`Node`](node::Node) around it decides which inputs make a batch, when time may pass, and how the server
//!   stops.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod access;
pub mod address_list;
mod client_address;
pub mod config;
pub mod connection;
pub mod credentials;
pub mod cut;
pub mod event;
pub mod expiring_map;
mod hash;
pub mod initial_state;
pub mod key;
pub mod kv;
mod limits;
pub mod node;
pub mod output;
pub mod quota;
pub mod quoted;
mod registry;
pub mod report;
pub mod route;
pub mod save;
mod serialization;
pub mod snapshot;
mod table_size;
pub mod tally;
pub mod time;
pub mod wire;

pub use client_address::ClientAddress;

use core::fmt;
use core::net::IpAddr;

/// The identity of one connection: the I/O thread that owns its socket, and a serial number within that thread.
///
/// A process never uses an identity twice, so a late disconnect cannot evict a newcomer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(u64);

impl ConnId {
    const SERIAL_BITS: u32 = 48;

    /// The identity of the `serial`-th connection of an I/O thread. Serials wrap after 2^48 connections.
    #[must_use]
    pub const fn new(io_thread: u16, serial: u64) -> Self {
        Self(((io_thread as u64) << Self::SERIAL_BITS) | (serial & ((1 << Self::SERIAL_BITS) - 1)))
    }

    /// Returns the I/O thread that owns the socket.
    #[must_use]
    pub const fn io_thread(self) -> usize {
        (self.0 >> Self::SERIAL_BITS) as usize
    }

    /// Returns the serial number within the I/O thread.
    #[must_use]
    pub const fn serial(self) -> u64 {
        self.0 & ((1 << Self::SERIAL_BITS) - 1)
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.io_thread(), self.serial())
    }
}

/// The sender of a frame: its connection, and where its client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The connection.
    pub conn: ConnId,
    /// Where the client is.
    pub address: ClientAddress,
}

impl Peer {
    /// Returns the address of the client without its port, for address lists. A mapped IPv4 address becomes the IPv4
    /// address.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.address.ip().to_canonical()
    }
}
