//! The rules that every file of the repository keeps: sizes, links, imports, manifests, text, and citations of Java.
//!
//! A rule is a function from a [`Repository`] to its [`Violation`]s, so a test can hand it a bad example.
//! `tests/repository.rs` applies all of them to the files that git tracks, less its exceptions.
//! Rules for which a lint exists are not here: the length of functions is `clippy::too_many_lines`.

pub mod behaviours;
pub mod citations;
pub mod cycles;
pub mod links;
pub mod manifests;
mod modules;
mod repository;
pub mod size;
pub mod text;

pub use repository::{File, Repository};
use std::fmt;

/// A place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The path of the file, relative to the repository.
    pub file: String,
    /// What is wrong, and where in the file.
    pub message: String,
}

impl Violation {
    /// A violation in `file`.
    pub fn new(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.message)
    }
}
