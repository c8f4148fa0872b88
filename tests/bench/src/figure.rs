//! What can be measured of a server.

use serde::{Deserialize, Serialize};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Processor seconds of the server for 100,000 requests.
    CpuPer100k,
    /// Requests a second.
    Rate,
    /// Median latency, microseconds.
    P50,
    /// 99 % of the latencies are at most this, microseconds.
    P99,
    /// 99.9 % of the latencies are at most this, microseconds.
    P999,
    /// Part of the time that the server was on a processor.
    ServerShare,
    /// Part of the time that the load generator was on a processor.
    LoadShare,
    /// 99 % of the requests were sent at most so late, microseconds.
    Lateness,
    /// From the first byte of a registration that changes all of its topics until its answer, milliseconds.
    ChangeMillis,
    /// System calls of the server for each request.
    Calls,
    /// From the start of the process until it listens, milliseconds.
    StartMillis,
    /// Memory of a server that knows nothing, its program included, MiB.
    IdleResident,
    /// Allocated memory of a server that knows nothing, MiB.
    IdleAnonymous,
    /// Connections that were open.
    Connections,
    /// Allocated memory that each connection took, KiB.
    ConnectionKib,
    /// From the first of many connections at once until all were accepted and answered, milliseconds.
    ConnectMillis,
    /// From the return of all brokers at once until the last of them was answered, milliseconds.
    ReturnMillis,
    /// From the return of all brokers at once until a route named all of them, milliseconds.
    WholeMillis,
    /// Processors that the server keeps busy, at the speed of a real cluster.
    Cores,
    /// Memory after a run, the program included, MiB.
    Resident,
    /// Until a registration that repeats something is answered, milliseconds.
    RepeatMillis,
    /// Processor time of the server for a repeated registration, milliseconds.
    RepeatCpuMillis,
    /// Processor time of a digest of that registration, in the load generator, milliseconds.
    DigestMillis,
    /// Processor time of the server for a registration that changes all topics, milliseconds.
    ChangeCpuMillis,
}
