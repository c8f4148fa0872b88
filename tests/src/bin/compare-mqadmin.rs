//! Compares what mqadmin printed in two runs: `compare-mqadmin VERSION JAVA_FOLDER OUR_FOLDER [nothing-expected]`.

use namesrv_tests::mqadmin::comparison::{Comparison, expected};
use namesrv_tests::mqadmin::{answers, rules};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (version, java, ours, expected) = match arguments.as_slice() {
        [version, java, ours] => (version, java, ours, expected()),
        [version, java, ours, nothing] if nothing == "nothing-expected" => (version, java, ours, Vec::new()),
        _ => {
            writeln!(io::stderr(), "usage: compare-mqadmin VERSION JAVA_FOLDER OUR_FOLDER [nothing-expected]")?;
            return Ok(ExitCode::from(2));
        }
    };
    let expected = expected.into_iter().filter(|difference| difference.version == *version).collect();
    let (java, ours) = (answers(Path::new(java))?, answers(Path::new(ours))?);
    let comparison = Comparison::of(java, ours, &rules::rules(), expected);
    write!(io::stdout(), "{comparison}")?;
    Ok(if comparison.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
