//! A running `strace`, which disturbs what a server does with a file.

use crate::process::Process;
use crate::stream::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

/// A running `strace`.
pub(super) struct Trace {
    child: Child,
    output: PathBuf,
}

impl Trace {
    /// Watches what a server does with a file of its folder, and disturbs it.
    pub(super) fn start(server: &Process, file: &str, disturbance: &str) -> Self {
        let output = server.folder().path("trace");
        let mut command = Command::new("strace");
        command.args(["-f", "-p", &server.id().to_string(), "-o"]).arg(&output);
        command.args(["-e", disturbance]);
        for suffix in ["", ".namesrv.new", ".namesrv.old", ".bak"] {
            command.arg("-P").arg(server.folder().path(&format!("{file}{suffix}")));
        }
        let path = server.folder().path(file);
        command.args(path.parent().into_iter().flat_map(|folder| [OsStr::new("-P"), folder.as_os_str()]));
        let mut child = command.stderr(Stdio::piped()).spawn().expect("strace runs");
        let attached = BufReader::new(child.stderr.take().expect("standard error is piped")).lines();
        // It goes on to be read, so that strace never waits.
        let (sender, receiver) = channel();
        thread::spawn(move || attached.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        while !receiver.recv_timeout(PATIENCE).expect("strace attaches to all threads").contains("attached") {}
        Self { child, output }
    }

    /// Ends it; whether it did something but watch.
    pub(super) fn end(mut self) -> bool {
        // It fails when there is nothing to be watched any more.
        let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
        self.child.wait().expect("a child of ours");
        fs::read_to_string(&self.output).expect("the trace can be read").contains("(INJECTED)")
    }
}
