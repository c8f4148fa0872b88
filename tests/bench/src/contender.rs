//! The servers to compare, and how to start each of them.

use crate::certificate::Certificate;
use crate::one_line::one_line;
use crate::options::Options;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PREFIX: &str = "namesrv-";
/// The runtimes of this repository: first the one that runs everywhere.
const RUNTIMES: [&str; 3] = ["mio", "async-std", "glommio"];
/// The program that the crate `rocketmq-namesrv` installs.
const ROCKETMQ_RUST: &str = "rocketmq-namesrv-rust";
/// Where `tests/interop/run` leaves the released artifacts.
const JAVA_FOLDER: &str = "tests/interop/target/lib/5.5.0";
/// Longest frame that servers are configured to accept, where they can be: a registration of 200,000 topics fits.
const FRAME_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Fails where Netty cannot use OpenSSL.
const TCNATIVE_PROBE: &str =
    "class Probe { public static void main(String[] words) { io.netty.handler.ssl.OpenSsl.ensureAvailability(); } }";
const JAVA_OPENED: [&str; 3] = ["java.base/jdk.internal.ref", "java.base/java.nio", "java.base/sun.nio.ch"];

/// A server to compare.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contender {
    /// A short and unique name.
    pub name: String,
    /// The kind of server.
    pub kind: Kind,
    /// The program, or the folder of its jars.
    #[serde(skip)]
    pub program: PathBuf,
    /// Number of I/O threads of a server of this repository; other servers choose their own.
    pub io_threads: usize,
    /// Number of processes, which share the connections equally.
    pub processes: usize,
    /// The certificate for TLS clients; an echo server with one speaks only TLS. With `None` the server decides.
    #[serde(default)]
    pub certificate: Option<Certificate>,
}

/// The kind of a server, which decides how it is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A NameServer of this repository.
    Ours,
    /// An echo server, which answers constant bytes: the limit of a runtime.
    Echo,
    /// The Java NameServer, with the TLS of its JDK.
    Java,
    /// The Java NameServer with netty-tcnative (OpenSSL). It is measured over TLS only.
    JavaTcnative,
    /// The released rocketmq-rust.
    RocketmqRust,
}

/// A server that is left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Skipped {
    /// The name of the server.
    pub name: String,
    /// Why it is left out.
    pub reason: String,
}

impl Contender {
    /// A server with one process and one I/O thread.
    pub const fn new(name: String, kind: Kind, program: PathBuf) -> Self {
        Self { name, kind, program, io_threads: 1, processes: 1, certificate: None }
    }

    /// Whether this is an echo server.
    pub const fn is_echo(&self) -> bool {
        matches!(self.kind, Kind::Echo)
    }

