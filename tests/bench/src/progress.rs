//! The progress that the user sees.

use std::io::{IsTerminal, Write, stderr};

const BAR_CHARACTERS: usize = 20;

/// One line that is overwritten, or a line for each step if standard error is not a terminal.
#[derive(Debug)]
pub struct ProgressBar {
    steps: usize,
    done: usize,
    terminal: bool,
}

impl ProgressBar {
    /// Progress over this many steps.
    pub fn new(steps: usize) -> Self {
        Self { steps, done: 0, terminal: stderr().is_terminal() }
    }

    /// Begins the next step.
    pub fn step(&mut self, what: &str) {
        self.done += 1;
        self.tell(what);
    }

    /// Shows something that is not a step of its own.
    pub fn tell(&self, what: &str) {
        let filled = (self.done * BAR_CHARACTERS / self.steps.max(1)).min(BAR_CHARACTERS);
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR_CHARACTERS - filled));
        let (start, end) = if self.terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        self.write(&format!("{start}[{bar}] {:4}/{} {what}{end}", self.done, self.steps));
    }

    /// Ends the line.
    pub fn finish(&self) {
        if self.terminal {
            self.write("\n");
        }
    }

    fn write(&self, text: &str) {
        // A closed standard error must not end a comparison.
        let _ = stderr().write_all(text.as_bytes()).and_then(|()| stderr().flush());
    }
}
