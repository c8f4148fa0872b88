//! The build script of every runtime: passes the revision of the sources to the compiler. It is `NAMESRV_REVISION` if
//! that is set, as in a build from an archive, or else the commit that git has checked out, or else `unknown`.

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

/// Returns the commit, and the files that change when another one is checked out.
fn checked_out() -> Option<String> {
    // The sources may be an unpacked archive within another repository.
    let repository = fs::canonicalize(git(&["rev-parse", "--show-toplevel"])?).ok()?;
    if repository != fs::canonicalize("..").ok()? {
        return None;
    }
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "logs/HEAD"].into_iter().chain(branch.as_deref()) {
        // A missing path would make cargo run this every time.
        if let Some(path) = git(&["rev-parse", "--git-path", name]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// Returns the first line of git's output, or `None` without git or output.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    first_line(&String::from_utf8(output.stdout).ok()?)
}

fn first_line(text: &str) -> Option<String> {
    text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
}
