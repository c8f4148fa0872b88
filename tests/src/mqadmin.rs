//! What mqadmin printed with the Java NameServer and with ours behind it, compared command by command.

pub mod comparison;
pub mod rules;

use std::io;
use std::path::Path;

/// One command line and what it printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The command line, without the word mqadmin.
    pub command: String,
    /// What it printed, line by line.
    pub lines: Vec<String>,
}

/// What a line begins with that names a command; the lines that it printed follow.
const PROMPT: &str = "$ ";

/// Reads `answers.txt` in the folder of one side. The path of the folder itself, which commands print, reads `FOLDER`.
///
/// # Errors
/// The file cannot be read.
pub fn answers(folder: &Path) -> io::Result<Vec<Answer>> {
    let text = std::fs::read_to_string(folder.join("answers.txt"))?;
    Ok(read(&text.replace(&*folder.to_string_lossy(), "FOLDER")))
}

fn read(text: &str) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix(PROMPT) {
            answers.push(Answer { command: command.to_owned(), lines: Vec::new() });
        } else if let Some(answer) = answers.last_mut() {
            answer.lines.push(line.trim_end().to_owned());
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_follows_its_command() {
        let answers = read("$ topicList\nA \nB\n$ producer\n$ clusterList\nC\n");
        let lines: Vec<_> = answers.iter().map(|answer| (answer.command.as_str(), answer.lines.join("|"))).collect();
        assert_eq!(lines, [("topicList", "A|B".into()), ("producer", String::new()), ("clusterList", "C".into())]);
    }
}
