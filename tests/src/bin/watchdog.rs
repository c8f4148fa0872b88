//! Measures how long a server that hangs stays: stops one of its I/O threads, and takes the part of systemd, which
//! restarts a server that has not fed its watchdog for `WatchdogSec=`.

use namesrv_tests::process::{Folder, Process};
use nix::sys::ptrace::{Options, detach, interrupt, seize};
use nix::unistd::Pid;
use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The I/O thread that is stopped.
const THREAD: &str = "io-0";
/// How often it hangs: at different times after the watchdog was fed.
const RUNS: u32 = 4;
/// How long is waited at once: the kernel may end a longer wait seconds late.
const LOOK: Duration = Duration::from_millis(500);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let ([binary] | [binary, _]) = arguments.as_slice() else {
        writeln!(io::stderr(), "usage: watchdog BINARY [SECONDS OF WatchdogSec=]")?;
        return Ok(ExitCode::FAILURE);
    };
    let watchdog = Duration::from_secs(arguments.get(1).map_or(Ok(30), |seconds| seconds.parse())?);
    let manager = Manager::start(watchdog)?;
    for run in 0..RUNS {
        let server = manager.start_server(Path::new(binary))?;
        let fed = manager.next(None, "WATCHDOG=1")?.ok_or("the watchdog is never fed")?;
        // The watchdog is fed twice in its time.
        let hung = fed + watchdog / 2 * run / RUNS;
        std::thread::sleep(hung.saturating_duration_since(Instant::now()));
        let thread = stop_thread(&server)?;
        let hung = Instant::now();
        let mut last = fed;
        while let Some(at) = manager.next(Some(last + watchdog), "WATCHDOG=1")? {
            last = at;
        }
        let given_up = Instant::now();
        // A process that is watched would not end.
        detach(thread, None)?;
        drop(server);
        let _server = manager.start_server(Path::new(binary))?;
        writeln!(
            io::stdout(),
            "{THREAD} hangs {:.1} s after the watchdog was fed: the last feed is {:+.1} s from then, the end after \
             {:.1} s, the next server is up {:.3} s later",
            (hung - fed).as_secs_f64(),
            last.saturating_duration_since(hung).as_secs_f64() - hung.saturating_duration_since(last).as_secs_f64(),
            (given_up - hung).as_secs_f64(),
            given_up.elapsed().as_secs_f64(),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The part of systemd.
struct Manager {
    folder: tempfile::TempDir,
    socket: UnixDatagram,
    watchdog: Duration,
}

impl Manager {
    fn start(watchdog: Duration) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let socket = UnixDatagram::bind(folder.path().join("notify"))?;
        Ok(Self { folder, socket, watchdog })
    }

    /// Starts a server, and waits until it is up.
    fn start_server(&self, binary: &Path) -> Result<Process, Box<dyn Error>> {
        let notify = format!("NOTIFY_SOCKET={}", self.folder.path().join("notify").display());
        let watchdog = format!("WATCHDOG_USEC={}", self.watchdog.as_micros());
        let server = Folder::new(&[("ioThreads", "2")]).with_wrapper(&["env", &notify, &watchdog]).start(binary);
        self.next(None, "READY=1")?.ok_or("the server is never ready")?;
        Ok(server)
    }

    /// When the next message with this line comes; `None` if none does until then.
    fn next(&self, until: Option<Instant>, line: &str) -> io::Result<Option<Instant>> {
        loop {
            let left = until.map_or(LOOK, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(None);
            }
            self.socket.set_read_timeout(Some(left.min(LOOK)))?;
            let mut buffer = [0; 4096];
            let length = match self.socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => continue,
                Err(error) => return Err(error),
            };
            if String::from_utf8_lossy(&buffer[..length]).lines().any(|told| told == line) {
                return Ok(Some(Instant::now()));
            }
        }
    }
}

/// Stops one thread for good; all others go on.
fn stop_thread(server: &Process) -> Result<Pid, Box<dyn Error>> {
    for task in fs::read_dir(format!("/proc/{}/task", server.id()))? {
        let task = task?;
        if fs::read_to_string(task.path().join("comm"))?.trim_end() == THREAD {
            let thread = Pid::from_raw(task.file_name().to_string_lossy().parse()?);
            seize(thread, Options::empty())?;
            interrupt(thread)?;
            return Ok(thread);
        }
    }
    Err(format!("there is no thread {THREAD}").into())
}
