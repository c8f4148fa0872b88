//! `namesrv-bench compare`: which NameServer is best on this host.

use anyhow::{Context, Result};
use namesrv_bench::compare::compare;
use namesrv_bench::options::{Options, USAGE};
use namesrv_bench::report::report;
use std::fs;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(stderr(), "namesrv-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let Some(options) = Options::parse(std::env::args_os().skip(1))? else {
        return stdout().write_all(USAGE.as_bytes()).context("cannot print");
    };
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The second one ends the program at once.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&interrupted))?;
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    fs::create_dir_all(&options.out).with_context(|| format!("cannot make {}", options.out.display()))?;
    let results = compare(&options, &interrupted)?;
    let document = report(&results);
    let write = |name: &str, text: String| {
        let path = options.out.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("samples.json", serde_json::to_string_pretty(&results)?)?;
    write("report.md", document.markdown())?;
    write("report.html", document.html())?;
    writeln!(stdout(), "{}\n{}", document.summary(), options.out.join("report.md").display()).context("cannot print")
}
