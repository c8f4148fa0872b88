//! Everything that can happen in the simulated world: what arrives, what processes do, and what goes wrong.

use super::agenda::Time;
use super::disk::Health;
use super::network::{ProcessId, Socket};
use namesrv_core::ConnId;

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    /// The next part that an end sent is due at the other end.
    Arrive(Socket),
    /// An end gives up the connection if nothing has got through since then.
    GiveUp(Socket, Time),
    /// A process does something, unless it has ended since: the number is that of its life.
    Task(ProcessId, u32, Task),
    Fault(Fault),
}

/// Something that a process does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    /// Something arrived.
    Socket(Socket),
    Server(Chore),
    Peer(Duty),
}

/// Work of a NameServer that is not about a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chore {
    /// The registry thread takes a batch of inputs, ticks, and carries the outputs out.
    Registry,
    /// The registry thread wakes up for a deadline.
    Alarm,
    /// An I/O thread reads its inbox.
    Inbox(usize),
    /// An I/O thread drives a connection.
    Drive(ConnId),
    /// The I/O threads look at their deadlines.
    Tick,
    /// The saver has saved a file.
    Save,
}

/// Something that a peer does on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Opens missing connections, and closes those over which an answer is missing.
    Probe,
    /// A broker that has just started sends its whole table.
    RegisterFirst,
    /// A broker sends its whole table, again and again.
    Register,
    /// A broker sends a heartbeat.
    Heartbeat,
    /// A broker asks for all clusters and groups.
    ClusterInfo,
    /// Something changes in the table of a broker.
    ChangeTopics,
    /// A client asks for routes.
    Poll,
    /// An administrator does something.
    Administer,
    /// A stranger sends nonsense.
    Annoy,
    /// The process ends in good order.
    Exit,
}

/// Something that goes wrong, or is good again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The next random fault of this unrest.
    Any(u32),
    /// A connection is reset.
    Reset(u64),
    /// One end of a connection closes it in good order.
    Close(u64),
    /// Something on the way forgets a connection: both ends go on believing in it.
    Forget(u64),
    CutSites(usize, usize),
    HealSites(usize, usize),
    CutPath(ProcessId, ProcessId),
    HealPath(ProcessId, ProcessId),
    Pause(ProcessId),
    Resume(ProcessId),
    Kill(ProcessId),
    /// The whole host is gone, and closes no connection.
    Vanish(ProcessId),
    Start(ProcessId),
    /// A broker unregisters and ends.
    Leave(ProcessId),
    /// A broker has another address from now on, over the connections that it has.
    Move(ProcessId),
    /// A slave is the master of its group, or believes so.
    Promote(ProcessId, bool),
    /// The member of a group that wrongly claims to be its master learns it.
    Depose(usize),
    /// All brokers end at once.
    KillBrokers,
    /// The wall clock of a server jumps.
    StepClock(usize, i64),
    Disk(usize, Health),
    SlowDisk(usize, Time),
    /// Every part takes up to so many milliseconds.
    Delay(Time),
    /// A server tells newer clients to go away.
    ShutDown(usize),
    /// The files of TLS of a server change.
    RenewCertificates(usize),
}
