//! What the threads of a running NameServer share, and what each of them works with.

use super::agenda::Time;
use super::happening::{Chore, Task};
use super::host::Host;
use super::simulator::Simulator;
use namesrv_core::node::Input;
use namesrv_core::quota::Quotas;
use namesrv_core::route::RouteView;
use namesrv_core::time::Now;
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

/// The registry thread takes what arrived within so many milliseconds.
const WAKE_MILLIS: Time = 2;

/// The queue to the registry thread, and what it publishes.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) view: Arc<RouteView>,
    pub(super) quotas: Arc<Quotas<Cell<usize>>>,
    /// What the registry thread has not taken.
    pub(super) to_node: VecDeque<Input>,
    pub(super) is_registry_due: bool,
    /// When the process stood still.
    pub(super) pauses: Vec<(Time, Time)>,
}

/// What a thread works with.
pub(super) struct Context<'a> {
    pub(super) host: &'a mut Host,
    pub(super) shared: &'a mut Shared,
    pub(super) simulator: &'a mut Simulator,
}

impl Context<'_> {
    pub(super) fn now(&self) -> Now {
        self.host.now(self.simulator.now())
    }

    /// The server does something so many milliseconds from now.
    pub(super) fn plan(&mut self, delay: Time, chore: Chore) {
        self.simulator.plan(self.host.process, delay, Task::Server(chore));
    }

    /// The server does something within so many milliseconds.
    pub(super) fn plan_within(&mut self, most: Time, chore: Chore) {
        let delay = self.simulator.random.u64(0..=most);
        self.plan(delay, chore);
    }

    /// The registry thread wakes up soon, if it does not anyway.
    pub(super) fn wake_registry(&mut self) {
        if !self.shared.is_registry_due {
            self.shared.is_registry_due = true;
            self.plan_within(WAKE_MILLIS, Chore::Registry);
        }
    }
}
