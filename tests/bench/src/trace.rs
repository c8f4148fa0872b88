//! Counts system calls of a server with strace, if that is installed.

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running strace, which slows the server down.
#[derive(Debug)]
pub struct Trace {
    child: Child,
    folder: TempDir,
}

impl Trace {
    /// Whether system calls can be counted: strace is there, and the kernel lets it attach to our processes.
    pub fn is_possible() -> bool {
        let Ok(mut sleeper) = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn() else { return false };
        let counted = Self::attach(Pid::from_child(&sleeper)).and_then(Self::finish);
        // Both fail only if it has ended already.
        let _ = sleeper.kill();
        let _ = sleeper.wait();
        counted.is_ok()
    }

    /// Begins to count.
    ///
    /// # Errors
    /// The kernel forbids it, as in many containers.
    pub fn attach(process: Pid) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-o"]).arg(folder.path().join("counts"));
        command.args(["-p", &process.as_raw_nonzero().to_string()]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let said = child.stderr.take().context("no standard error")?;
        BufReader::new(said).read_line(&mut line)?;
        let trace = Self { child, folder };
        ensure!(line.contains("attached"), "strace: {}", line.trim());
        Ok(trace)
    }

    /// Stops counting and returns the number of system calls.
    ///
    /// # Errors
    /// strace printed no total.
    pub fn finish(mut self) -> Result<u64> {
        kill_process(Pid::from_child(&self.child), Signal::INT)?;
        self.child.wait()?;
        let counts = fs::read_to_string(self.folder.path().join("counts")).context("strace counted nothing")?;
        total(&counts).context("strace printed no total")
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The fourth column of the last line.
fn total(counts: &str) -> Option<u64> {
    counts.lines().find(|line| line.ends_with(" total"))?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_is_found_with_and_without_errors() {
        let head = "% time     seconds  usecs/call     calls    errors syscall\n------ ----------- ----------- --------- --------- ------\n";
        for (line, calls) in
            [("100.00    0.001 1 1234 5 total\n", Some(1234)), ("100.00 0.001 1 77 total\n", Some(77)), ("", None)]
        {
            assert_eq!(total(&format!("{head}{line}")), calls);
        }
    }
}
