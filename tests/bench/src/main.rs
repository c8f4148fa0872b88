//! `namesrv-bench compare`: which NameServer to run on this host.

use anyhow::{Context, Result};
use clap::Parser;
use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand};
use namesrv_bench::compare::compare;
use namesrv_bench::html::html;
use namesrv_bench::markdown::markdown;
use namesrv_bench::options::{Command, CommandLine, Options};
use namesrv_bench::picture::file;
use namesrv_bench::report::Report;
use namesrv_bench::sections;
use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn main() -> ExitCode {
    let arguments = match CommandLine::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Standard output may be closed.
            let _ = error.print();
            let is_help = matches!(error.kind(), DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand);
            return if is_help { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(stderr(), "namesrv-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(CommandLine { command, out }: &CommandLine) -> Result<()> {
    let report = match command {
        Command::Report { file } => read(file).with_context(|| format!("cannot read {}", file.display()))?,
        Command::Compare(options) => measure(options, out)?,
    };
    // The pages show the figures as they are rounded in the data file.
    let figures = report.to_tsv();
    let report: Report = figures.parse()?;
    write(out, "figures.tsv", &figures)?;
    if !report.points.is_empty() {
        write(out, "picture.svg", &file(&report.points))?;
    }
    write(out, "report.md", &markdown(&report))?;
    write(out, "report.html", &html(&report))?;
    let page = out.join("report.html");
    writeln!(stdout(), "{}\n{}", report.recommendation, page.display()).context("cannot print")
}

/// Reads the report of an earlier run.
fn read(path: &Path) -> Result<Report> {
    let text = fs::read_to_string(path)?;
    if path.extension().is_some_and(|extension| extension == "json") {
        return Ok(sections::report(&serde_json::from_str(&text)?));
    }
    text.parse()
}

/// Measures, and keeps every sample.
fn measure(options: &Options, out: &Path) -> Result<Report> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // A second Ctrl-C ends the program at once.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&interrupted))?;
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    let results = compare(options, &interrupted)?;
    write(out, "samples.json", &serde_json::to_string_pretty(&results)?)?;
    Ok(sections::report(&results))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}
