//! A server binary under test: started as a user starts it, with a configuration file and a folder of its own, talked
//! to over sockets, killed in the end.

use crate::environment::clear;
use crate::stream::{PATIENCE, be_patient};
use crate::tls::{Version, relay};
use nix::errno::Errno;
use nix::sys::ptrace;
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::fs::{self, DirEntry};
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long to wait before something is looked at again.
const PAUSE: Duration = Duration::from_millis(5);

/// Name of the configuration file.
pub const CONFIG: &str = "namesrv.properties";

/// Name of the file beside it that keeps changes made at run time.
pub const RUNTIME_CONFIG: &str = "namesrv.properties.runtime";

/// Name of the KV file.
pub const KV_FILE: &str = "kvConfig.json";

/// Name of the folder that [`Folder::with_disk`] mounts something on.
pub const DISK: &str = "disk";

/// The command that lets another one mount what only it sees.
const NAMESPACE: &[&str] = &["unshare", "--user", "--map-root-user", "--mount"];

/// Name of the file that standard error goes to.
const LOG: &str = "log";

/// The folder of one server: its configuration, its KV file, its log. It goes with this value.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
    /// The command that starts the server, as far as it is not the server itself.
    wrapper: Vec<String>,
    /// What a shell does before it becomes the server.
    preludes: Vec<String>,
    /// Sockets that the server is started with, with their names.
    sockets: Vec<(&'static str, OwnedFd)>,
}

/// A running server binary.
#[derive(Debug)]
pub struct Process {
    child: Child,
    address: SocketAddr,
    folder: Folder,
    /// Connections speak it; `None` is plain text.
    tls: Option<Version>,
}

/// How a server ended that was not meant to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Exit status; absent when a signal ended it.
    pub code: Option<i32>,
    /// All of standard error.
    pub stderr: String,
}