    /// Whether this is a NameServer of this repository.
    pub const fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Ours)
    }

    /// Whether it differs from another server only in its TLS.
    pub const fn is_for_tls(&self) -> bool {
        matches!(self.kind, Kind::JavaTcnative)
    }

    /// Returns the command of a server that listens on a loopback port and keeps its files in `folder`.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn command(&self, port: u16, folder: &Path, answer_bytes: usize) -> Result<Command> {
        let mut command = match self.kind {
            Kind::Ours => {
                let mut command = Command::new(&self.program);
                let mut more = format!(
                    "ioThreads={}\nlogLevel=warn\ncom.rocketmq.remoting.frameMaxLength={FRAME_BYTES_MAX}\n",
                    self.io_threads
                );
                for (key, value) in self.tls_properties() {
                    more.push_str(&format!("{key}={value}\n"));
                }
                command.arg("-c").arg(properties(port, folder, &more)?);
                command
            }
            Kind::Echo => {
                let mut command = Command::new(&self.program);
                command.arg(port.to_string()).arg(answer_bytes.to_string());
                command.args(self.certificate.iter().flat_map(|certificate| certificate.files()));
                command
            }
            Kind::Java | Kind::JavaTcnative => {
                let mut command = self.java();
                for property in ["user.home", "java.io.tmpdir"] {
                    command.arg(format!("-D{property}={}", folder.display()));
                }
                command.arg("-cp").arg(format!("{}/*", self.program.display()));
                command.arg("org.apache.rocketmq.namesrv.NamesrvStartup").arg("-c").arg(properties(port, folder, "")?);
                command
            }
            Kind::RocketmqRust => {
                let mut command = Command::new(&self.program);
                if self.certificate.is_some() {
                    // Keys that are not TLS are arguments. It reads the file as TOML, and those of TLS once more.
                    let path = folder.join("namesrv.toml");
                    let lines = self.tls_properties().map(|(key, value)| match value.as_str() {
                        "true" | "false" => format!("{key} = {value}\n"),
                        text => format!("{key} = \"{text}\"\n"),
                    });
                    fs::write(&path, lines.collect::<String>()).context("cannot write a configuration file")?;
                    command.arg("-c").arg(path);
                }
                command.args(["--listenPort", &port.to_string(), "--bindAddress", "127.0.0.1"]);
                command.arg("--rocketmqHome").arg(folder).arg("--kvConfigPath").arg(folder.join("kvConfig.json"));
                command.args(["--log-filter", "warn"]);
                command
            }
        };
        command.current_dir(folder).env("ROCKETMQ_HOME", folder);
        Ok(command)
    }

    /// Returns the Java command without the files of the server.
    fn java(&self) -> Command {
        let mut command = Command::new("java");
        // The collector and the maximum heap of the released start script; the initial heap is smaller for small hosts.
        command.args(["-Xms1g", "-Xmx4g", "-XX:+UseG1GC"]);
        command.arg(format!("-Dcom.rocketmq.remoting.frameMaxLength={FRAME_BYTES_MAX}"));
        command.args(JAVA_OPENED.map(|package| format!("--add-opens={package}=ALL-UNNAMED")));
        command.arg(format!("-Dio.netty.handler.ssl.noOpenSsl={}", self.kind == Kind::Java));
        command.args(self.tls_properties().map(|(key, value)| format!("-D{key}={value}")));
        command
    }

    /// TLS properties that Java and this repository share. The server accepts plain text too, so that
    /// brokers need no certificates.
    fn tls_properties(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.certificate.into_iter().flat_map(|certificate| {
            let [certificate, key] = certificate.files().map(|file| file.display().to_string());
            let word = str::to_owned;
            [
                ("tls.server.mode", word("permissive")),
                ("tls.test.mode.enable", word("false")),
                // Ignore a properties file of this host.
                ("tls.config.file", String::new()),
                ("tls.server.certPath", certificate),
                ("tls.server.keyPath", key),
            ]
        })
    }
}

fn properties(port: u16, folder: &Path, more: &str) -> Result<PathBuf> {
    let path = folder.join("namesrv.properties");
    let kv = folder.join("kvConfig.json");
    let text = format!(
        "listenPort={port}\nbindAddress=127.0.0.1\nkvConfigPath={}\nserverChannelMaxIdleTimeSeconds=86400\n{more}",
        kv.display()
    );
    fs::write(&path, text).context("cannot write a configuration file")?;
    Ok(path)
}

