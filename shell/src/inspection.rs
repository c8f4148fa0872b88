//! Questions to the registry thread and the I/O threads, from a thread that must not wait for them.

use crate::journal::Facts;
use crate::listing::{ListRequest, Listed};
use crate::queue::QueueSender;
use namesrv_core::node::{Input, Node};
use namesrv_core::report::{Report, ReportRequest};
use namesrv_core::time::Now;
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

/// The end that asks.
#[derive(Debug)]
pub(crate) struct Inspector {
    inspections: Sender<Inspection>,
    queue: QueueSender,
}

/// The end of the registry thread.
#[derive(Debug)]
pub(crate) struct Inspections(Receiver<Inspection>);

/// One question.
#[derive(Debug)]
struct Inspection {
    request: ReportRequest,
    asked_at: Instant,
    ticket: u64,
    replies: Replies,
}

/// A question to one I/O thread.
#[derive(Debug)]
pub struct Listing {
    request: ListRequest,
    ticket: u64,
    asked_at: Instant,
    replies: Replies,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Inspected {
    /// The ticket of the question.
    pub(crate) ticket: u64,
    pub(crate) found: Found,
    /// How long the question waited behind everything that had arrived before it.
    pub(crate) delay: Duration,
}

/// The contents of an answer.
#[derive(Debug)]
pub(crate) enum Found {
    /// What only the registry knows.
    Report(Report),
    /// The connections of an I/O thread.
    Connections(Listed),
}

/// Where to send answers. Sending wakes the thread that waits at the descriptor.
#[derive(Clone, Debug)]
pub(crate) struct Replies {
    inspected: Sender<Inspected>,
    wake: Arc<OwnedFd>,
}

/// Where answers arrive.
#[derive(Debug)]
pub(crate) struct ReplyReceiver {
    inspected: Receiver<Inspected>,
    wake: Arc<OwnedFd>,
}

/// Creates both ends for questions.
pub(crate) fn inspections(queue: QueueSender) -> (Inspector, Inspections) {
    let (inspections, receiver) = mpsc::channel();
    (Inspector { inspections, queue }, Inspections(receiver))
}

/// Creates both ends for answers.
///
/// # Errors
/// The operating system provides no descriptor.
pub(crate) fn replies() -> io::Result<(Replies, ReplyReceiver)> {
    let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
    let (sender, receiver) = mpsc::channel();
    Ok((Replies { inspected: sender, wake: Arc::clone(&wake) }, ReplyReceiver { inspected: receiver, wake }))
}

/// Wakes the thread that waits at the descriptor.
pub(crate) fn wake(descriptor: &OwnedFd) {
    // This fails only if the counter is full, and then the thread wakes anyway.
    let _ = rustix::io::write(descriptor, &1_u64.to_ne_bytes());
}

impl Inspector {
    /// Asks without waiting for the answer.
    pub(crate) fn ask(&self, ticket: u64, request: ReportRequest, replies: &Replies) {
        let inspection = Inspection { request, asked_at: Instant::now(), ticket, replies: replies.clone() };
        if self.inspections.send(inspection).is_ok() {
            // The tick queues behind everything that has arrived, so the registry answers only after handling that.
            self.queue.push(Input::Tick);
        }
    }
}

impl Inspections {
    /// Answers all waiting questions. Call it between two batches.
    pub(crate) fn answer(&self, node: &Node, now: Now) {
        for Inspection { request, asked_at, ticket, replies } in self.0.try_iter() {
            let delay = asked_at.elapsed();
            let report = node.report(&request, now);
            replies.send(Inspected { ticket, found: Found::Report(report), delay });
        }
    }
}

impl Listing {
    pub(crate) fn new(request: ListRequest, ticket: u64, replies: Replies) -> Self {
        Self { request, ticket, asked_at: Instant::now(), replies }
    }

    /// Answers with all connections of an I/O thread.
    pub fn answer(self, connections: impl Iterator<Item = Facts>) {
        let Self { request, ticket, asked_at, replies } = self;
        let mut listed = Listed::default();
        listed.add(connections, request);
        replies.send(Inspected { ticket, found: Found::Connections(listed), delay: asked_at.elapsed() });
    }
}

impl Replies {
    pub(crate) fn send(&self, inspected: Inspected) {
        // The thread that asked may have given up.
        let _ = self.inspected.send(inspected);
        wake(&self.wake);
    }
}

impl ReplyReceiver {
    /// Returns a descriptor that is readable when there are answers.
    pub(crate) fn wake(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Returns the descriptor to which other threads write to wake the waiting thread.
    pub(crate) const fn waker(&self) -> &Arc<OwnedFd> {
        &self.wake
    }

    /// Takes all answers that have arrived.
    pub(crate) fn take(&self) -> Vec<Inspected> {
        // There is nothing to read if nothing arrived.
        let _ = rustix::io::read(&self.wake, &mut [0; 8]);
        self.inspected.try_iter().collect()
    }
}
