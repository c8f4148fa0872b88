//! Reads the configuration again while the server runs, when the operator sends SIGHUP.
//!
//! Everything is read and checked before anything changes. After an error nothing has changed, and one line says why.
//! Otherwise one line names the keys that changed, and those that wait for the next start.

use crate::keys::ProcessSettings;
use crate::logging::LevelHandle;
use crate::queue::QueueSender;
use crate::start_error::StartError;
use crate::startup::Environment;
use crate::startup::Startup;
use crate::threads;
use namesrv_core::config::{Changes, Configuration};
use namesrv_core::node::Input;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use tracing::{info, warn};

/// The way to the reload thread, which ends with it.
#[derive(Clone, Debug)]
pub(crate) struct ReloadHandle(Sender<()>);

/// Everything that the thread works with.
#[derive(Debug)]
pub(crate) struct Reload {
    pub(crate) config_file: Option<PathBuf>,
    /// What was read at start.
    pub(crate) started: Configuration,
    pub(crate) level: LevelHandle,
    pub(crate) queue: QueueSender,
}

impl ReloadHandle {
    /// Asks for a reload, and does not wait for it.
    pub(crate) fn request(&self) {
        // The thread ends only with this sender.
        let _ = self.0.send(());
    }
}

impl Reload {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn start(self) -> io::Result<ReloadHandle> {
        let (sender, requests) = mpsc::channel();
        threads::named("reload").spawn(move || self.run(&requests))?;
        Ok(ReloadHandle(sender))
    }

    fn run(self, requests: &Receiver<()>) {
        let mut current = self.started.clone();
        while let Ok(()) = requests.recv() {
            // Several requests that wait are one.
            requests.try_iter().for_each(drop);
            match self.read(&current) {
                Ok((startup, changes)) => {
                    current = startup.configuration.clone();
                    self.apply(startup, &changes);
                }
                Err(error) => warn!("reload failed, nothing was changed: {error}"),
            }
        }
    }

    /// Reads and checks everything, and changes nothing.
    fn read(&self, current: &Configuration) -> Result<(Startup, Changes), StartError> {
        let startup = Startup::read(self.config_file.as_deref(), &Environment::of_process())?;
        let Changes { in_effect, .. } = startup.configuration.changes_since(current);
        let Changes { at_start, .. } = startup.configuration.changes_since(&self.started);
        Ok((startup, Changes { in_effect, at_start }))
    }

    /// Nothing here can fail.
    fn apply(&self, startup: Startup, changes: &Changes) {
        self.level.set(ProcessSettings::of(&startup.configuration).log_level);
        self.queue.push(Input::Reload(startup.configuration.into()));
        let list = |keys: &[String]| (!keys.is_empty()).then(|| keys.join(", "));
        info!(keys = list(&changes.in_effect), at_next_start = list(&changes.at_start), "configuration reloaded");
        for warning in &startup.warnings {
            warn!("{}", warning.0);
        }
    }
}
