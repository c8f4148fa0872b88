//! Reloads the configuration and the users file while the server runs: both at SIGHUP, the users file also when it
//! changes.
//!
//! A reload reads and checks everything before it changes anything. After an error nothing has changed, and one line
//! says why. After a success one line names the keys that changed, and the keys that wait for the next start.

use crate::audit::AuditSink;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::environment::Environment;
use crate::keys::ProcessSettings;
use crate::logging::LevelHandle;
use crate::queue::QueueSender;
use crate::record::Record;
use crate::service_manager::{self, Message};
use crate::start_error::StartError;
use crate::startup::Startup;
use crate::threads;
use crate::tls::TlsReload;
use crate::users::{UsersFile, rules};
use namesrv_core::access::AccessRules;
use namesrv_core::config::{Changes, Configuration, Warning};
use namesrv_core::node::Input;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use tracing::warn;

/// How often the thread looks at the users file. A change counts only if two looks in a row find the same contents, so
/// a file that is still being written does not count.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The handle of the reload thread. The thread ends when the handle is dropped.
#[derive(Clone, Debug)]
pub(crate) struct ReloadHandle(Sender<Request>);

/// A request to reload.
#[derive(Debug)]
struct Request {
    /// Whether to inform the service manager. Once the server stops, it must not hear that the server is ready.
    is_told: bool,
}

/// What the server read at start.
#[derive(Debug)]
pub(crate) struct ReadAtStart {
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) configuration: Configuration,
    pub(crate) users: Option<UsersFile>,
}

/// The state of the thread.
#[derive(Debug)]
pub(crate) struct Reload {
    read: ReadAtStart,
    level: LevelHandle,
    queue: QueueSender,
    audit: AuditSink,
    tls: TlsReload,
    counters: Arc<Counters>,
    clock: Clock,
}

/// What was read last.
#[derive(Debug)]
struct Current {
    configuration: Configuration,
    /// The users file in effect.
    users: Option<UsersFile>,
    /// What the last look found, if it was different.
    found: Option<Found>,
    /// What was refused and reported.
    refused: Option<Found>,
}

/// The result of a look at the users file: its contents, or why it cannot be read.
type Found = Result<Option<UsersFile>, String>;

/// A configuration that was read and is good.
#[derive(Debug)]
struct Prepared {
    configuration: Configuration,
    users: Option<UsersFile>,
    rules: AccessRules,
    warnings: Vec<Warning>,
    changes: Changes,
}

impl ReloadHandle {
    /// Asks for a reload without waiting for it. `is_told` says whether to inform the service manager.
    pub(crate) fn request(&self, is_told: bool) {
        // The thread ends only when this sender is dropped.
        let _ = self.0.send(Request { is_told });
    }
}

