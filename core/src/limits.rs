//! Limits: the bounds of everything that a peer can make grow.

use crate::key::{Kind, LIMIT, Origin, integer, seconds};
use crate::keys;
use crate::time::Duration;

/// Bytes of a frame. Even the smallest limit allows every request except a registration.
const FRAME: Kind = Kind::Integer(1024, i32::MAX as i64);

keys! {
    /// The bounds of everything that a peer can make grow.
    ///
    /// The server checks a limit before it allocates the memory that the limit bounds.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Limits {
        /// Bytes of one frame, its length word included; more than about 60,000 topics a broker need a higher limit.
        frame_bytes_max: usize =
            integer("com.rocketmq.remoting.frameMaxLength", FRAME, "16777216").of(Origin::JvmProperty(1));
        /// Bytes of one command header.
        header_bytes_max: usize = integer("headerBytesMax", LIMIT, "16777215");
        /// Extension fields of one command header.
        ext_fields_max: usize = integer("extFieldsMax", LIMIT, "1024");
        /// Bytes that one compressed registration may inflate to.
        inflated_bytes_max: usize = integer("inflatedBytesMax", LIMIT, "268435456");
        /// Topics of one registration.
        topics_per_registration_max: usize = integer("topicsPerRegistrationMax", LIMIT, "1000000");
        /// Approximate bytes of all that is registered; a registration over it is refused.
        registry_bytes_max: usize = integer("registryBytesMax", LIMIT, "2147483648");
        /// Connections at one time.
        connections_max: usize = integer("connectionsMax", LIMIT, "100000");
        /// Requests of one connection that wait for the registry.
        forwarded_per_connection_max: usize = integer("forwardedPerConnectionMax", LIMIT, "64");
        /// Bytes of unread answers of one connection at which nothing more is read from it.
        output_bytes_pause: usize = integer("outputBytesPause", LIMIT, "262144");
        /// Bytes of unread answers of one connection at which it is closed.
        output_bytes_max: usize = integer("outputBytesMax", LIMIT, "67108864");
        /// Bytes of unread answers of all connections; one that needs more than is left is closed.
        unread_output_bytes_max: usize = integer("unreadOutputBytesMax", LIMIT, "268435456");
        /// Requests of all connections that wait for the registry.
        registry_queue_requests_max: usize = integer("registryQueueRequestsMax", LIMIT, "10000");
        /// Bytes of all requests that wait for the registry.
        registry_queue_bytes_max: usize = integer("registryQueueBytesMax", LIMIT, "268435456");
        /// Bytes of all incomplete requests; one connection may hold as many as are left.
        incomplete_input_bytes_max: usize = integer("incompleteInputBytesMax", LIMIT, "1073741824");
        /// Seconds that one request may take to arrive.
        frame_time_max: Duration = seconds("frameSecondsMax", LIMIT, "120");
        /// Bytes of all KV entries.
        kv_bytes_max: usize = integer("kvBytesMax", LIMIT, "67108864");
    }
}

impl Limits {
    /// Returns these limits, with those that must hold at least one frame raised to the limit of frames.
    pub(crate) fn holding_a_frame(self) -> Self {
        Self {
            registry_queue_bytes_max: self.registry_queue_bytes_max.max(self.frame_bytes_max),
            // One connection may use half of it.
            incomplete_input_bytes_max: self.incomplete_input_bytes_max.max(self.frame_bytes_max.saturating_mul(2)),
            ..self
        }
    }
}
