//! Prints the matrix case × runtime of a suite, from what its last run for each runtime found out: of the conformance
//! suite, unless another one is named.

use namesrv_tests::matrix::Matrix;
use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let suite = env::args().nth(1).unwrap_or_else(|| "conformance".to_owned());
    let matrix = Matrix::read(&suite)?;
    write!(io::stdout(), "{matrix}")?;
    Ok(if matrix.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
