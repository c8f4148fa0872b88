//! Builds a session from the options: how to reach the servers, keys and certificates.

use crate::admin::Admin;
use crate::client::Way;
use crate::command::{Command, Run};
use crate::escape::escape;
use crate::failure::Failure;
use crate::options::Options;
use crate::secure::{Secure, TlsFiles};
use crate::session::Session;
use crate::tools_file::Keys;
use rustls::ClientConfig;
use std::env::{var, var_os};
use std::path::Path;
use std::sync::Arc;

/// Builds the session. Texts about the commands need no server, and so no files.
pub(crate) fn session(
    program: &str,
    options: Options,
    arguments: Vec<String>,
    command: &Command,
    secure: Secure,
    warn: fn(&str),
) -> Result<Session, Failure> {
    let needs_files = !matches!(command.run, Run::Prints(_));
    let within = options.timeout();
    let variable = var("NAMESRV_ADDR").ok();
    let addresses = options.addresses(variable.as_deref()).map_err(Failure::Usage)?;
    let admin = options.admin.as_deref().map(|url| Admin::new(url, within)).transpose().map_err(Failure::Usage)?;
    let mut way = Way::new(within);
    if needs_files {
        way = Way { tls: tls(&options, secure)?, keys: keys(&options, warn)?, ..way };
    }
    Ok(Session { program: program.to_owned(), options, arguments, addresses, way, admin, warn })
}

/// Returns the configuration for TLS handshakes; `None` means plain text.
fn tls(options: &Options, secure: Secure) -> Result<Option<Arc<ClientConfig>>, Failure> {
    let Options { tls, ca, insecure, certificate, key, key_password_file, .. } = options;
    let has_files = ca.is_some() || certificate.is_some() || key.is_some() || key_password_file.is_some();
    let usage = |line: &str| Err(Failure::Usage(line.to_owned()));
    match (tls, ca, insecure) {
        (false, _, _) if has_files || *insecure => usage("--ca, --insecure, --cert and --key are for --tls: add it"),
        (false, _, _) => Ok(None),
        (true, Some(_), true) => usage("--ca and --insecure contradict each other: leave one out"),
        (true, None, false) => usage("--tls needs --ca FILE with the CAs of the server, or --insecure to believe any"),
        (true, _, _) => {
            let files = TlsFiles {
                ca: ca.clone(),
                certificate: certificate.clone(),
                key: key.clone(),
                key_password_file: key_password_file.clone(),
            };
            secure(&files).map(Some).map_err(Failure::Tls)
        }
    }
}

/// Returns the keys that sign questions, from the named file or else from mqadmin's. If mqadmin's file is missing or
/// lacks a key, mqadmin signs nothing. Neither does this program, but it warns of a missing key.
fn keys(options: &Options, warn: fn(&str)) -> Result<Option<Keys>, Failure> {
    if let Some(path) = &options.tools {
        return Ok(Some(Keys::read(path)?));
    }
    let Some(home) = var_os("ROCKETMQ_HOME").filter(|home| !home.is_empty()) else { return Ok(None) };
    let path = Path::new(&home).join("conf/tools.yml");
    if !path.exists() {
        return Ok(None);
    }
    match Keys::read(&path) {
        Ok(keys) => Ok(Some(keys)),
        Err(error) => {
            warn(&format!("{}: nothing is signed", escape(&error.to_string())));
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::COMMON;

    #[test]
    fn tls_is_asked_for_in_one_way() {
        let secure: Secure = |files| Err(format!("{files:?}"));
        let tls = |options: Options| tls(&options, secure).map(drop).map_err(|failure| failure.to_string());
        assert_eq!(tls(Options::default()), Ok(()));
        for (options, expected) in [
            (&["insecure"][..], "add it"),
            (&["cert"], "add it"),
            (&["tls"], "--tls needs --ca"),
            (&["tls", "ca", "insecure"], "contradict"),
            (&["tls", "ca"], "ca: Some(\"FILE\")"),
        ] {
            let mut given = Options::default();
            for option in COMMON.iter().filter(|option| options.contains(&option.long)) {
                (option.set)(&mut given, "FILE").unwrap();
            }
            let error = tls(given).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
