//! Checks at start the files that the server keeps.

use crate::audit::AuditFile;
use crate::disk::RealDisk;
use crate::files::{self, FileError, KeptFile};
use crate::keys::ProcessSettings;
use crate::saved_files::SavedFiles;
use crate::start_error::StartError;
use crate::warm_start::{SNAPSHOT_KEY, WarmStartSettings};
use namesrv_core::kv::{KvFile, KvTable};
use std::fs;
use std::path::{Path, PathBuf};
use tracing::{info, warn};

/// The option that names the configuration file.
const CONFIG_OPTION: &str = "-c";
/// The most bytes of a file with an operator's entries, because each entry is kept.
const ENTRIES_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The key that names the KV file.
const KV_KEY: &str = ProcessSettings::kv_config_path.key.name;
/// The key that names the audit file.
const AUDIT_KEY: &str = ProcessSettings::audit_path.key.name;
/// The key that names the file of changes made at run time.
const RUNTIME_KEY: &str = ProcessSettings::runtime_config_path.key.name;

/// Reads the configuration file.
///
/// # Errors
/// The file does not exist, is too large, or cannot be read.
pub(crate) fn read_config_file(path: &Path) -> Result<Vec<u8>, StartError> {
    refuse_large(CONFIG_OPTION, path)?;
    let bytes =
        files::read_as_it_is(&RealDisk, path).map_err(|source| StartError::File { key: CONFIG_OPTION, source })?;
    bytes.ok_or_else(|| {
        let is_link = fs::symlink_metadata(path).is_ok();
        let reason = if is_link { "leads to a file that does not exist" } else { "does not exist" };
        StartError::NoConfigFile { path: path.to_owned(), reason }
    })
}

/// Reads the file of changes made at run time. Returns `None` if it does not exist.
///
/// # Errors
/// The file is too large, or cannot be read.
pub(crate) fn read_runtime_file(path: &Path) -> Result<Option<Vec<u8>>, StartError> {
    refuse_large(RUNTIME_KEY, path)?;
    read(RUNTIME_KEY, path)
}

/// Refuses a file that is too large for an operator's entries, before reading it.
///
/// # Errors
/// The file is too large.
pub(crate) fn refuse_large(key: &'static str, path: &Path) -> Result<(), StartError> {
    match fs::metadata(path).map_or(0, |status| status.len()) {
        bytes if bytes > ENTRIES_BYTES_MAX => {
            Err(StartError::File { key, source: FileError::TooLarge { path: path.to_owned(), bytes } })
        }
        _ => Ok(()),
    }
}

/// Reads the KV file, and lists the files to be saved. Changes nothing.
///
/// # Errors
/// A file that cannot be read. Java would start with an empty table, and the first change would overwrite the unread
/// file.
pub(crate) fn read_kv_file(
    settings: &ProcessSettings,
    warm_start: &WarmStartSettings,
) -> Result<(KvTable, SavedFiles), StartError> {
    let snapshot = warm_start.file(&settings.kv_config_path, settings.listen_port);
    let snapshot = snapshot.map(|path| KeptFile::new(SNAPSHOT_KEY, path, false).private());
    let kv = KeptFile::new(KV_KEY, PathBuf::from(&settings.kv_config_path), true);
    let runtime = KeptFile::new(RUNTIME_KEY, settings.runtime_file(), false);
    refuse_one_file_for_two([Some(&kv), Some(&runtime), snapshot.as_ref()], settings)?;
    let contents = read(KV_KEY, &kv.path)?.unwrap_or_default();
    let KvFile { table, is_plain, first_replaced } = KvFile::decode(&contents).map_err(|source| {
        let path = kv.path.clone();
        StartError::Kv { key: KV_KEY, path, source }
    })?;
    if let Some((line, column)) = first_replaced {
        warn!(
            "{KV_KEY}: {}: line {line}, column {column}: bytes that are not UTF-8 were read as `\u{FFFD}`, as Java reads \
             them: put the text right and save the file as UTF-8",
            kv.path.display()
        );
    }
    let kv_checksum = Some(crc32fast::hash(&contents));
    Ok((table, SavedFiles { kv, runtime, kv_is_original: !is_plain, kv_checksum, snapshot }))
}

