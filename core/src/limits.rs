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
        /// The most bytes of one command header.
        header_bytes_max: usize = integer("headerBytesMax", LIMIT, "16777215");
        /// The most extension fields of one command header.
        ext_fields_max: usize = integer("extFieldsMax", LIMIT, "1024");
        /// The most bytes that one compressed registration may inflate to.
        inflated_bytes_max: usize = integer("inflatedBytesMax", LIMIT, "268435456");
        /// The most topics of one registration.
        topics_per_registration_max: usize = integer("topicsPerRegistrationMax", LIMIT, "1000000");
        /// The most bytes, estimated, of everything registered; registrations beyond this are refused.
        registry_bytes_max: usize = integer("registryBytesMax", LIMIT, "2147483648");
        /// The most open connections.
        connections_max: usize = integer("connectionsMax", LIMIT, "100000");
        /// The most requests of one connection that wait for the registry.
        forwarded_per_connection_max: usize = integer("forwardedPerConnectionMax", LIMIT, "64");
        /// Bytes of unread answers at which the server stops reading from a connection.
        output_bytes_pause: usize = integer("outputBytesPause", LIMIT, "262144");
        /// Bytes of unread answers at which the server closes a connection.
        output_bytes_max: usize = integer("outputBytesMax", LIMIT, "67108864");
        /// The most bytes of unread answers of all connections; one that needs more than is left is closed.
        unread_output_bytes_max: usize = integer("unreadOutputBytesMax", LIMIT, "268435456");
        /// The most requests of all connections that wait for the registry.
        registry_queue_requests_max: usize = integer("registryQueueRequestsMax", LIMIT, "10000");
        /// The most bytes of all requests that wait for the registry.
        registry_queue_bytes_max: usize = integer("registryQueueBytesMax", LIMIT, "268435456");
        /// The most bytes of all incomplete requests; one connection may hold as many as are left.
        incomplete_input_bytes_max: usize = integer("incompleteInputBytesMax", LIMIT, "1073741824");
        /// The most seconds that one request may take to arrive.
        frame_time_max: Duration = seconds("frameSecondsMax", LIMIT, "120");
        /// The most bytes of all KV entries.
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