/// Builds the servers of this repository and looks for the others.
///
/// # Errors
/// The build fails, or there is nothing to compare.
pub fn discover(options: &Options) -> Result<(Vec<Contender>, Vec<Skipped>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut runtimes = RUNTIMES.to_vec();
    runtimes.retain(|runtime| options.wants(&format!("{PREFIX}{runtime}")));
    ensure!(!runtimes.is_empty(), "no runtime is left to compare");
    let built = build(&root, &runtimes)?;
    let (mut contenders, mut skipped) = (Vec::new(), Vec::new());
    for runtime in &runtimes {
        for (name, kind) in [(format!("echo-{runtime}"), Kind::Echo), (format!("{PREFIX}{runtime}"), Kind::Ours)] {
            let program = built.get(&name).with_context(|| format!("the build makes no {name}"))?;
            contenders.push(Contender::new(name, kind, program.clone()));
        }
    }
    let tcnative = ("java-5.5.0-tcnative", Kind::JavaTcnative, find_tcnative(options, &root));
    let peers = [
        ("java-5.5.0", Kind::Java, find_java(options, &root)),
        ("rocketmq-rust", Kind::RocketmqRust, find_rocketmq_rust(options)),
    ];
    for (name, kind, program) in peers.into_iter().chain(options.measures("tls").then_some(tcnative)) {
        let name = name.to_owned();
        match program {
            _ if !options.wants(&name) => {}
            Ok(program) => contenders.push(Contender::new(name, kind, program)),
            Err(reason) => skipped.push(Skipped { name, reason: format!("{reason:#}") }),
        }
    }
    Ok((contenders, skipped))
}

/// Builds the runtimes and their echo servers. Returns the programs by name.
fn build(root: &Path, runtimes: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(["build", "--profile", "dist", "--message-format=json-render-diagnostics"]);
    for runtime in runtimes {
        let server = format!("{PREFIX}{runtime}");
        command.args(["-p", &server, "--bin", &server, "--example", &format!("echo-{runtime}")]);
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the build fails");
    }
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let artifacts = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    Ok(artifacts
        .filter_map(|artifact| {
            let name = artifact.get("target")?.get("name")?.as_str()?.to_owned();
            Some((name, PathBuf::from(artifact.get("executable")?.as_str()?)))
        })
        .collect())
}

fn find_java(options: &Options, root: &Path) -> Result<PathBuf> {
    let folder = options.java.clone().unwrap_or_else(|| root.join(JAVA_FOLDER));
    ensure!(
        has_jar(&folder, "rocketmq-namesrv-"),
        "no jars: run tests/interop/run once, or give their folder with --java"
    );
    let version = Command::new("java").arg("-version").output();
    ensure!(version.is_ok_and(|output| output.status.success()), "there are jars, but no java to run them");
    folder.canonicalize().context("the folder of jars is gone")
}

/// Returns the folder of the Java NameServer, if netty-tcnative is in it and works here.
fn find_tcnative(options: &Options, root: &Path) -> Result<PathBuf> {
    let folder = find_java(options, root)?;
    ensure!(has_jar(&folder, "netty-tcnative-"), "netty-tcnative is not among the jars of the Java NameServer");
    let probe = tempfile::Builder::new().suffix(".java").tempfile()?;
    fs::write(probe.path(), TCNATIVE_PROBE).context("cannot write a program")?;
    let output = Command::new("java").arg("-cp").arg(format!("{}/*", folder.display())).arg(probe.path()).output()?;
    ensure!(
        output.status.success(),
        "netty-tcnative does not load: {}",
        one_line(&String::from_utf8_lossy(&output.stderr))
    );
    Ok(folder)
}

fn has_jar(folder: &Path, name: &str) -> bool {
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name().to_string_lossy().starts_with(name))
}

fn find_rocketmq_rust(options: &Options) -> Result<PathBuf> {
    if let Some(path) = &options.rocketmq_rust {
        return path.canonicalize().with_context(|| format!("{} is not there", path.display()));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo/bin")));
    let mut candidates = folders.into_iter().map(|folder| folder.join(ROCKETMQ_RUST));
    candidates.find(|candidate| candidate.is_file()).context(
        "not installed: cargo install rocketmq-namesrv --version 1.0.0 --locked, or give its path with --rocketmq-rust",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_runtime_of_the_workspace_is_compared() {
        let workspace = include_str!("../../../Cargo.toml");
        let members: BTreeSet<_> = workspace.split('"').filter_map(|name| name.strip_prefix("runtime-")).collect();
        assert_eq!(members, BTreeSet::from(RUNTIMES));
    }
}
