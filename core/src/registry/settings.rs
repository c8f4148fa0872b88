//! Configuration requests (Java: `DefaultRequestProcessor.updateConfig`, `DefaultRequestProcessor.getConfig`): a change is
//! saved to its own file, then it takes effect, even if it could not be saved.

use super::{Answer, Ask, Output, Registry, SaveFile, SaveTicket};
use crate::Peer;
use crate::config::{Configuration, Update};
use crate::event::Event;
use crate::wire::Request;
use crate::wire::code::response;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// The configuration and what is about to become of it.
#[derive(Debug)]
pub(super) struct ConfigurationStore {
    pub(super) configuration: Configuration,
    saving: Option<Saving>,
    /// What came while a save was going on.
    waiting: VecDeque<ConfigurationRequest>,
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
    ask: Ask,
    peer: Peer,
}

#[derive(Debug)]
struct ConfigurationRequest {
    ask: Ask,
    peer: Peer,
    /// Bytes that it is counted with.
    bytes: usize,
    /// Absent: only to be shown.
    update: Option<Bytes>,
}

impl ConfigurationStore {
    pub(super) const fn new(configuration: Configuration) -> Self {
        Self { configuration, saving: None, waiting: VecDeque::new(), waiting_bytes: 0, is_unsaved: false }
    }
}

impl Registry {
    pub(super) fn update_configuration(&mut self, ask: Ask, peer: Peer, request: &Request<'_>) {
        self.queue_configuration_request(ask, peer, Some(request.body));
    }

    pub(super) fn show_configuration(&mut self, ask: Ask, peer: Peer) {
        self.queue_configuration_request(ask, peer, None);
    }

    fn queue_configuration_request(&mut self, ask: Ask, peer: Peer, update: Option<&[u8]>) {
        let store = &mut self.configuration;
        // What waits is answered all at once. Alone a request may ask for as much as there is.
        let bytes = match update {
            Some(update) => update.len(),
            None if store.waiting.is_empty() => 0,
            None => store.configuration.listing_bytes() + store.waiting_bytes,
        };
        if store.waiting_bytes + bytes > self.limits.frame_bytes_max {
            return self.answer(ask, Answer::failure(response::SYSTEM_ERROR, "too many changes wait to be saved"));
        }
        store.waiting_bytes += bytes;
        let update = update.map(Bytes::copy_from_slice);
        store.waiting.push_back(ConfigurationRequest { ask, peer, bytes, update });
        self.next_configuration_request();
    }

    fn next_configuration_request(&mut self) {
        while self.configuration.saving.is_none()
            && let Some(ConfigurationRequest { ask, peer, bytes, update }) = self.configuration.waiting.pop_front()
        {
            self.configuration.waiting_bytes -= bytes;
            let ConfigurationStore { configuration, is_unsaved, .. } = &self.configuration;
            let answer = match update.map(|body| configuration.update(&body)) {
                None => Answer::success().with_body(configuration.listing().into_bytes().into()),
                Some(Update::Malformed) => Answer::failure(response::SYSTEM_ERROR, "string2Properties error"),
                Some(Update::Forbidden) => {
                    Answer::failure(response::NO_PERMISSION, "Can not update config in black list.")
                }
                Some(Update::Unchanged) if !is_unsaved => Answer::success(),
                Some(Update::Unchanged) => {
                    let configuration = Box::new(configuration.clone());
                    return self.save_configuration(configuration, Vec::new(), ask, peer);
                }
                Some(Update::Changed { configuration, keys }) => {
                    return self.save_configuration(configuration, keys, ask, peer);
                }
            };
            self.answer(ask, answer);
        }
    }

    fn save_configuration(&mut self, configuration: Box<Configuration>, keys: Vec<String>, ask: Ask, peer: Peer) {
        let ticket = self.next_ticket();
        let contents = configuration.runtime_file().into_bytes();
        self.configuration.saving = Some(Saving { ticket, configuration, keys, ask, peer });
        self.outputs.push_back(Output::Save { ticket, file: SaveFile::RuntimeConfig, contents });
    }

    /// The end of a save. True: it was one of the configuration.
    pub(super) fn configuration_saved(&mut self, ticket: SaveTicket, result: &Result<(), String>) -> bool {
        let Some(saving) = self.configuration.saving.take_if(|saving| saving.ticket == ticket) else { return false };
        self.configuration.is_unsaved = result.is_err();
        if let Err(reason) = result {
            self.event(Event::SaveFailed { file: SaveFile::RuntimeConfig, reason: reason.clone() });
        }
        self.configuration.configuration = *saving.configuration;
        self.settings = self.configuration.configuration.settings();
        self.tables.changed = true;
        if !saving.keys.is_empty() {
            self.event(Event::ConfigurationChanged { keys: saving.keys.join(","), peer: saving.peer.address });
        }
        self.answer(saving.ask, Answer::success());
        self.next_configuration_request();
        true
    }
}
