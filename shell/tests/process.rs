//! Starting and stopping from the operator's side: arguments, files, exit codes, standard output, signals.
//!
//! This test runs itself again as the server, with a runtime that serves no clients and waits for the end.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "without a harness nothing marks the functions as tests")]

use namesrv_shell::Build;
use namesrv_shell::environment::VARIABLES;
use namesrv_shell::server::{Inbox, Server, ToIo};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use tempfile::TempDir;

/// Set in the process that plays the server.
const PLAYS_SERVER: &str = "NAMESRV_TEST_PLAYS_SERVER";

macro_rules! tests {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), $name as fn())),*] };
}

fn main() -> ExitCode {
    if std::env::var_os(PLAYS_SERVER).is_some() {
        return namesrv_shell::run(Build { runtime: "test", revision: "unknown" }, serve);
    }
    let tests: &[(&str, fn())] = tests![
        questions_are_answered_without_starting,
        a_socket_is_no_file,
        a_corrupt_kv_file_is_left_alone,
        how_changes_are_kept_is_told_once,
        a_server_says_where_it_listens_and_stops_on_a_signal,
        the_log_shows_the_configuration,
        nobody_has_to_read_the_log,
        health_is_asked_for_by_command,
        an_io_thread_that_hangs_is_not_live,
        a_second_port_that_cannot_be_opened_is_an_error,
        files_are_checked_without_starting,
    ];
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, test) in tests {
        if filters.is_empty() || filters.iter().any(|filter| name.contains(filter)) {
            test();
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}

struct Messages(mpsc::Sender<ToIo>);

impl Inbox for Messages {
    fn deliver(&self, message: ToIo) {
        self.0.send(message).unwrap();
    }
}

fn serve(server: Server) -> std::io::Result<()> {
    let (sender, messages) = mpsc::channel();
    server.registry.attach(vec![Arc::new(Messages(sender))]);
    while !matches!(messages.recv(), Ok(ToIo::Stop { .. }) | Err(_)) {}
    Ok(())
}

/// A folder with a configuration file that begins with three fixed lines.
struct Files {
    folder: TempDir,
    config: PathBuf,
}

impl Files {
    fn new(entries: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("namesrv.properties");
        let files = Self { folder, config };
        let own = format!("bindAddress=127.0.0.1\nlistenPort=0\nkvConfigPath={}\n", files.kv().display());
        fs::write(&files.config, own + entries).unwrap();
        files
    }

    /// Lets a shell prepare the folder. The entries and the shell call the folder `/f`.
    fn prepared(preparation: &str, entries: &str) -> Self {
        let files = Self::new("");
        let path = files.folder.path().display().to_string();
        let config = fs::read_to_string(&files.config).unwrap() + &entries.replace("/f/", &format!("{path}/"));
        fs::write(&files.config, config).unwrap();
        let status = Command::new("sh").args(["-c", preparation]).current_dir(files.folder.path()).status().unwrap();
        assert!(preparation.is_empty() || status.success(), "{preparation}");
        files
    }

    /// Replaces the folder in a line by `/f`.
    fn shown(&self, line: &str) -> String {
        line.replace(&self.folder.path().display().to_string(), "/f")
    }

    fn kv(&self) -> PathBuf {
        self.folder.path().join("kv.json")
    }

    fn server(&self) -> Command {
        server(&["-c", self.config.to_str().unwrap()])
    }
}

fn server(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments).env(PLAYS_SERVER, "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// Runs a command until it ends. Returns its exit code, standard output and standard error.
fn outcome(mut command: Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Returns the last line of standard error of a server that does not start.
fn complaint(command: Command) -> String {
    let (code, _, stderr) = outcome(command);
    assert_eq!(code, 255, "{stderr}");
    stderr.lines().last().unwrap_or_default().to_owned()
}

/// A running server.
struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    boot_line: String,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut boot_line = String::new();
        while !boot_line.starts_with("The Name Server boot success.") {
            boot_line.clear();
            assert_ne!(stdout.read_line(&mut boot_line).unwrap(), 0, "the server does not come up");
        }
        Self { child, stdout, boot_line: boot_line.trim_end().to_owned() }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end. Returns the status and the contents of standard error.
    fn end(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut log).unwrap();
        }
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "nothing follows the boot line");
        (self.child.wait().unwrap(), log)
    }
}

