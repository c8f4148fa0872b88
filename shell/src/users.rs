//! The users file on the disk, and the rules that are built from it.

use crate::disk::RealDisk;
use crate::files;
use crate::keys::ProcessSettings;
use crate::start_error::StartError;
use crate::start_files;
use namesrv_core::access::{AccessRules, parse_users_file};
use namesrv_core::config::{Configuration, Warning};
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The key that names the configuration file, as it is shown.
const CONFIG_KEY: &str = ProcessSettings::config_store_path.key.name;

/// Permissions with which others than the owner may read a file.
const READABLE_BY_OTHERS: u32 = 0o044;

/// The contents of the users file. Printing them prints no secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct UsersFile {
    path: PathBuf,
    contents: Vec<u8>,
}

impl UsersFile {
    /// The key that names the file.
    pub(crate) const KEY: &str = ProcessSettings::users_path.key.name;

    /// Reads the file that the configuration names, if it names one.
    ///
    /// # Errors
    /// The file does not exist, is too large, cannot be read, or is not a regular file.
    pub(crate) fn read(configuration: &Configuration) -> Result<Option<Self>, StartError> {
        let path = PathBuf::from(ProcessSettings::of(configuration).users_path);
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        start_files::refuse_large(UsersFile::KEY, &path)?;
        match files::read(&RealDisk, &path) {
            Ok(Some(contents)) => Ok(Some(Self { path, contents })),
            Ok(None) => Err(StartError::Missing { key: UsersFile::KEY, path }),
            Err(source) => Err(StartError::File { key: UsersFile::KEY, source }),
        }
    }
}

impl fmt::Debug for UsersFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsersFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Builds the rules of access control, with warnings about risks.
///
/// # Errors
/// A bad line of the users file, or a bad key of the configuration.
pub(crate) fn rules(
    configuration: &Configuration,
    file: Option<&UsersFile>,
) -> Result<(AccessRules, Vec<Warning>), StartError> {
    let users = match file {
        None => Vec::new(),
        Some(UsersFile { path, contents }) => parse_users_file(contents).map_err(|source| StartError::Users {
            key: UsersFile::KEY,
            path: path.clone(),
            source,
        })?,
    };
    let (rules, mut warnings) = AccessRules::new(configuration, users)?;
    warnings.extend(file.and_then(|file| exposed(UsersFile::KEY, &file.path)));
    if configuration.has_secrets() {
        warnings.extend(exposed(CONFIG_KEY, Path::new(&ProcessSettings::of(configuration).config_store_path)));
    }
    Ok((rules, warnings))
}

/// Warns of a file with secrets that others than its owner may read.
fn exposed(key: &str, path: &Path) -> Option<Warning> {
    let mode = fs::metadata(path).ok()?.mode();
    let path = path.display();
    let is_exposed = mode & READABLE_BY_OTHERS != 0;
    is_exposed.then(|| Warning(format!("{key}: others may read the secrets in {path}: run chmod 600 {path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contents_are_not_printed() {
        let file = UsersFile { path: "/f/users".into(), contents: b"s3cret".to_vec() };
        assert_eq!(format!("{file:?}"), r#"UsersFile { path: "/f/users", .. }"#);
    }
}
