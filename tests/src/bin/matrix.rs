//! Prints the matrix case × runtime of the conformance suite, from what the last run for each runtime found out.

use namesrv_tests::matrix::Matrix;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let matrix = Matrix::read()?;
    write!(io::stdout(), "{matrix}")?;
    Ok(if matrix.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
