//! The files that git tracks, as text.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

/// Folders and endings of files that are not text: inputs of the fuzzers and compressed recordings.
const BINARY_FOLDERS: &[&str] = &["fuzz/corpus/"];
const BINARY_ENDINGS: &[&str] = &[".gz"];

/// One text file.
#[derive(Clone, Debug)]
pub struct File {
    /// The path, relative to the repository, with `/` between its parts.
    pub path: String,
    /// What is in it. Bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// All text files, sorted by path, and the paths of everything else.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    files: BTreeMap<String, File>,
    binary: Vec<String>,
}

impl Repository {
    /// Reads every tracked file that is in the working folder, so that a change counts before it is committed.
    ///
    /// # Errors
    /// git does not run there, or a file cannot be read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let listing = Command::new("git").args(["ls-files", "-z"]).current_dir(folder).output()?;
        if !listing.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&listing.stderr).into_owned()));
        }
        let mut repository = Self::default();
        for path in String::from_utf8_lossy(&listing.stdout).split_terminator('\0') {
            if is_binary(path) {
                repository.binary.push(path.to_owned());
                continue;
            }
            match std::fs::read(folder.join(path)) {
                Ok(bytes) => repository.add(path, &String::from_utf8_lossy(&bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(repository)
    }

    /// A repository of these files, for examples in tests: (path, text).
    pub fn of(files: &[(&str, &str)]) -> Self {
        let mut repository = Self::default();
        files.iter().for_each(|(path, text)| repository.add(path, text));
        repository
    }

    fn add(&mut self, path: &str, text: &str) {
        self.files.insert(path.to_owned(), File { path: path.to_owned(), text: text.to_owned() });
    }

    /// Every text file.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    /// Every text file whose path ends so.
    pub fn ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = &'a File> {
        self.files().filter(move |file| file.path.ends_with(end))
    }

    /// The text file at this path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// Whether a tracked file, or a folder with one in it, is at this path.
    pub fn contains(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        let mut paths = self.files.keys().chain(&self.binary);
        path.is_empty() || paths.any(|tracked| tracked == path || tracked.starts_with(&folder))
    }
}

fn is_binary(path: &str) -> bool {
    BINARY_FOLDERS.iter().any(|folder| path.starts_with(folder)) || BINARY_ENDINGS.iter().any(|end| path.ends_with(end))
}