impl Reload {
    pub(crate) fn new(
        read: ReadAtStart,
        level: LevelHandle,
        queue: &QueueSender,
        audit: &AuditSink,
        tls: TlsReload,
        counters: &Arc<Counters>,
        clock: Clock,
    ) -> Self {
        Self { read, level, queue: queue.clone(), audit: audit.clone(), tls, counters: Arc::clone(counters), clock }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system cannot start a thread.
    pub(crate) fn start(self) -> io::Result<ReloadHandle> {
        let (sender, requests) = mpsc::channel();
        threads::named("reload").spawn(move || self.run(&requests))?;
        Ok(ReloadHandle(sender))
    }

    fn run(self, requests: &Receiver<Request>) {
        let (configuration, users) = (self.read.configuration.clone(), self.read.users.clone());
        let mut current = Current { configuration, users, found: None, refused: None };
        loop {
            let timeout = if current.has_users_file() { LOOK_EVERY } else { Duration::MAX };
            match requests.recv_timeout(timeout) {
                Ok(Request { is_told }) => {
                    // Several waiting requests count as one.
                    let is_told = requests.try_iter().fold(is_told, |_, request| request.is_told);
                    let notify = |message| {
                        if is_told {
                            service_manager::notify(&[message])
                        }
                    };
                    notify(Message::Reloading);
                    let prepared = self.read_all(&current);
                    current.refused = None;
                    self.finish(&mut current, prepared);
                    self.tls.request();
                    notify(Message::Ready);
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(found) = current.look() {
                        current.refused = Some(found.clone());
                        let prepared = self.with_users(&current, found);
                        self.finish(&mut current, prepared);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Reads and checks everything, and changes nothing.
    fn read_all(&self, current: &Current) -> Result<Prepared, String> {
        let read = || -> Result<Prepared, StartError> {
            let Startup { configuration, mut warnings, .. } =
                Startup::read(self.read.config_file.as_deref(), &Environment::of_process())?;
            let located = |error: StartError| error.located(&configuration);
            let users = UsersFile::read(&configuration).map_err(located)?;
            let (rules, more) = rules(&configuration, users.as_ref()).map_err(located)?;
            warnings.extend(more);
            let Changes { mut in_effect, .. } = configuration.changes_since(&current.configuration);
            let Changes { at_start, .. } = configuration.changes_since(&self.read.configuration);
            if users != current.users && !in_effect.iter().any(|key| key == UsersFile::KEY) {
                in_effect.push(UsersFile::KEY.to_owned());
            }
            Ok(Prepared { configuration, users, rules, warnings, changes: Changes { in_effect, at_start } })
        };
        read().map_err(|error| error.to_string())
    }

    /// Checks the users file that was found, and changes nothing.
    fn with_users(&self, current: &Current, found: Found) -> Result<Prepared, String> {
        let (configuration, users) = (current.configuration.clone(), found?);
        let located = |error: StartError| error.located(&configuration).to_string();
        let (rules, warnings) = rules(&configuration, users.as_ref()).map_err(located)?;
        let changes = Changes { in_effect: vec![UsersFile::KEY.to_owned()], at_start: Vec::new() };
        Ok(Prepared { configuration, users, rules, warnings, changes })
    }

    /// Puts a good configuration into effect, or reports a bad one. Nothing here can fail.
    fn finish(&self, current: &mut Current, prepared: Result<Prepared, String>) {
        let now = self.clock.now();
        self.counters.reloads.note(prepared.is_ok(), now.wall);
        let Prepared { configuration, users, rules, warnings, changes } = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return self.audit.record(Record::reload_failed(&error, now.wall)),
        };
        self.level.set(ProcessSettings::of(&configuration).log_level);
        self.queue.push(Input::Reload(configuration.clone().into()));
        self.queue.push(Input::ReplaceAccess(Arc::new(rules)));
        self.audit.record(Record::reload(&changes, now.wall));
        warnings.iter().for_each(|warning| warn!("{}", warning.0));
        *current = Current { configuration, users, found: None, refused: None };
    }
}

impl Current {
    fn has_users_file(&self) -> bool {
        !ProcessSettings::of(&self.configuration).users_path.is_empty()
    }

    /// Looks at the users file. Returns its contents if they are new and two looks in a row found them.
    fn look(&mut self) -> Option<Found> {
        let located = |error: StartError| error.located(&self.configuration).to_string();
        let found = UsersFile::read(&self.configuration).map_err(located);
        if found.as_ref() == Ok(&self.users) {
            self.found = None;
            self.refused = None;
            return None;
        }
        let is_settled = self.found.as_ref() == Some(&found);
        let is_known = self.refused.as_ref() == Some(&found);
        self.found = Some(found.clone());
        (is_settled && !is_known).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KEYS;
    use namesrv_core::config::properties;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn current(path: &Path) -> Current {
        let entries = properties::parse(format!("usersPath={}", path.display()).as_bytes()).unwrap();
        let (configuration, _) = Configuration::with_keys(KEYS, &entries).unwrap();
        let users = UsersFile::read(&configuration).unwrap();
        Current { configuration, users, found: None, refused: None }
    }

    /// Stores the result of a look as a reload does, good or not.
    fn take(current: &mut Current, found: Found, is_good: bool) {
        match found {
            Ok(users) if is_good => current.users = users,
            found => current.refused = Some(found),
        }
    }

    #[test]
    fn a_users_file_counts_once_it_has_settled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        fs::write(&path, "one").unwrap();
        let mut current = current(&path);
        assert_eq!(current.look(), None);
        fs::write(&path, "tw").unwrap();
        assert_eq!(current.look(), None, "it may be written just now");
        fs::write(&path, "two").unwrap();
        assert_eq!(current.look(), None);
        let found = current.look().unwrap();
        take(&mut current, found, true);
        assert_eq!(current.look(), None, "it is in effect");
    }

    #[test]
    fn a_bad_users_file_is_told_once_and_again_when_it_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        fs::write(&path, "good").unwrap();
        let mut current = current(&path);
        let mut told = 0;
        for contents in ["bad", "bad", "bad", "bad", "good", "bad", "bad"] {
            fs::write(&path, contents).unwrap();
            if let Some(found) = current.look() {
                told += 1;
                take(&mut current, found, false);
            }
        }
        assert_eq!(told, 2);
        fs::remove_file(&path).unwrap();
        assert_eq!(current.look(), None);
        assert!(current.look().is_some_and(|found| found.is_err()), "a file that is gone is told too");
    }

    #[test]
    fn a_link_that_is_changed_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let in_folder = |name: &str| folder.path().join(name);
        for (version, contents) in [("v1", "one"), ("v2", "two")] {
            fs::create_dir(in_folder(version)).unwrap();
            fs::write(in_folder(version).join("users"), contents).unwrap();
        }
        // Kubernetes mounts secrets in this way.
        symlink("v1", in_folder("data")).unwrap();
        symlink("data/users", in_folder("users")).unwrap();
        let mut current = current(&in_folder("users"));
        symlink("v2", in_folder("new")).unwrap();
        fs::rename(in_folder("new"), in_folder("data")).unwrap();
        assert_eq!(current.look(), None);
        assert_ne!(current.look().unwrap().unwrap(), current.users);
    }
}