impl Folder {
    /// A folder with a configuration file that has these entries, after three that make the server keep to itself: it
    /// listens on a free port of the loopback address and keeps its KV file here.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(properties: &[(K, V)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = Self { folder, wrapper: Vec::new(), preludes: Vec::new(), sockets: Vec::new() };
        let kv = folder.path(KV_FILE);
        let mut text = format!("listenPort=0\nbindAddress=127.0.0.1\nkvConfigPath={}\n", kv.display());
        for (key, value) in properties {
            writeln!(text, "{}={}", key.as_ref(), value.as_ref()).expect("memory takes everything");
        }
        fs::write(folder.path(CONFIG), text).expect("the configuration file can be written");
        folder
    }

    /// A folder whose configuration file has those three entries and no other.
    pub fn plain() -> Self {
        Self::new::<&str, &str>(&[])
    }

    /// Names of the files in it.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("the folder can be read");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    /// Nothing lies about that a save leaves when it is disturbed.
    pub fn assert_tidy(&self, what: &str) {
        let names = self.names();
        assert!(!names.iter().any(|name| name.contains(".namesrv.")), "{what}: {names:?}");
    }

    /// The server that is started here may have so many files open.
    pub fn with_open_files_max(self, files: u32) -> Self {
        self.with_limit('n', files.into())
    }

    /// The server that is started here may need so many KiB of memory for its data; the kernel refuses more.
    pub fn with_memory_max(self, kib: u64) -> Self {
        self.with_limit('d', kib)
    }

    /// No file that the server writes may be longer than so many units of `ulimit -f`, of 512 or 1024 bytes.
    pub fn with_file_units_max(self, units: u64) -> Self {
        self.with_limit('f', units)
    }

    fn with_limit(mut self, option: char, value: u64) -> Self {
        self.preludes.push(format!("ulimit -{option} {value}"));
        self
    }

    /// The server that is started here has a disk of its own under the name `disk`, mounted with these options, which
    /// goes with it.
    pub fn with_disk(mut self, options: &str) -> Self {
        let disk = self.path(DISK);
        fs::create_dir(&disk).expect("a folder");
        self.preludes.push(format!("mount -t tmpfs -o {options} tmpfs '{}'", disk.display()));
        self.with_wrapper(NAMESPACE)
    }

    /// Mounts what a shell in this folder mounts, at each start, in a namespace that goes with the server. Loop devices
    /// need the `root` of the machine.
    pub fn with_mounts(mut self, commands: &str, needs_root: bool) -> Self {
        self.preludes.push(format!("cd '{}' && {commands} && cd /", self.folder.path().display()));
        self.with_wrapper(if needs_root { &["unshare", "--mount"] } else { NAMESPACE })
    }

    /// A shell does this before it becomes the server.
    pub fn with_prelude(mut self, commands: &str) -> Self {
        self.preludes.push(commands.to_owned());
        self
    }

    /// Mounts it without starting a server.
    ///
    /// # Errors
    /// What the commands say where the machine does not allow it.
    pub fn try_mounts(&self) -> Result<(), String> {
        let script = self.preludes.join(" && ");
        let words: Vec<_> = self.wrapper.iter().map(String::as_str).chain(["sh", "-c", &script]).collect();
        run(Command::new(words[0]).args(&words[1..]))
    }

    /// Runs a shell in this folder.
    ///
    /// # Errors
    /// What the commands say.
    pub fn run_in_folder(&self, commands: &str) -> Result<(), String> {
        run(Command::new("sh").args(["-c", commands]).current_dir(self.folder.path()))
    }

    /// Another command starts the server that is started here, as one that watches it.
    pub fn with_wrapper<W: AsRef<str>>(mut self, words: &[W]) -> Self {
        self.wrapper.extend(words.iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// The server that is started here gets one or two sockets, as systemd passes those of a socket unit.
    pub fn with_sockets(mut self, sockets: Vec<(&'static str, OwnedFd)>) -> Self {
        // They come to the shell as standard input and standard error, and go on to the server under the numbers that
        // it looks for.
        let log = self.path(LOG);
        let redirections = ["exec 3<&0 </dev/null".to_owned(), format!("exec 4>&2 2>>'{}'", log.display())];
        self.preludes.extend(redirections.into_iter().take(sockets.len()));
        let names = sockets.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(":");
        let count = sockets.len();
        self.preludes.push(format!("export LISTEN_PID=$$ LISTEN_FDS={count} LISTEN_FDNAMES='{names}'"));
        self.sockets = sockets;
        self
    }

    /// Adds an entry to the configuration file.
    pub fn with_property(self, key: &str, value: &str) -> Self {
        let path = self.path(CONFIG);
        let text = fs::read_to_string(&path).expect("the configuration file can be read");
        fs::write(path, format!("{text}{key}={value}\n")).expect("the configuration file can be written");
        self
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a server that was started here wrote to its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path(LOG)).unwrap_or_default()
    }

    /// Starts a binary on its files and waits until it says that it is up.
    pub fn start(self, binary: &Path) -> Process {
        let mut child = self.spawn(binary);
        let lines = lines_of(child.stdout.take().expect("standard output is piped"));
        let port = boot_port(&lines);
        let mut process =
            Process { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), folder: self, tls: None };
        match port {
            Some(port) => process.address.set_port(port),
            None => panic!("{} does not come up: {}", binary.display(), process.log()),
        }
        process
    }

    /// Starts a binary that is not meant to come up and waits for its end.
    pub fn refusal(&self, binary: &Path) -> Refusal {
        let mut child = self.spawn(binary);
        let lines = lines_of(child.stdout.take().expect("standard output is piped"));
        if boot_port(&lines).is_some() {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server starts: {}", self.log());
        }
        let status = ended(&mut child).unwrap_or_else(|| panic!("the server does not end: {}", self.log()));
        Refusal { code: status.code(), stderr: self.log() }
    }

    fn spawn(&self, binary: &Path) -> Child {
        let log = fs::File::create(self.path(LOG)).expect("the log can be written");
        let script: String = self.preludes.iter().map(|prelude| format!("{prelude} && ")).collect();
        let script = format!("{script}exec \"$0\" \"$@\"");
        let words = self.wrapper.iter().map(String::as_str).chain(["sh", "-c", &script]).collect::<Vec<_>>();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(binary);
        command.arg("-c").arg(self.path(CONFIG)).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut sockets = self.sockets.iter().map(|(_, socket)| socket.try_clone().expect("a descriptor"));
        if let Some(first) = sockets.next() {
            command.stdin(first);
        }
        if let Some(second) = sockets.next() {
            command.stderr(second);
        }
        clear(&mut command);
        command.spawn().unwrap_or_else(|error| panic!("{}: {error}", binary.display()))
    }
}

impl Process {
    /// Kills it and starts a binary on the files that it leaves.
    pub fn restart(mut self, binary: &Path) -> Self {
        self.kill();
        std::mem::replace(&mut self.folder, Folder::plain()).start(binary)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its files are.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// What it wrote to its log so far.
    pub fn log(&self) -> String {
        self.folder.log()
    }

    /// Its log, once that has all of the start: lines are written by a thread of their own.
    pub fn log_of_start(&self) -> String {
        self.eventually(|| self.log().contains("The Name Server boot success."));
        self.log()
    }

    /// Opens a connection to it.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server accepts");
        be_patient(&stream);
        self.over_tls(stream)
    }

    /// A connection that was just opened, or a plain socket to what is said over it if connections speak TLS.
    pub(crate) fn over_tls(&self, stream: TcpStream) -> TcpStream {
        let Some(version) = self.tls else { return stream };
        let stream = relay(stream, version);
        be_patient(&stream);
        stream
    }

    /// Has connections speak TLS from now on, or plain text.
    pub const fn over(mut self, tls: Option<Version>) -> Self {
        self.tls = tls;
        self
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the signal can be sent");
    }

    /// Sends it a signal that may have no name, and lets it go on if that stopped it.
    pub fn signal_number(&self, number: u32) {
        let script = format!("kill -{number} {id} && kill -CONT {id}", id = self.id());
        let status = Command::new("sh").args(["-c", &script]).status();
        assert!(status.is_ok_and(|status| status.success()), "{script}");
    }

