//! The second port: health, metrics and all other pages that are read over HTTP. It is off unless a key opens it.
//!
//! One thread serves it, the same for all runtimes, so neither a slow client nor a hung I/O thread can come between an
//! operator and the state of the server. It only looks at the newest view, the counters and the progress of the other
//! threads. No request to it changes anything.

mod api;
mod connections;
mod drift;
mod error;
mod events;
mod exposition;
mod health;
mod history;
mod keys;
mod listeners;
mod metrics;
mod name_servers;
mod nsaddr;
mod pages;
mod probe;
mod process_figures;
mod site;
mod status;
mod thread;

pub(crate) use error::AdminError;
pub(crate) use keys::AdminSettings;
pub(crate) use site::Parts;

use crate::address_families::AddressFamilies;
use crate::build::Build;
use crate::clock::Clock;
use crate::inspection::wake;
use crate::lifecycle::Lifecycle;
use crate::service_manager::ServiceManager;
use crate::socket_activation::PassedSocket;
use crate::threads;
use crate::tls::Tls;
use listeners::Listener;
use name_servers::NameServers;
use namesrv_core::config::Configuration;
use site::Site;
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use thread::AdminThread;
use tracing::{info, warn};

/// The handle of the admin thread.
#[derive(Debug)]
pub(crate) struct Admin {
    parts: Arc<OnceLock<Parts>>,
    /// `None` if no address is open.
    running: Option<Running>,
}

/// The thread, and what wakes it.
#[derive(Debug)]
struct Running {
    thread: JoinHandle<()>,
    waker: Arc<OwnedFd>,
}

impl Admin {
    /// Binds the addresses in the configuration, or uses the passed socket, and begins to answer. At first every answer
    /// says that the server is starting.
    ///
    /// # Errors
    /// An address is bad or taken, the passed socket is for another address, or the operating system cannot start a
    /// thread.
    pub(crate) fn start(
        build: Build,
        configuration: &Configuration,
        lifecycle: Arc<Lifecycle>,
        passed: Option<PassedSocket>,
        tls: &Arc<Tls>,
        clock: Clock,
    ) -> Result<Self, AdminError> {
        let settings = AdminSettings::of(configuration);
        let listeners = listeners::bind(&settings, AddressFamilies::of(configuration), passed)?;
        let service_manager = ServiceManager::of_process();
        let parts = Arc::default();
        let mut running = None;
        if !listeners.is_empty() || service_manager.is_some() {
            listeners.iter().for_each(log);
            let name_servers = NameServers::start(&settings, tls)?;
            let keys = configuration.keys().copied().collect();
            let site = Site::new(build, settings, name_servers, keys, lifecycle, Arc::clone(&parts), clock);
            let failed = |source| AdminError::Thread(source);
            let mut thread = AdminThread::new(listeners, site, service_manager, clock).map_err(failed)?;
            let waker = thread.waker();
            let thread = threads::named("admin").spawn(move || thread.run()).map_err(failed)?;
            running = Some(Running { thread, waker });
        }
        Ok(Self { parts, running })
    }

    /// Shows the rest of the server, which is complete now.
    pub(crate) fn show(&self, parts: Parts) {
        // This is called only once.
        let _ = self.parts.set(parts);
    }

    /// Sends the last events to the clients that follow them, and ends the thread. Call it once the server has stopped.
    pub(crate) fn finish(self) {
        if let Some(Running { thread, waker }) = self.running {
            wake(&waker);
            // If the thread panics, the process ends.
            let _ = thread.join();
        }
    }
}

/// Checks the configuration, without binding or resolving anything.
///
/// # Errors
/// A bad address, label or list.
pub(crate) fn check(configuration: &Configuration) -> Result<(), AdminError> {
    let settings = AdminSettings::of(configuration);
    listeners::check(&settings)?;
    name_servers::check(&settings)
}

fn log(listener: &Listener) {
    let Listener { address, scope, .. } = listener;
    match scope {
        listeners::Scope::Everything if !address.ip().to_canonical().is_loopback() => {
            warn!(%address, "whoever reaches adminListen can read the configuration and all addresses");
        }
        listeners::Scope::Everything => info!(%address, "health, metrics and everything else is read here"),
        listeners::Scope::NameServers => info!(%address, "addresses of NameServers are read here"),
        listeners::Scope::Metrics => info!(%address, "metrics and health are read here"),
    }
}