/// Prepares the files to be saved. Tells the operator how changes will be saved, unless that is the usual way. Then
/// opens the audit file, if there is one.
///
/// # Errors
/// A path leads to something other than a regular file, or the server must not write to the audit file.
pub(crate) fn prepare(files: &mut SavedFiles, settings: &ProcessSettings) -> Result<Option<AuditFile>, StartError> {
    for (file, consequence) in
        [(&mut files.kv, "they will be refused"), (&mut files.runtime, "they will hold until the next start")]
    {
        let notices = files::prepare(&RealDisk, file).map_err(|source| StartError::File { key: file.key, source })?;
        for notice in notices {
            match notice {
                files::Notice::Unkept(_) => warn!("{}: {notice}: {consequence}", file.key),
                files::Notice::Mended | files::Notice::NotMended(_) => warn!("{}: {notice}", file.key),
                files::Notice::InPlace(_) => info!("{}: {notice}", file.key),
            }
        }
    }
    if let Some(file) = &mut files.snapshot {
        prepare_snapshot(file);
    }
    open_audit_file(settings)
}

/// Looks for what [`prepare`] would complain about, as far as that is possible without writing.
///
/// # Errors
/// As of [`prepare`].
pub(crate) fn check(files: &SavedFiles, settings: &ProcessSettings) -> Result<(), StartError> {
    if let Some(Err(error)) = files.snapshot.as_ref().map(|file| files::locate(&RealDisk, &file.path)) {
        warn_of_snapshot(&error);
    }
    match settings.audit_path.as_str() {
        "" => Ok(()),
        path => AuditFile::check(Path::new(path)).map_err(audit_failed),
    }
}

/// No state of the snapshot file prevents the start.
fn prepare_snapshot(file: &mut KeptFile) {
    match files::prepare(&RealDisk, file) {
        Ok(notices) => {
            for notice in notices {
                match notice {
                    files::Notice::Unkept(_) => warn!("{}: {notice}: the next start will be without routes", file.key),
                    files::Notice::InPlace(_) => info!("{}: {notice}", file.key),
                    // A restored file may be too old, like any other.
                    files::Notice::Mended | files::Notice::NotMended(_) => {}
                }
            }
        }
        Err(error) => warn_of_snapshot(&error),
    }
}

fn warn_of_snapshot(error: &FileError) {
    warn!("{SNAPSHOT_KEY}: {error}: the next start will be without routes");
}

fn open_audit_file(settings: &ProcessSettings) -> Result<Option<AuditFile>, StartError> {
    if settings.audit_path.is_empty() {
        return Ok(None);
    }
    let file = AuditFile::new(PathBuf::from(&settings.audit_path), settings.audit_bytes_max);
    file.map(Some).map_err(audit_failed)
}

fn audit_failed(source: FileError) -> StartError {
    StartError::File { key: AUDIT_KEY, source }
}

fn read(key: &'static str, path: &Path) -> Result<Option<Vec<u8>>, StartError> {
    files::read(&RealDisk, path).map_err(|source| StartError::File { key, source })
}

/// Files that the server writes must differ from the operator's files and from each other.
fn refuse_one_file_for_two(kept: [Option<&KeptFile>; 3], settings: &ProcessSettings) -> Result<(), StartError> {
    let named = |key: &'static str, path: &'_ str| (!path.is_empty()).then(|| (key, PathBuf::from(path)));
    let audit = named(AUDIT_KEY, &settings.audit_path);
    let kept = kept.into_iter().flatten().map(|file| (file.key, file.path.clone()));
    let written: Vec<_> = kept.chain(audit).collect();
    let operators = [
        named(ProcessSettings::config_store_path.key.name, &settings.config_store_path),
        named(ProcessSettings::users_path.key.name, &settings.users_path),
    ];
    for (index, (key, path)) in written.iter().enumerate() {
        for (other_key, other) in written[index + 1..].iter().chain(operators.iter().flatten()) {
            if files::is_same(&RealDisk, path, other) {
                return Err(StartError::SameFile { key, other_key, path: path.clone() });
            }
        }
    }
    Ok(())
}
