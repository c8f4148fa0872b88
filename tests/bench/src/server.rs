//! A running server: started on a free loopback port, observed, paused, and killed in the end.

use crate::contender::Contender;
use crate::host;
use crate::measure::{Memory, Processor};
use crate::one_line::one_line;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take until it listens.
const START_MAX: Duration = Duration::from_secs(60);
/// How often a starting server is checked.
const ASK_EVERY: Duration = Duration::from_micros(100);

/// A running server.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
    started_in: Duration,
}

impl ServerProcess {
    /// Starts a server and waits until it listens. `answer_bytes` is the length of an echo server's answers.
    ///
    /// # Errors
    /// The server does not start. The error has the end of its log.
    pub fn start(contender: &Contender, answer_bytes: usize, pinning: Option<&host::Pinning>) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = contender.command(port, folder.path(), answer_bytes)?;
        let log = fs::File::create(folder.path().join("log"))?;
        // A process group of its own: Ctrl-C is for this program only.
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let began = Instant::now();
        let child = spawn(&mut command, pinning).with_context(|| format!("cannot start {}", contender.name))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut server = Self { child, address, folder, started_in: Duration::ZERO };
        while TcpStream::connect(address).is_err() {
            if began.elapsed() > START_MAX || server.child.try_wait()?.is_some() {
                bail!("{} does not start: {}", contender.name, server.log());
            }
            thread::sleep(ASK_EVERY);
        }
        server.started_in = began.elapsed();
        Ok(server)
    }

    /// Returns the address that it listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the time from the start of the process until it accepted a connection.
    pub const fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Returns the processor time that it used so far.
    pub fn processor(&self) -> Result<Processor> {
        Processor::read([self.pid()])
    }

    /// Pins each I/O thread to a processor of its own.
    ///
    /// # Errors
    /// The server is gone, or there is no such processor.
    pub fn spread_io_threads(&self, processors: &[usize]) -> Result<()> {
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid().as_raw_nonzero()))? {
            let folder = thread?.path();
            let name = fs::read_to_string(folder.join("comm"))?;
            let number = name.trim_end().strip_prefix("io-").and_then(|number| number.parse::<usize>().ok());
            let id = folder.file_name().and_then(|id| Pid::from_raw(id.to_string_lossy().parse().ok()?));
            if let Some(processor) = number.and_then(|number| processors.get(number)) {
                host::pin_thread(id, &[*processor])?;
            }
        }
        Ok(())
    }

    /// Returns its memory.
    pub fn memory(&self) -> Result<Memory> {
        Memory::read(self.pid())
    }

    /// Pauses the process, so that it does not disturb others.
    pub fn pause(&self) {
        // This fails only if the server is gone, which shows later.
        let _ = kill_process(self.pid(), Signal::STOP);
    }

    /// Resumes the process.
    pub fn resume(&self) {
        let _ = kill_process(self.pid(), Signal::CONT);
    }

    /// Returns the last line that it printed, without the path of its files.
    pub fn log(&self) -> String {
        let text = fs::read(self.folder.path().join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).replace(&*self.folder.path().to_string_lossy(), "");
        text.lines().rev().map(one_line).find(|line| !line.is_empty()).unwrap_or_default()
    }

    /// Returns its process ID.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a process. It inherits the processors of the thread that starts it.
fn spawn(command: &mut Command, pinning: Option<&host::Pinning>) -> Result<Child> {
    let Some(pinning) = pinning else { return Ok(command.spawn()?) };
    host::pin(&pinning.server)?;
    let child = command.spawn();
    host::pin(&pinning.load)?;
    Ok(child?)
}
