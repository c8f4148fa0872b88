//! Runs the simulated world for many seeds and hours, and reports what it went through.

use namesrv_tests::simulation::{self, Coverage};
use std::io::Write;

fn main() -> std::process::ExitCode {
    let args: Vec<u64> = std::env::args().skip(1).map(|a| a.parse().unwrap_or(0)).collect();
    let (seed, seeds, minutes, trace) = (args[0], args[1], args[2], args.get(3).is_some());
    let start = std::time::Instant::now();
    let mut coverage = Coverage::default();
    let mut millis = 0;
    for seed in seed..seed + seeds {
        match simulation::run(seed, minutes, trace) {
            Ok(outcome) => { coverage.add(&outcome.coverage); millis += outcome.millis; }
            Err(violation) => {
                let _ = writeln!(std::io::stderr(), "seed {seed}: {} {}", violation.invariant, violation.details);
                return std::process::ExitCode::FAILURE;
            }
        }
    }
    let _ = writeln!(std::io::stdout(), "{coverage}\n{} h in {:?}", millis / 3_600_000, start.elapsed());
    for (name, count) in coverage.faults() { let _ = writeln!(std::io::stdout(), "{count} {name}"); }
    std::process::ExitCode::SUCCESS
}
