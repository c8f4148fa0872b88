//! Limits that are small enough for a fuzzer to reach.

use namesrv_core::config::Limits;

/// Limits that are small enough for a fuzzer to reach.
pub(super) fn limits() -> Limits {
    Limits {
        frame_bytes_max: 64 * 1024,
        header_bytes_max: 2048,
        ext_fields_max: 12,
        inflated_bytes_max: 16 * 1024,
        topics_per_registration_max: 24,
        forwarded_per_connection_max: 3,
        output_bytes_pause: 1024,
        kv_bytes_max: 256,
        ..Limits::default()
    }
}