    /// Sends it SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until something is so.
    pub fn eventually(&self, mut condition: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < end, "it does not happen: {}", self.log());
            thread::sleep(PAUSE);
        }
    }

    /// Waits until it ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        ended(&mut self.child).unwrap_or_else(|| panic!("the server does not end: {}", self.log()))
    }

    /// KiB of memory that are really in use.
    pub fn resident_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most KiB of memory that were in use at one time.
    pub fn peak_kib(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// Threads.
    pub fn threads(&self) -> u64 {
        self.status("Threads:")
    }

    /// A file on the disk that only the server sees.
    pub fn path_on_disk(&self, name: &str) -> PathBuf {
        self.path_of_its_own(&format!("{DISK}/{name}"))
    }

    /// A file in its folder, as the server sees it.
    pub fn path_of_its_own(&self, name: &str) -> PathBuf {
        let path = self.folder.path(name);
        let below_root = path.strip_prefix("/").unwrap_or(&path);
        Path::new(&format!("/proc/{}/root", self.child.id())).join(below_root)
    }

    /// Files, sockets and the like that it has open.
    pub fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("the process is there").count()
    }

    /// Stops all of its threads, until it is continued by a signal.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        let threads = format!("/proc/{}/task", self.child.id());
        let is_stopped = |thread: io::Result<DirEntry>| {
            let path = thread.expect("the process is there").path().join("stat");
            fs::read_to_string(path).expect("the thread is there").contains(") T ")
        };
        self.eventually(|| fs::read_dir(&threads).expect("the process is there").all(is_stopped));
    }

    /// Stops one of its threads, until the value that is returned goes; all others go on. It has to go before the
    /// process, which would not end.
    ///
    /// # Errors
    /// The machine lets no process trace the threads of another one.
    pub(crate) fn stop_thread(&self, name: &str) -> Result<StoppedThread, Errno> {
        let mut threads = fs::read_dir(format!("/proc/{}/task", self.id())).expect("the process is there");
        let path = threads.find_map(|thread| {
            let path = thread.expect("a thread").path();
            fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim_end() == name).then_some(path)
        });
        let path = path.unwrap_or_else(|| panic!("there is no thread {name}"));
        let number = path.file_name().and_then(|number| number.to_str()?.parse().ok()).expect("a number");
        let number = nix::unistd::Pid::from_raw(number);
        ptrace::seize(number, ptrace::Options::empty())?;
        let thread = StoppedThread(number);
        ptrace::interrupt(number).expect("the thread is there");
        self.eventually(|| fs::read_to_string(path.join("stat")).expect("the thread is there").contains(") t "));
        Ok(thread)
    }

    /// How many bytes it has not read yet, of each connection.
    pub(crate) fn unread_bytes(&self) -> Vec<usize> {
        let port = format!(":{:04X}", self.address().port());
        let unread = |socket: &str| {
            let fields: Vec<_> = socket.split_whitespace().collect();
            let [_, local, _, _, queues, ..] = fields[..] else { return None };
            let (_, queue) = queues.split_once(':').filter(|_| local.ends_with(&port))?;
            usize::from_str_radix(queue, 16).ok()
        };
        fs::read_to_string("/proc/net/tcp").expect("the kernel lists sockets").lines().filter_map(unread).collect()
    }

    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the process is there");
        let value = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel tells");
        value.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
    }
}

/// A thread that stands still until this value goes.
#[derive(Debug)]
pub(crate) struct StoppedThread(nix::unistd::Pid);

impl Drop for StoppedThread {
    fn drop(&mut self) {
        let _ = ptrace::detach(self.0, None);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether servers can have disks of their own here: not every machine lets everybody mount something.
pub fn can_mount() -> bool {
    let mount = ["sh", "-c", "mount -t tmpfs tmpfs /tmp"];
    let mut command = Command::new(NAMESPACE[0]);
    command.args(&NAMESPACE[1..]).args(mount).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")),
        Err(error) => Err(error.to_string()),
    }
}

/// Waits for the end of a process; none when it does not end.
pub(crate) fn ended(child: &mut Child) -> Option<ExitStatus> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return Some(status);
        }
        thread::sleep(PAUSE);
    }
    None
}

/// The lines of a pipe, read by a thread of its own until its end.
pub(crate) fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // Nobody listens any more after the boot line; the pipe is read on so that the server never waits for us.
            let _ = sender.send(line);
        }
    });
    receiver
}

/// The port that the boot line names.
pub(crate) fn boot_port(lines: &Receiver<String>) -> Option<u16> {
    let end = Instant::now() + PATIENCE;
    loop {
        let line = lines.recv_timeout(end.saturating_duration_since(Instant::now())).ok()?;
        if line.starts_with("The Name Server boot success.") {
            return line.rsplit(':').next()?.trim().parse().ok();
        }
    }
}