fn questions_are_answered_without_starting() {
    let files = Files::new("mine=1\nenableTopicList=FALSE\n");
    let config = files.config.to_str().unwrap();
    let (code, stdout, stderr) = outcome(server(&["-p", "-c", config]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(lines[..2], [&format!("load config properties file OK, {config}"), "rocketmqHome="]);
    for line in [&format!("configStorePath={config}"), "enableTopicList=false", "ioThreads=0", "mine=1"] {
        assert!(lines.contains(&line), "{line}");
    }
    let (code, stdout, _) = outcome(server(&["-h", "-c", "/no such file"]));
    assert!(code == 0 && stdout.starts_with("usage: mqnamesrv "), "{stdout}");
    assert_eq!(
        complaint(server(&["-p", "-c", "/no"])),
        "namesrv-test: -c: /no does not exist: name the configuration file, or leave -c out"
    );
    let (code, stdout, _) = outcome(server(&["--version"]));
    assert_eq!((code, stdout), (0, format!("namesrv-test {}\n", env!("CARGO_PKG_VERSION"))));
}

fn a_socket_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket").display().to_string();
    let _listener = UnixListener::bind(&path).unwrap();
    assert_eq!(complaint(server(&["-c", &path])), format!("namesrv-test: -c: {path} is a socket: name a regular file"));
    for key in ["kvConfigPath", "runtimeConfigPath", "usersPath", "auditPath"] {
        let line = complaint(Files::new(&format!("{key}={path}")).server());
        assert_eq!(line, format!("namesrv-test: {key}: {path} is a socket: name a regular file"));
    }
    for key in ["tls.config.file", "tls.server.certPath"] {
        let line = complaint(Files::new(&format!("{key}={path}\ntls.server.keyPath={path}\n")).server());
        assert_eq!(line, format!("namesrv-test: {key}: {path}: is a socket: name a regular file"));
    }
}

fn a_corrupt_kv_file_is_left_alone() {
    let corrupt = "{\"configTable\":\n{]";
    let files = Files::new("");
    fs::write(files.kv(), corrupt).unwrap();
    let line = complaint(files.server());
    assert!(
        line.starts_with(&format!("namesrv-test: kvConfigPath: {}: line 2, column 2: ", files.kv().display())),
        "{line}"
    );
    assert_eq!(fs::read_to_string(files.kv()).unwrap(), corrupt);
}

/// What the shell does in the folder `/f`, and the log lines about files of a server that starts.
const FILE_NOTICES: &[(&str, &[&str])] = &[
    ("", &[]),
    ("echo '{\"configTable\":{}}' >kv.json && ln -s kv.json link", &[]),
    (
        "touch kv.json && ln kv.json second",
        &["INFO kvConfigPath: changes are written in place: /f/kv.json has 2 names (hard links)"],
    ),
    (
        "echo '{\"configTable\":{}}' >kv.json && mkdir kv.json.namesrv.new",
        &[
            "INFO kvConfigPath: changes are written in place: cannot create /f/kv.json.namesrv.new: File exists (os error 17)",
        ],
    ),
    (
        "printf '{\"configTable\":{\"n\":{\"k\":\"\\326\\320\"}}}' >kv.json",
        &[
            "WARN kvConfigPath: /f/kv.json: line 1, column 27: bytes that are not UTF-8 were read as `\u{FFFD}`, as Java \
             reads them: put the text right and save the file as UTF-8",
        ],
    ),
];

fn how_changes_are_kept_is_told_once() {
    for (preparation, expected) in FILE_NOTICES {
        let files = Files::prepared(preparation, "");
        let running = Running::start(files.server());
        running.signal(Signal::SIGTERM);
        let (_, log) = running.end();
        let lines = log.lines().filter_map(|line| Some(line.split_once(' ')?.1.trim_start()));
        let found: Vec<_> =
            lines.filter(|line| line.contains(" kvConfigPath: ")).map(|line| files.shown(line)).collect();
        assert_eq!(found, *expected, "{preparation}");
    }
}

fn a_server_says_where_it_listens_and_stops_on_a_signal() {
    for (signal, serialize_type, entries) in [
        (Signal::SIGTERM, "JSON", ""),
        (Signal::SIGINT, "ROCKETMQ", "enableShutdownGracefully=true\nshutdownWaitTimeSeconds=1\n"),
    ] {
        let files = Files::new(entries);
        let mut command = files.server();
        command.env("ROCKETMQ_SERIALIZE_TYPE", serialize_type);
        let running = Running::start(command);
        let boot_line = running.boot_line.clone();
        let expected = format!("The Name Server boot success. serializeType={serialize_type}, address 127.0.0.1:");
        let port: u16 = boot_line.strip_prefix(&expected).unwrap().parse().unwrap();
        assert_ne!(port, 0);
        running.signal(signal);
        let (status, log) = running.end();
        assert!(status.success(), "{status}");
        assert!(log.contains(&boot_line), "{log}");
    }
}

fn the_log_shows_the_configuration() {
    let files = Files::new("logFormat=json\nsurprise=1\nserverWorkerThreads=9\n");
    let runtime = format!("{}.runtime", files.config.display());
    fs::write(&runtime, "enableTopicList=false\n").unwrap();
    let mut command = files.server();
    command.env("ROCKETMQ_HOME", "/opt/rocketmq").env("JAVA_OPT_EXT", "-Dmine=1");
    let running = Running::start(command);
    running.signal(Signal::SIGTERM);
    let (_, log) = running.end();
    assert!(log.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{log}");
    for text in [
        r#""message":"enableTopicList","value":"false""#,
        r#""message":"rocketmqHome","value":"/opt/rocketmq""#,
        "namesrv.properties: unknown keys, without effect: `surprise` (line 5)",
        "namesrv.properties: keys without effect in this server: serverWorkerThreads (line 6)",
        "options of a JVM without effect here: -Dmine (JAVA_OPT_EXT)",
        &runtime,
        r#""message":"stopped""#,
    ] {
        assert!(log.contains(text), "{text}: {log}");
    }
}

fn nobody_has_to_read_the_log() {
    let files = Files::new("");
    let mut running = Running::start(files.server());
    drop(running.child.stderr.take());
    running.signal(Signal::SIGTERM);
    let (status, _) = running.end();
    assert!(status.success(), "{status}");
}

fn health_is_asked_for_by_command() {
    let files = Files::new("");
    for (arguments, status, text) in [
        (&["--health", "--nonsense"][..], 2, "unrecognized option: --nonsense"),
        (&["--health", "-c", "/no/such file"], 2, "-c: /no/such file does not exist: "),
        (&["--health", "nowhere"], 1, "nowhere: "),
    ] {
        let (code, stdout, stderr) = outcome(server(arguments));
        assert_eq!((code, stdout.as_str()), (status, ""), "{arguments:?}");
        assert!(stderr.starts_with(text), "{stderr}");
    }
    // The runtime of this test accepts connections and never answers.
    let running = Running::start(files.server());
    let address = running.boot_line.rsplit_once(' ').unwrap().1.to_owned();
    let (code, _, stderr) = outcome(server(&["--health", &address]));
    assert_eq!((code, stderr), (1, format!("{address}: the server does not answer within 2 s\n")));
    running.signal(Signal::SIGTERM);
    running.end();
}

/// The runtime of this test only waits for the end, like a thread that hangs.
fn an_io_thread_that_hangs_is_not_live() {
    let files = Files::new("adminListen=127.0.0.1:0\nlogFormat=json\nioThreads=1\n");
    let mut running = Running::start(files.server());
    let mut log = BufReader::new(running.child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = log.find(|line| line.contains("everything else is read here")).unwrap();
    let address = line.split('"').find(|word| word.starts_with("127.0.0.1:")).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| log.for_each(drop));
        let mut answer = get(address, "/livez");
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
        while answer.starts_with("HTTP/1.1 200 ") {
            std::thread::sleep(std::time::Duration::from_millis(100));
            answer = get(address, "/livez?verbose");
        }
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("[+]registry ok\n[-]io-0 io-0 made no progress for 1"), "{answer}");
        assert!(get(address, "/readyz").starts_with("HTTP/1.1 200 "), "a server that is not live is restarted");
        running.signal(Signal::SIGTERM);
    });
    running.end();
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn a_second_port_that_cannot_be_opened_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (entries, expected) in [
        (format!("adminListen=127.0.0.1:{port}"), format!("adminListen: failed to bind to 127.0.0.1:{port}: Address ")),
        (
            format!("metricsExporterType=PROM\nmetricsPromExporterHost=127.0.0.1\nmetricsPromExporterPort={port}"),
            format!("metricsPromExporterPort: failed to bind to 127.0.0.1:{port}: Address "),
        ),
        ("adminListen=5557".to_owned(), "adminListen: `5557` is not HOST:PORT".to_owned()),
    ] {
        let line = complaint(Files::new(&entries).server());
        assert!(line.starts_with(&format!("namesrv-test: {expected}")), "{line}");
    }
    let line = complaint(Files::new("metricsExporterType=OTLP_GRPC").server());
    assert!(line.contains("line 4: metricsExporterType: `OTLP_GRPC` is none of DISABLE, PROM, 0, 2"), "{line}");
}

