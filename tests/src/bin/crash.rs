//! Kills a server, or lets its disk fail, at each system call of a save. Needs `strace`.

use namesrv_tests::crash::{self, Routes, Tally, Way};
use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let Some(binary) = env::args().nth(1) else {
        writeln!(io::stderr(), "usage: crash BINARY")?;
        return Ok(ExitCode::FAILURE);
    };
    if let Err(reason) = crash::probe() {
        writeln!(io::stderr(), "{reason}")?;
        return Ok(ExitCode::FAILURE);
    }
    crash::save_on_limited_file_systems(Path::new(&binary));
    writeln!(io::stdout(), "{binary}: every change was kept on file systems that lack something")?;
    for way in Way::ALL {
        let Tally { killed, refused, saved } = crash::disturb_saves(Path::new(&binary), way);
        writeln!(
            io::stdout(),
            "{binary}: {way}: {killed} killed, {refused} refused, {saved} saved all the same; nothing was lost"
        )?;
    }
    let Routes { killed, old, new } = crash::disturb_snapshots(Path::new(&binary));
    writeln!(
        io::stdout(),
        "{binary}: routes: {killed} killed; the next server had the old ones {old} times, the new ones {new} times"
    )?;
    Ok(ExitCode::SUCCESS)
}
