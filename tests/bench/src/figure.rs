//! What can be measured of a server.

use serde::{Deserialize, Serialize};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Processor seconds of the server for 100,000 requests.
    CpuPer100k,
    /// Requests per second.
    Rate,
    /// Median latency, microseconds.
    P50,
    /// 99 % of the latencies are at most this, microseconds.
    P99,
    /// 99.9 % of the latencies are at most this, microseconds.
    P999,
    /// Fraction of the time in which the server was on a processor.
    ServerShare,
    /// Fraction of the time in which the load generator was on a processor.
    LoadShare,
    /// 99 % of the requests were sent at most this late, microseconds.
    Lateness,
    /// From the first byte of a registration that changes all of its topics until its answer, milliseconds.
    ChangeMillis,
    /// From the start of the process until it listens, milliseconds.
    StartMillis,
    /// Memory of a server without brokers, including its program, MiB.
    IdleResident,
    /// Allocated memory of a server without brokers, MiB.
    IdleAnonymous,
    /// Number of open connections.
    Connections,
    /// Allocated memory per connection, KiB.
    ConnectionKib,
    /// From the first of many simultaneous connections until all were accepted and answered, milliseconds.
    ConnectMillis,
    /// From the return of all brokers at once until the last of them was answered, milliseconds.
    ReturnMillis,
    /// From the return of all brokers at once until a route named all of them, milliseconds.
    WholeMillis,
    /// Number of processors that the server keeps busy, at the speed of a real cluster.
    Cores,
    /// Memory after a run, including the program, MiB.
    Resident,
    /// Time until a repeated registration is answered, milliseconds.
    RepeatMillis,
    /// Processor time of the server for a repeated registration, milliseconds.
    RepeatCpuMillis,
    /// Processor time of a digest of that registration, computed by the load generator, milliseconds.
    DigestMillis,
    /// Processor time of the server for a registration that changes all topics, milliseconds.
    ChangeCpuMillis,
}
