//! A server that is killed, or whose disk fails, at each system call of a save: `strace` does it from outside.

mod snapshot;
mod trace;

pub use snapshot::{Routes, disturb_snapshots};

use crate::peer::{Peer, get, put};
use crate::process::{Folder, KV_FILE, Process};
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use trace::Trace;

/// How the file is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A new file takes its name.
    Replace,
    /// It is written in place, since it has two names.
    InPlace,
}

impl Way {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Replace, Self::InPlace];

    /// What the saver asks the system for.
    fn calls(self) -> impl Iterator<Item = &'static str> {
        match self {
            Self::Replace => "statx openat flock flistxattr fchmod pwrite64 fsync unlink linkat rename close",
            Self::InPlace => {
                "statx openat flock lseek read flistxattr fchmod pwrite64 fsync ftruncate unlink rename close"
            }
        }
        .split(' ')
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replace => "replaced",
            Self::InPlace => "written in place",
        })
    }
}

/// What happens at a system call, as `strace` calls it.
const TROUBLES: [&str; 4] = ["signal=KILL", "error=EIO", "error=ENOSPC", "error=EACCES"];

/// A save makes none of them as often.
const TIMES_MAX: usize = 50;

/// What file systems do not know or do not allow, at each call: what is said, and whether the usual way still works.
const LIMITED_FILE_SYSTEMS: [(&str, bool); 9] = [
    ("fsync:error=EINVAL", true),
    ("fsync:error=ENOSYS", true),
    ("flock:error=ENOSYS", true),
    ("flistxattr:error=EOPNOTSUPP", true),
    ("linkat:error=EPERM", true),
    ("fchmod:error=EPERM", false),
    ("rename:error=EBUSY", false),
    ("rename:error=EXDEV", false),
    ("rename:error=EINVAL", false),
];

/// What became of all saves that were disturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Servers that were killed.
    pub killed: usize,
    /// Changes that were refused.
    pub refused: usize,
    /// Changes that were answered with success all the same.
    pub saved: usize,
}

/// Whether `strace` is there and may be used; if not, what it says.
///
/// # Errors
/// One line for people.
pub fn probe() -> Result<(), String> {
    let status = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err("strace may not watch processes here".to_owned()),
        Err(error) => Err(format!("strace is missing: {error}")),
    }
}

/// Disturbs a save of a server at one system call after the other, in each way, until a save has no more of them.
///
/// # Panics
/// Something that was answered is lost, something that was refused is there, a file is torn, or a server does not go
/// on.
pub fn disturb_saves(binary: &Path, way: Way) -> Tally {
    let mut tally = Tally::default();
    for (trouble, call) in TROUBLES.iter().flat_map(|trouble| way.calls().map(move |call| (trouble, call))) {
        let disturbed =
            (1..TIMES_MAX).take_while(|time| disturb(binary, way, trouble, (call, *time), &mut tally)).count();
        assert!(disturbed + 1 < TIMES_MAX, "{trouble}: a save calls {call} without end");
        assert!(disturbed > 0, "{trouble}: a save does not call {call}");
    }
    tally
}

/// Saves on file systems that lack something, as they answer: every change is kept, and nothing lies about.
///
/// # Panics
/// A change is refused or lost.
pub fn save_on_limited_file_systems(binary: &Path) {
    for (disturbance, is_usual) in LIMITED_FILE_SYSTEMS {
        let server = start(binary, Way::Replace);
        let trace = Trace::start(&server, KV_FILE, &format!("inject={disturbance}"));
        let mut peer = Peer::connect(&server);
        for key in ["new", "newer"] {
            let answer = peer.ask(&put("n", key, "v"));
            assert_eq!(answer.code, 0, "{disturbance}: {:?}", answer.remark);
        }
        assert!(trace.end(), "{disturbance}: a save does not call it");
        if is_usual {
            assert!(!server.log().contains("changes are written in place"), "{disturbance}: {}", server.log());
        } else {
            server.eventually(|| server.log().contains("changes are written in place"));
        }
        let server = server.restart(binary);
        assert_nothing_lies_about(&server, disturbance);
        let mut peer = Peer::connect(&server);
        for key in ["old", "older", "new", "newer"] {
            assert_eq!(peer.ask(&get("n", key)).code, 0, "{disturbance}: {key}");
        }
    }
}

/// A server with a KV file that has entries.
fn start(binary: &Path, way: Way) -> Process {
    let folder = Folder::plain();
    if way == Way::InPlace {
        fs::write(folder.path(KV_FILE), r#"{"configTable":{}}"#).expect("a file");
        fs::hard_link(folder.path(KV_FILE), folder.path("second")).expect("a second name");
    }
    let server = folder.start(binary);
    for key in ["old", "older"] {
        assert_eq!(Peer::connect(&server).ask(&put("n", key, "v")).code, 0);
    }
    server
}

/// Disturbs one save at a system call that it makes for that many times; false: it does not.
fn disturb(binary: &Path, way: Way, trouble: &str, (call, time): (&str, usize), tally: &mut Tally) -> bool {
    let what = format!("{way}: {trouble} at {call} {time}");
    let mut server = start(binary, way);
    let trace = Trace::start(&server, KV_FILE, &format!("inject={call}:{trouble}:when={time}"));
    let mut peer = Peer::connect(&server);
    let sent = peer.try_write(&put("n", "new", "v").encode());
    let answer = sent.ok().and_then(|()| peer.next()).map(|answer| answer.code);
    if answer.is_none() {
        // strace waits for the end of what it watches.
        server.kill();
    }
    let disturbed = trace.end() || answer.is_none();
    match answer {
        None => tally.killed += 1,
        Some(0) => tally.saved += usize::from(disturbed),
        Some(code) => {
            assert_eq!(code, 1, "{what}");
            tally.refused += 1;
            assert_eq!(peer.ask(&get("n", "new")).code, 22, "{what}: it is applied nowhere");
        }
    }
    // One that was refused must not be in the file either: half of the servers are killed before they save again.
    let saves_again = answer.is_some() && time % 2 == 0;
    if saves_again {
        assert_eq!(peer.ask(&put("n", "next", "v")).code, 0, "{what}: the next save works");
    }
    server.kill();
    let server = server.restart(binary);
    assert_nothing_lies_about(&server, &what);
    let mut peer = Peer::connect(&server);
    for key in ["old", "older"].into_iter().chain(saves_again.then_some("next")) {
        assert_eq!(peer.ask(&get("n", key)).code, 0, "{what}: {key} was answered");
    }
    if let Some(code) = answer {
        assert_eq!(peer.ask(&get("n", "new")).code == 0, code == 0, "{what}: answered with {code}");
    }
    assert_eq!(peer.ask(&put("n", "last", "v")).code, 0, "{what}");
    disturbed
}

/// A server that started on what another one left has tidied up.
fn assert_nothing_lies_about(server: &Process, what: &str) {
    server.folder().assert_tidy(what);
    let contents = fs::read(server.folder().path(KV_FILE)).expect("the KV file");
    assert!(contents.starts_with(b"{") && contents.ends_with(b"}") && !contents.contains(&0), "{what}: {contents:?}");
}