fn files_are_checked_without_starting() {
    let check = |files: &Files| {
        let (code, stdout, stderr) = outcome(server(&["--check", "-c", files.config.to_str().unwrap()]));
        (code, stdout, files.shown(&stderr))
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let good = Files::new(&format!("listenPort={port}\nadminListen=127.0.0.1:{port}\nsurprise=1\n"));
    let (code, stdout, stderr) = check(&good);
    assert_eq!((code, &*stdout), (0, "the server would start with these files\n"));
    let warning = " WARN /f/namesrv.properties: unknown keys, without effect: `surprise` (line 6)\n";
    assert!(stderr.ends_with(warning) && stderr.lines().count() == 1, "{stderr}");
    assert!(!good.kv().exists(), "nothing is written");
    for (preparation, entries, expected) in [
        ("", "listenPort=x", "/f/namesrv.properties: line 4: listenPort: `x` is not a whole number"),
        ("mkdir kv.json", "", "kvConfigPath: /f/kv.json is a folder: name a regular file"),
        ("", "adminListen=x", "adminListen: `x` is not HOST:PORT"),
        ("", "nsaddrMembers=x", "nsaddrMembers: `x` is not HOST:PORT"),
        ("", "metricsLabel=x", "metricsLabel: `x` is not a free label: write name:value"),
    ] {
        let (code, stdout, stderr) = check(&Files::prepared(preparation, entries));
        assert_eq!((code, &*stdout), (1, ""), "{entries}");
        assert!(stderr.starts_with(expected) && stderr.lines().count() == 1, "{stderr}");
    }
    assert_eq!(outcome(server(&["--check", "--nonsense"])).0, 2);
}
