//! Limits: the bounds of everything that a peer can make grow.

use crate::time::Duration;

/// Bounds of everything that a peer can make grow.
///
/// A limit is checked before memory is allocated for what it bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A frame, its length word included. Java: `com.rocketmq.remoting.frameMaxLength`.
    pub frame_bytes_max: usize,
    /// A command header.
    pub header_bytes_max: usize,
    /// Extension fields of one header.
    pub ext_fields_max: usize,
    /// What a compressed body may inflate to.
    pub inflated_bytes_max: usize,
    /// Topics of one registration.
    pub topics_per_registration_max: usize,
    /// All that is registered, about.
    pub registry_bytes_max: usize,
    /// Connections at one time.
    pub connections_max: usize,
    /// Requests of one connection that were forwarded to the registry and are not answered yet.
    pub forwarded_per_connection_max: usize,
    /// Output of one connection at which no more of its input is read.
    pub output_bytes_pause: usize,
    /// Output of one connection at which it is closed.
    pub output_bytes_max: usize,
    /// Output of all connections together that their peers did not read.
    pub unread_output_bytes_max: usize,
    /// Requests waiting for the registry.
    pub registry_queue_requests_max: usize,
    /// Bytes of the requests waiting for the registry.
    pub registry_queue_bytes_max: usize,
    /// Incomplete frames of all connections together.
    pub incomplete_input_bytes_max: usize,
    /// Time that one frame may take to arrive.
    pub frame_time_max: Duration,
    /// Entries of the KV table, over all namespaces.
    pub kv_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes_max: 16 * 1024 * 1024,
            header_bytes_max: 0x00FF_FFFF,
            ext_fields_max: 1024,
            inflated_bytes_max: 256 * 1024 * 1024,
            topics_per_registration_max: 1_000_000,
            registry_bytes_max: 2 * 1024 * 1024 * 1024,
            connections_max: 100_000,
            forwarded_per_connection_max: 64,
            output_bytes_pause: 256 * 1024,
            output_bytes_max: 64 * 1024 * 1024,
            unread_output_bytes_max: 256 * 1024 * 1024,
            registry_queue_requests_max: 10_000,
            registry_queue_bytes_max: 256 * 1024 * 1024,
            incomplete_input_bytes_max: 1024 * 1024 * 1024,
            frame_time_max: Duration::from_secs(120),
            kv_bytes_max: 64 * 1024 * 1024,
        }
    }
}
