//! The build script of every runtime: tells the compiler the revision of the sources. That is `NAMESRV_REVISION` where
//! the variable is set, as for a build from an archive, else the commit that git has checked out, else `unknown`.

#![allow(clippy::print_stdout, reason = "what a build script prints is for cargo")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

const VARIABLE: &str = "NAMESRV_REVISION";

fn main() {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    println!("cargo::rerun-if-changed=../shell/build/revision.rs");
    let given = env::var(VARIABLE).ok().and_then(|value| first_line(&value));
    let revision = given.or_else(checked_out).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env={VARIABLE}={revision}");
}

/// The commit, and what changes when another one is checked out.
fn checked_out() -> Option<String> {
    // The sources may be an archive that lies in the repository of something else.
    let repository = fs::canonicalize(git(&["rev-parse", "--show-toplevel"])?).ok()?;
    if repository != fs::canonicalize("..").ok()? {
        return None;
    }
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "logs/HEAD"].into_iter().chain(branch.as_deref()) {
        // A path that is missing would have cargo run this each time.
        if let Some(path) = git(&["rev-parse", "--git-path", name]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// The first line that git answers with; `None` without git or an answer.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    first_line(&String::from_utf8(output.stdout).ok()?)
}

fn first_line(text: &str) -> Option<String> {
    text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
}
