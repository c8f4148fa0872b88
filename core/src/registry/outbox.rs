//! The outbox: all outputs of the registry, in order.

use super::answer::{Answer, ReplyTo};
use crate::ConnId;
use crate::access::Reach;
use crate::event::Event;
use crate::output::{CloseReason, Output};
use crate::save::{SaveFile, SaveTicket};
use crate::serialization::Serialization;
use crate::tally::Tally;
use crate::wire::response::{Head, write_frame};
use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;

/// Outputs that wait to be polled.
#[derive(Debug)]
pub(super) struct Outbox {
    outputs: VecDeque<Output>,
    /// Bytes of the waiting replies.
    reply_bytes: usize,
    serialization: Serialization,
    /// Number of the last request to a broker.
    opaque: i32,
    /// Number of the last save.
    save: u64,
    /// What was answered since the last time it was taken.
    tally: Tally,
}

impl Outbox {
    pub(super) fn new(serialization: Serialization) -> Self {
        let (outputs, tally) = (VecDeque::new(), Tally::default());
        Self { outputs, reply_bytes: 0, serialization, opaque: 0, save: 0, tally }
    }

    /// Encodes an answer. The answer to a one-way request is an empty frame, which tells the connection that the
    /// request is done.
    pub(super) fn reply(&mut self, to: ReplyTo, answer: &Answer) {
        let frame = if to.is_oneway { Bytes::new() } else { answer.frame(self.serialization, to.opaque) };
        self.tally.note(to.code, (!to.is_oneway).then_some(answer.code()));
        self.reply_bytes += frame.len();
        self.outputs.push_back(Output::Reply { conn: to.conn, frame });
    }

    /// Sends an answer that `write` encodes. `write` returns the code of the answer.
    pub(super) fn reply_from_view(&mut self, to: ReplyTo, write: impl FnOnce(&mut Vec<u8>) -> i32) {
        let mut frame = Vec::new();
        let response = (!to.is_oneway).then(|| write(&mut frame));
        self.tally.note(to.code, response);
        self.reply_bytes += frame.len();
        self.outputs.push_back(Output::Reply { conn: to.conn, frame: frame.into() });
    }

    pub(super) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn close(&mut self, conn: ConnId, reason: CloseReason) {
        self.outputs.push_back(Output::Close { conn, reason });
    }

    /// Starts a save, and returns its ticket. The driver hands the ticket back when the save ends.
    pub(super) fn save(&mut self, file: SaveFile, contents: Vec<u8>) -> SaveTicket {
        let ticket = self.next_ticket(file);
        self.outputs.push_back(Output::Save { ticket, contents });
        ticket
    }

    /// Returns the ticket of a save that the driver starts.
    pub(super) const fn next_ticket(&mut self, file: SaveFile) -> SaveTicket {
        self.save += 1;
        SaveTicket { file, number: self.save }
    }

    /// Sends the same one-way request to several brokers, except those out of reach.
    pub(super) fn notify<'a>(
        &mut self,
        receivers: impl Iterator<Item = (&'a str, Reach)>,
        code: i32,
        fields: &[(&str, Cow<'_, str>)],
    ) {
        self.opaque = self.opaque.wrapping_add(1);
        let mut frame = Vec::new();
        let head = Head::oneway(code, self.opaque).with_fields(fields);
        write_frame(&mut frame, self.serialization, &head, |_| ());
        let frame = Bytes::from(frame);
        for (address, reach) in receivers.filter(|(address, reach)| reach.has_host(address)) {
            self.outputs.push_back(Output::Notify { address: address.into(), reach, frame: frame.clone() });
        }
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if let Some(Output::Reply { frame, .. }) = &output {
            self.reply_bytes -= frame.len();
        }
        output
    }

    pub(super) const fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// Returns the bytes of the waiting replies.
    pub(super) const fn reply_bytes(&self) -> usize {
        self.reply_bytes
    }
}
