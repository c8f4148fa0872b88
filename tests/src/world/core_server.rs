//! The world as a server of golden conversations.

use super::World;
use crate::server::{Reaction, Server, Setup};
use namesrv_core::access::User;
use std::time::Duration;

/// The world as a server of golden conversations.
#[derive(Debug)]
pub struct CoreServer {
    world: World,
    /// Frames arrive in pieces of so many bytes.
    piece: usize,
}

impl CoreServer {
    /// Starts a server that is handed whole frames.
    pub fn start(setup: &Setup) -> Self {
        Self { world: World::new(&setup.properties), piece: usize::MAX }
    }

    /// Starts a server with these users of a users file.
    pub fn with_users(setup: &Setup, users: Vec<User>) -> Self {
        Self { world: World::with_users(&setup.properties, users), piece: usize::MAX }
    }

    /// Starts a server that is handed every frame in pieces of `piece` bytes.
    pub fn start_in_pieces(setup: &Setup, piece: usize) -> Self {
        Self { piece, ..Self::start(setup) }
    }

    /// The world inside.
    pub fn world(&self) -> &World {
        &self.world
    }
}

impl Server for CoreServer {
    fn exchange(&mut self, connection: &str, frame: &[u8]) -> Reaction {
        for piece in frame.chunks(self.piece.min(frame.len())) {
            self.world.receive(connection, piece);
            if !self.world.is_open(connection) {
                return Reaction::Closed;
            }
        }
        match self.world.take_output(connection) {
            None => Reaction::Closed,
            Some(output) if output.is_empty() => Reaction::Silent,
            Some(output) => Reaction::Answer(output),
        }
    }

    fn disconnect(&mut self, connection: &str) {
        self.world.disconnect(connection);
    }

    fn pass(&mut self, time: Duration) {
        self.world.advance(time);
    }

    fn terminate(&mut self) {
        self.world.shut_down();
    }

    fn pushed(&mut self, address: &str) -> Option<Vec<u8>> {
        self.world.take_notification(address).map(|frame| frame.to_vec())
    }

    fn own_keys(&self) -> &'static [&'static str] {
        &["rocketmqHome", "kvConfigPath", "configStorePath", "listenPort", "rocketmq.serialize.type"]
    }
}
