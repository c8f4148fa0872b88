//! The servers that are compared: which there are, and how each is started.

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
/// What the crate `rocketmq-namesrv` installs.
const ROCKETMQ_RUST: &str = "rocketmq-namesrv-rust";
/// Where `tests/interop/run` leaves the released artifacts.
const JAVA_FOLDER: &str = "tests/interop/target/lib/5.5.0";
/// Longest frame that servers are told to take, if they let themselves be told: a registration of 200,000 topics fits.
const FRAME_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Fails where Netty cannot use OpenSSL.
const TCNATIVE_PROBE: &str =
    "class Probe { public static void main(String[] words) { io.netty.handler.ssl.OpenSsl.ensureAvailability(); } }";
const JAVA_OPENED: [&str; 3] = ["java.base/jdk.internal.ref", "java.base/java.nio", "java.base/sun.nio.ch"];

/// One server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contender {
    /// Short and unique.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its program, or the folder of its jars.
    #[serde(skip)]
    pub program: PathBuf,
    /// I/O threads of a server of this repository; others decide for themselves.
    pub io_threads: usize,
    /// How often it runs; each takes as many of the connections.
    pub processes: usize,
    /// What it shows to clients that speak TLS; an echo server speaks nothing else then. `None` is up to the server.
    #[serde(default)]
    pub certificate: Option<Certificate>,
}

/// What a server is, which says how it is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A runtime of this repository.
    Ours,
    /// Answers constant bytes: the limit of a runtime.
    Echo,
    /// The Java NameServer, with the TLS of its JDK.
    Java,
    /// The same with netty-tcnative, which is OpenSSL. It is measured over TLS alone.
    JavaTcnative,
    /// The released rocketmq-rust.
    RocketmqRust,
}

/// One that could take part and does not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Skipped {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl Contender {
    /// With one I/O thread.
    pub const fn new(name: String, kind: Kind, program: PathBuf) -> Self {
        Self { name, kind, program, io_threads: 1, processes: 1, certificate: None }
    }

    /// Whether it only answers constant bytes.
    pub const fn is_echo(&self) -> bool {
        matches!(self.kind, Kind::Echo)
    }

    /// Whether it is built from this repository and serves routes.
    pub const fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Ours)
    }

    /// Whether it differs from another one in its TLS alone.
    pub const fn is_for_tls(&self) -> bool {
        matches!(self.kind, Kind::JavaTcnative)
    }

    /// The command that serves on a port of the loopback address and keeps its files in a folder.
    ///
    /// # Errors
    /// The folder cannot be written.
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
                command.arg(format!("-Duser.home={}", folder.display()));
                command.arg("-cp").arg(format!("{}/*", self.program.display()));
                command.arg("org.apache.rocketmq.namesrv.NamesrvStartup").arg("-c").arg(properties(port, folder, "")?);
                command
            }
            Kind::RocketmqRust => {
                ensure!(self.certificate.is_none(), "left out: how it is given a certificate is not known here");
                let mut command = Command::new(&self.program);
                command.args(["--listenPort", &port.to_string(), "--bindAddress", "127.0.0.1"]);
                command.arg("--rocketmqHome").arg(folder).arg("--kvConfigPath").arg(folder.join("kvConfig.json"));
                command.args(["--log-filter", "warn"]);
                command
            }
        };
        command.current_dir(folder).env("ROCKETMQ_HOME", folder);
        Ok(command)
    }

    /// Java with everything but its files.
    fn java(&self) -> Command {
        let mut command = Command::new("java");
        // The collector and the largest heap of the released start script; it begins with less, for small hosts.
        command.args(["-Xms1g", "-Xmx4g", "-XX:+UseG1GC"]);
        command.arg(format!("-Dcom.rocketmq.remoting.frameMaxLength={FRAME_BYTES_MAX}"));
        command.args(JAVA_OPENED.map(|package| format!("--add-opens={package}=ALL-UNNAMED")));
        command.arg(format!("-Dio.netty.handler.ssl.noOpenSsl={}", self.kind == Kind::Java));
        command.args(self.tls_properties().map(|(key, value)| format!("-D{key}={value}")));
        command
    }

    /// Keys of TLS as the Java server and those of this repository have them. Plain text is served beside it, so that
    /// brokers need no certificates.
    fn tls_properties(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.certificate.into_iter().flat_map(|certificate| {
            let [certificate, key] = certificate.files().map(|file| file.display().to_string());
            let word = str::to_owned;
            [
                ("tls.server.mode", word("permissive")),
                ("tls.test.mode.enable", word("false")),
                // No properties file of this host counts.
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

/// Builds what this repository has and looks for the others.
///
/// # Errors
/// The build fails, or there is nothing to compare.
pub fn discover(options: &Options) -> Result<(Vec<Contender>, Vec<Skipped>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut runtimes = runtimes(&root)?;
    runtimes.retain(|runtime| options.wants(&format!("{PREFIX}{runtime}")));
    ensure!(!runtimes.is_empty(), "no runtime is left to compare");
    let built = build(&root, &runtimes)?;
    let (mut contenders, mut skipped) = (Vec::new(), Vec::new());
    for runtime in &runtimes {
        for (name, kind) in [(format!("echo-{runtime}"), Kind::Echo), (format!("{PREFIX}{runtime}"), Kind::Ours)] {
            match built.get(&name) {
                Some(program) => contenders.push(Contender::new(name, kind, program.clone())),
                None => {
                    skipped.push(Skipped { name, reason: "there is no such program in this repository".to_owned() })
                }
            }
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

/// What stands behind `runtime-` in the names of the folders.
fn runtimes(root: &Path) -> Result<Vec<String>> {
    let mut runtimes = Vec::new();
    for entry in fs::read_dir(root).context("the sources are gone")? {
        let entry = entry?;
        if let Some(runtime) = entry.file_name().to_string_lossy().strip_prefix("runtime-")
            && entry.path().join("Cargo.toml").exists()
        {
            runtimes.push(runtime.to_owned());
        }
    }
    // The one that runs everywhere first, then by name.
    runtimes.sort_by_key(|runtime| (runtime != "mio", runtime.clone()));
    Ok(runtimes)
}

/// Builds the runtimes and their echo servers; the programs by name.
fn build(root: &Path, runtimes: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(["build", "--release", "--message-format=json-render-diagnostics"]);
    for runtime in runtimes {
        command.args(["-p", &format!("{PREFIX}{runtime}"), "--bin", &format!("{PREFIX}{runtime}")]);
        if root.join(format!("runtime-{runtime}/examples/echo-{runtime}.rs")).exists() {
            command.args(["--example", &format!("echo-{runtime}")]);
        }
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

/// The folder of the Java NameServer, if netty-tcnative is in it and works here.
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
