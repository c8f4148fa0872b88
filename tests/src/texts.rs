//! What an operator sees at start, made by starting the binary: the files of `tests/texts`.
//!
//! `UPDATE_EXPECTED=1` writes what is seen into them.

use crate::differences::repository;
use crate::environment::clear;
use crate::process::{boot_port, ended, lines_of};
use crate::suite::Target;
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What every situation begins with.
const CONFIG: &str = "bindAddress=127.0.0.1\nlistenPort=0\nkvConfigPath=kv.json\n";

/// What is in those lines of the log that tell of files and variables without complaining.
const TOLD: [&str; 2] = [" sets ", "changes "];

/// Plays all situations of a file of `tests/texts`, each in a folder of its own.
///
/// # Panics
/// An operator sees something else than the file has.
pub(crate) fn play(target: &Target, name: &str) {
    let path = repository().join("tests/texts").join(name);
    let text = fs::read_to_string(&path).expect("a file of tests/texts");
    let (head, situations) = text.split_once("\n## ").expect("a situation");
    let mut seen = head.to_owned();
    for situation in situations.split("\n## ") {
        let (title, rest) = situation.split_once('\n').expect("commands");
        let commands: Vec<_> = rest.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
        write!(seen, "\n## {title}\n\n").expect("a string grows");
        for command in &commands {
            writeln!(seen, "$ {command}").expect("a string grows");
        }
        seen += &outcome(target.binary(), &commands);
    }
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, seen).expect("the file can be written");
    } else {
        assert_eq!(text, seen, "{}", path.display());
    }
}

/// Standard error of the last command, which starts the server as `namesrv`, and how it ends.
fn outcome(binary: &Path, commands: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("ns.conf"), CONFIG).expect("a file");
    let (start, preparation) = commands.split_last().expect("a command");
    for command in preparation {
        let status = Command::new("sh").args(["-c", command]).current_dir(folder).status();
        assert!(status.is_ok_and(|status| status.success()), "{command}");
    }
    // The words of the line stay words, whatever the path of the binary is.
    let script = format!("exec env {}", start.replacen("namesrv ", "\"$0\" ", 1));
    let log = tempfile::NamedTempFile::new().expect("a file");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(binary).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped());
    clear(&mut command);
    let mut child = command.stderr(log.reopen().expect("a file")).spawn().expect("a shell");
    let lines = lines_of(child.stdout.take().expect("standard output is piped"));
    let is_up = boot_port(&lines).is_some();
    if is_up {
        let id = child.id().try_into().ok().and_then(Pid::from_raw).expect("a process");
        kill_process(id, Signal::TERM).expect("a child of ours");
    }
    let status = ended(&mut child).expect("the server ends");
    assert_eq!(lines.iter().collect::<Vec<_>>(), [""; 0], "nothing follows the boot line");
    let name = binary.file_name().expect("a binary").to_string_lossy();
    let shown =
        |line: &str| line.replace(&folder.display().to_string(), "/f").replace(&format!("{name}: "), "namesrv: ");
    let log = fs::read_to_string(log.path()).expect("the log is text");
    let seen: String = log.lines().filter_map(event).map(|line| shown(line) + "\n").collect();
    match (is_up, status.code()) {
        (true, Some(0)) => seen + "up\n",
        (_, code) => format!("{seen}exit {}\n", code.expect("no signal ends it")),
    }
}

/// A line of standard error without its time; none if it tells how the server works and nothing else.
fn event(line: &str) -> Option<&str> {
    let line = match line.split_once("Z ") {
        Some((time, event)) if time.starts_with("20") => event.trim_start(),
        Some(_) | None => line,
    };
    let is_usual = line.starts_with("INFO ") && !TOLD.iter().any(|words| line.contains(words));
    (!is_usual).then_some(line)
}
