//! A server that is killed, or whose disk fails, at each system call of a save: `strace` does it from outside.

use crate::peer::{Peer, get, put};
use crate::process::{Folder, KV_FILE, PATIENCE, Process};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

/// What the saver asks the system for.
const CALLS: [&str; 11] =
    ["readlink", "statx", "mkdir", "unlink", "linkat", "rename", "openat", "fchmod", "write", "fsync", "close"];

/// What happens at a system call, as `strace` calls it.
const TROUBLES: [&str; 4] = ["signal=KILL", "error=EIO", "error=ENOSPC", "error=EACCES"];

/// A save makes none of them as often.
const TIMES_MAX: usize = 50;

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
/// Something that was answered is lost, a file is torn, or a server does not go on.
#[must_use]
pub fn disturb_saves(binary: &Path) -> Tally {
    let mut tally = Tally::default();
    for (trouble, call) in TROUBLES.iter().flat_map(|trouble| CALLS.map(|call| (trouble, call))) {
        let disturbed = (1..TIMES_MAX).take_while(|time| disturb(binary, trouble, (call, *time), &mut tally)).count();
        assert!(disturbed + 1 < TIMES_MAX, "{trouble}: a save calls {call} without end");
        assert!(disturbed > 0, "{trouble}: a save does not call {call}");
    }
    tally
}

/// Disturbs one save at a system call that it makes for that many times; false: it does not.
fn disturb(binary: &Path, trouble: &str, (call, time): (&str, usize), tally: &mut Tally) -> bool {
    let what = format!("{trouble} at {call} {time}");
    let mut server = Folder::new::<&str, &str>(&[]).start(binary);
    assert_eq!(Peer::connect(&server).ask(&put("n", "old", "v")).code, 0);
    assert_eq!(Peer::connect(&server).ask(&put("n", "older", "v")).code, 0);
    let trace = Trace::start(&server, &format!("inject={call}:{trouble}:when={time}"));
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
    if answer.is_some() {
        assert_eq!(peer.ask(&put("n", "next", "v")).code, 0, "{what}: the next save works");
    }
    server.kill();
    let server = server.restart(binary);
    let mut peer = Peer::connect(&server);
    let kept = answer == Some(0);
    let expected = ["old", "older"].into_iter().chain(kept.then_some("new")).chain(answer.map(|_| "next"));
    for key in expected {
        assert_eq!(peer.ask(&get("n", key)).code, 0, "{what}: {key} was answered");
    }
    assert_eq!(peer.ask(&put("n", "last", "v")).code, 0, "{what}");
    disturbed
}

/// A running `strace`.
struct Trace {
    child: Child,
    output: PathBuf,
}

impl Trace {
    /// Watches what a server does with its KV file, and disturbs it.
    fn start(server: &Process, disturbance: &str) -> Self {
        let output = server.folder().path("trace");
        let mut command = Command::new("strace");
        command.args(["-f", "-p", &server.id().to_string(), "-o"]).arg(&output);
        command.args(["-e", disturbance]);
        for suffix in ["", ".tmp", ".bak", ".bak.tmp"] {
            command.arg("-P").arg(server.folder().path(&format!("{KV_FILE}{suffix}")));
        }
        let kv_file = server.folder().path(KV_FILE);
        command.args(kv_file.parent().into_iter().flat_map(|folder| [OsStr::new("-P"), folder.as_os_str()]));
        let mut child = command.stderr(Stdio::piped()).spawn().expect("strace runs");
        let attached = BufReader::new(child.stderr.take().expect("standard error is piped")).lines();
        // It goes on to be read, so that strace never waits.
        let (sender, receiver) = channel();
        thread::spawn(move || attached.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        while !receiver.recv_timeout(PATIENCE).expect("strace attaches to all threads").contains("attached") {}
        Self { child, output }
    }

    /// Ends it; whether it did something but watch.
    fn end(mut self) -> bool {
        // It fails when there is nothing to be watched any more.
        let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
        self.child.wait().expect("a child of ours");
        fs::read_to_string(&self.output).expect("the trace can be read").contains("(INJECTED)")
    }
}
