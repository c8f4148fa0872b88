//! The configuration at run time. A change is saved to its own file, then takes effect, even if it could not be saved.

use super::answer::{Answer, ReplyTo};
use super::outbox::Outbox;
use crate::Peer;
use crate::config::{Configuration, Settings, Update};
use crate::event::Event;
use crate::save::{SaveError, SaveFile, SaveTicket};
use crate::wire::code::response;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// The configuration, and the requests that wait for a save.
#[derive(Debug)]
pub(super) struct ConfigurationStore {
    configuration: Configuration,
    settings: Settings,
    saving: Option<Saving>,
    /// Requests that came during the save.
    waiting: VecDeque<Waiting>,
    /// Bytes of the changes among them, and of the answers to the others.
    waiting_bytes: usize,
    /// The last save failed: what is in effect is not in the file.
    is_unsaved: bool,
}

#[derive(Debug)]
struct Saving {
    ticket: SaveTicket,
    configuration: Box<Configuration>,
    keys: Vec<String>,
    request: ConfigurationRequest,
}

#[derive(Debug)]
struct Waiting {
    request: ConfigurationRequest,
    /// Bytes that it is counted with.
    bytes: usize,
    action: Action,
}

/// The origin of a configuration request.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConfigurationRequest {
    pub(super) reply_to: ReplyTo,
    pub(super) peer: Peer,
}

#[derive(Debug)]
enum Action {
    List,
    Update(Bytes),
}

impl ConfigurationStore {
    pub(super) fn new(configuration: Configuration) -> Self {
        Self {
            settings: configuration.settings(),
            configuration,
            saving: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            is_unsaved: false,
        }
    }

    /// The settings that are in effect.
    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Answers with all keys, after the changes that came before.
    pub(super) fn list(&mut self, request: ConfigurationRequest, bytes_max: usize, outbox: &mut Outbox) {
        // All that waits is answered at once. A request that does not wait may ask for as much as there is.
        let bytes = match self.waiting.is_empty() {
            true => 0,
            false => self.configuration.listing_bytes() + self.waiting_bytes,
        };
        self.enqueue(Waiting { request, bytes, action: Action::List }, bytes_max, outbox);
    }

    /// Changes some keys.
    pub(super) fn update(&mut self, request: ConfigurationRequest, body: &[u8], bytes_max: usize, outbox: &mut Outbox) {
        let action = Action::Update(Bytes::copy_from_slice(body));
        self.enqueue(Waiting { request, bytes: body.len(), action }, bytes_max, outbox);
    }

    fn enqueue(&mut self, waiting: Waiting, bytes_max: usize, outbox: &mut Outbox) {
        if self.waiting_bytes + waiting.bytes > bytes_max {
            let answer = Answer::failure(response::SYSTEM_ERROR, "too many changes wait to be saved");
            return outbox.reply(waiting.request.reply_to, &answer);
        }
        self.waiting_bytes += waiting.bytes;
        self.waiting.push_back(waiting);
        self.take_waiting(outbox);
    }

    /// Answers requests that wait, up to one that needs a save.
    fn take_waiting(&mut self, outbox: &mut Outbox) {
        while self.saving.is_none()
            && let Some(Waiting { request, bytes, action }) = self.waiting.pop_front()
        {
            self.waiting_bytes -= bytes;
            let update = match action {
                Action::Update(body) => self.configuration.update(&body),
                Action::List => {
                    let body = self.configuration.listing().into_bytes().into();
                    outbox.reply(request.reply_to, &Answer::success().with_body(body));
                    continue;
                }
            };
            let answer = match update {
                Update::Malformed => Answer::failure(response::SYSTEM_ERROR, "string2Properties error"),
                Update::Forbidden => Answer::failure(response::NO_PERMISSION, "Can not update config in black list."),
                Update::Unchanged if !self.is_unsaved => Answer::success(),
                Update::Unchanged => {
                    return self.save(Box::new(self.configuration.clone()), Vec::new(), request, outbox);
                }
                Update::Changed { configuration, keys } => return self.save(configuration, keys, request, outbox),
            };
            outbox.reply(request.reply_to, &answer);
        }
    }

    fn save(
        &mut self,
        configuration: Box<Configuration>,
        keys: Vec<String>,
        request: ConfigurationRequest,
        outbox: &mut Outbox,
    ) {
        let ticket = outbox.save(SaveFile::RuntimeConfig, configuration.runtime_file().into_bytes());
        self.saving = Some(Saving { ticket, configuration, keys, request });
    }

    /// A save ended: the change takes effect.
    pub(super) fn handle_saved(&mut self, ticket: SaveTicket, result: Result<(), SaveError>, outbox: &mut Outbox) {
        let Some(saving) = self.saving.take_if(|saving| saving.ticket == ticket) else {
            debug_assert!(false, "{ticket:?} is not being saved");
            return;
        };
        self.is_unsaved = result.is_err();
        if let Err(reason) = result {
            outbox.event(Event::SaveFailed { file: ticket.file, reason });
        }
        self.configuration = *saving.configuration;
        self.settings = self.configuration.settings();
        if !saving.keys.is_empty() {
            let peer = saving.request.peer.address;
            outbox.event(Event::ConfigurationChanged { keys: saving.keys.join(","), peer });
        }
        outbox.reply(saving.request.reply_to, &Answer::success());
        self.take_waiting(outbox);
    }
}
