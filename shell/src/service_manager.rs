//! Messages to systemd over `NOTIFY_SOCKET`: the server is up, reloads or stops, what it is doing, and that its threads
//! make progress. Without that variable there are no messages.

use namesrv_core::time::{Duration, Instant};
use sd_notify::NotifyState;
use tracing::warn;

/// How often the reported status may change.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The server accepts connections, or a reload has ended.
    Ready,
    /// The server reloads its configuration. [`Message::Ready`] follows.
    Reloading,
    /// The server was told to stop.
    Stopping,
    /// The current operation may take this long from now on.
    ExtendTimeout(Duration),
    /// What the server is doing, for people.
    Status(String),
    /// All threads make progress.
    Watchdog,
}

/// Sends repeated messages.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServiceManager {
    /// How often the service manager wants to hear that all threads make progress.
    watchdog: Option<Duration>,
    fed_at: Option<Instant>,
    status: String,
    status_at: Option<Instant>,
}

impl ServiceManager {
    /// The service manager that started this process, if it wants messages.
    pub(crate) fn of_process() -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET")?;
        Some(Self::new(sd_notify::watchdog_enabled()))
    }

    fn new(timeout: Option<Duration>) -> Self {
        let watchdog = timeout.map(|timeout| timeout / 2);
        Self { watchdog, fed_at: None, status: String::new(), status_at: None }
    }

    /// Returns the messages that are due. If threads make no progress, there is no watchdog message, and the service
    /// manager ends the server.
    pub(crate) fn messages(&mut self, is_live: bool, status: impl FnOnce() -> String, now: Instant) -> Vec<Message> {
        let mut messages = Vec::new();
        if self.status_at.is_none_or(|at| now.since(at) >= STATUS_EVERY) {
            self.status_at = Some(now);
            let status = status();
            if status != self.status {
                self.status.clone_from(&status);
                messages.push(Message::Status(status));
            }
        }
        let is_hungry = |interval| self.fed_at.is_none_or(|at| now.since(at) >= interval);
        if is_live && self.watchdog.is_some_and(is_hungry) {
            self.fed_at = Some(now);
            messages.push(Message::Watchdog);
        }
        messages
    }

    /// Returns how long the service manager can wait.
    pub(crate) fn tick(&self) -> Duration {
        self.watchdog.map_or(STATUS_EVERY, |interval| interval.min(STATUS_EVERY))
    }
}

/// Sends messages to the service manager, if there is one.
pub(crate) fn notify(messages: &[Message]) {
    let states: Vec<_> = messages.iter().flat_map(Message::states).collect();
    if !states.is_empty()
        && let Err(error) = sd_notify::notify(&states)
    {
        warn!(%error, "cannot notify the service manager");
    }
}

impl Message {
    fn states(&self) -> Vec<NotifyState<'_>> {
        match self {
            Self::Ready => vec![NotifyState::Ready],
            // With `Type=notify-reload`, systemd uses the time to match this message with its signal.
            Self::Reloading => [NotifyState::Reloading].into_iter().chain(NotifyState::monotonic_usec_now()).collect(),
            Self::Stopping => vec![NotifyState::Stopping],
            Self::ExtendTimeout(time) => {
                vec![NotifyState::ExtendTimeoutUsec(u32::try_from(time.as_micros()).unwrap_or(u32::MAX))]
            }
            Self::Status(status) => vec![NotifyState::Status(status)],
            Self::Watchdog => vec![NotifyState::Watchdog],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn the_watchdog_is_fed_twice_in_its_time_while_threads_go_round() {
        let mut manager = ServiceManager::new(Some(Duration::from_secs(20)));
        assert_eq!(manager.tick(), Duration::from_secs(1));
        let mut fed = Vec::new();
        for second in 0..60 {
            let is_live = second < 30;
            if manager.messages(is_live, String::new, millis(second * 1000)).contains(&Message::Watchdog) {
                fed.push(second);
            }
        }
        assert_eq!(fed, [0, 10, 20], "a hung thread is heard of by silence");
    }

    #[test]
    fn what_the_server_does_is_told_when_it_changes_and_at_most_once_a_second() {
        let mut manager = ServiceManager::new(None);
        let mut told = |status: &str, at| manager.messages(true, || status.to_owned(), millis(at));
        assert_eq!(told("a", 0), [Message::Status("a".to_owned())]);
        assert_eq!(told("b", 999), []);
        assert_eq!(told("b", 1000), [Message::Status("b".to_owned())]);
        assert_eq!(told("b", 2000), []);
    }

    #[test]
    fn a_short_watchdog_is_fed_in_time() {
        assert_eq!(ServiceManager::new(Some(Duration::from_millis(600))).tick(), Duration::from_millis(300));
    }
}
