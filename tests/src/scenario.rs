//! Scenarios as text: commands, each with what has to come of it, run against the pure core.
//!
//! The language is described in `tests/scenarios/README.md`.

mod command;
pub mod render;
mod words;

use command::Runner;
use similar::TextDiff;
use std::fs;
use std::path::{Path, PathBuf};

/// Set to anything, this variable of the environment makes the suite write what comes of the commands into the files
/// instead of comparing it.
pub const UPDATE: &str = "UPDATE_SCENARIOS";

/// Runs every `.txt` file of a folder and returns how many there were.
///
/// # Panics
/// Something else came of a command than its file says; every such command is listed.
pub fn run_folder(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry of a folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let failures: Vec<_> = files.iter().filter_map(|file| run_file(file).err()).collect();
    assert!(failures.is_empty(), "{}\n{} of {} scenarios failed", failures.join("\n"), failures.len(), files.len());
    files.len()
}

/// Runs one file, or rewrites it when [`UPDATE`] is set.
///
/// # Errors
/// Says what else came of which command.
fn run_file(file: &Path) -> Result<(), String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    let played = play(&text).map_err(|error| format!("{name}: {error}"))?;
    if played == text {
        return Ok(());
    }
    if std::env::var_os(UPDATE).is_some() {
        return fs::write(file, played).map_err(|error| format!("{name}: {error}"));
    }
    let difference = TextDiff::from_lines(&text, &played).unified_diff().context_radius(3).to_string();
    Err(format!("{name}, expected (-) and got (+):\n{difference}"))
}

/// The text with what came of its commands in the place of what it expects.
fn play(text: &str) -> Result<String, String> {
    let mut runner: Option<Runner> = None;
    let mut played = String::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if let Some(command) = line.strip_prefix("> ") {
            played.push_str(line);
            played.push('\n');
            let outputs = match command.strip_prefix("start") {
                Some(options) if options.is_empty() || options.starts_with(' ') => {
                    let properties = words::properties(options).map_err(|error| format!("line {number}: {error}"))?;
                    let mut started = Runner::new(&properties);
                    let outputs = started.happenings();
                    runner = Some(started);
                    outputs
                }
                _ => {
                    let runner = runner.get_or_insert_with(|| Runner::new(&[]));
                    runner.run(command).map_err(|error| format!("line {number}: {command}: {error}"))?
                }
            };
            for output in outputs {
                played.push_str("  ");
                played.push_str(output.trim_end());
                played.push('\n');
            }
        } else if line.is_empty() || line.starts_with('#') {
            played.push_str(line);
            played.push('\n');
        } else if !line.starts_with("  ") {
            return Err(format!("line {number} is neither a command, nor a comment, nor what comes of a command"));
        }
    }
    Ok(played)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_nothing_is_refused() {
        assert!(play("hello\n").is_err());
    }
}
