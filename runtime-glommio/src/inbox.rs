//! The way into one executor: a channel that may be used from any thread.

use async_channel::Receiver;
use namesrv_shell::server::{Inbox, ToIo};

/// The end that the registry thread and the signal handler deliver to.
pub(crate) struct Sender(async_channel::Sender<ToIo>);

/// Both ends. It holds what the connections are owed, which the window of each bounds, so the registry never waits.
pub(crate) fn channel() -> (Sender, Receiver<ToIo>) {
    let (sender, receiver) = async_channel::unbounded();
    (Sender(sender), receiver)
}

impl Inbox for Sender {
    fn deliver(&self, message: ToIo) {
        // The executor closes its end when everything is done.
        let _ = self.0.try_send(message);
    }
}
