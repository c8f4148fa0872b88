//! The configuration at run time. A change is saved to the runtime file, and then takes effect even if the save failed.

use super::answer::{Answer, ReplyTo};
use super::outbox::Outbox;
use super::subject::Administrator;
use crate::config::{Configuration, Settings, Update};
use crate::event::{Change, Event, Subject};
use crate::report::ReportedValue;
use crate::save::{SaveError, SaveFile, SaveTicket};
use crate::wire::code::{request, response};
use alloc::borrow::ToOwned;
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
    /// Requests that arrived during the save.
    waiting: VecDeque<Waiting>,
    /// Bytes of the waiting changes, and of the answers to the other waiting requests.
    waiting_bytes: usize,
    /// The last save failed, so the file lacks what is in effect.
    is_unsaved: bool,
}

#[derive(Debug)]
struct Saving {
    ticket: SaveTicket,
    configuration: Box<Configuration>,
    keys: Vec<String>,
    reply_to: ReplyTo,
    administrator: Administrator,
}

#[derive(Debug)]
struct Waiting {
    reply_to: ReplyTo,
    /// Bytes that count for it.
    bytes: usize,
    action: Action,
}

#[derive(Debug)]
enum Action {
    List,
    Update(Bytes, Administrator),
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

    /// Returns the settings in effect.
    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns all keys with the values in effect.
    pub(super) fn items(&self) -> Vec<ReportedValue> {
        let reported = |(key, value): (&str, &str)| {
            let source = self.configuration.source(key);
            ReportedValue { key: key.to_owned(), value: value.to_owned(), source }
        };
        self.configuration.items().map(reported).collect()
    }

    /// Answers with all keys, after all earlier changes.
    pub(super) fn list(&mut self, reply_to: ReplyTo, bytes_max: usize, outbox: &mut Outbox) {
        // All waiting requests are answered at once. A request that does not wait may have an answer of any size.
        let bytes = match self.waiting.is_empty() {
            true => 0,
            false => self.configuration.listing_bytes() + self.waiting_bytes,
        };
        self.enqueue(Waiting { reply_to, bytes, action: Action::List }, bytes_max, outbox);
    }

    /// Changes some keys.
    pub(super) fn update(
        &mut self,
        reply_to: ReplyTo,
        administrator: Administrator,
        body: &[u8],
        bytes_max: usize,
        outbox: &mut Outbox,
    ) {
        let action = Action::Update(Bytes::copy_from_slice(body), administrator);
        self.enqueue(Waiting { reply_to, bytes: body.len(), action }, bytes_max, outbox);
    }

    /// Takes over what the configuration file says now, even while a change is being saved.
    pub(super) fn reload(&mut self, file: &Configuration) {
        let saving = self.saving.as_mut().map(|saving| &mut *saving.configuration);
        [&mut self.configuration].into_iter().chain(saving).for_each(|configuration| configuration.reload(file));
        self.settings = self.configuration.settings();
    }

    fn enqueue(&mut self, waiting: Waiting, bytes_max: usize, outbox: &mut Outbox) {
        if self.waiting_bytes + waiting.bytes > bytes_max {
            let answer = Answer::failure(response::SYSTEM_ERROR, "too many changes wait to be saved");
            if let Action::Update(_, administrator) = &waiting.action {
                report(administrator, Change::Nothing, &answer, outbox);
            }
            return outbox.reply(waiting.reply_to, &answer);
        }
        self.waiting_bytes += waiting.bytes;
        self.waiting.push_back(waiting);
        self.take_waiting(outbox);
    }

    /// Answers waiting requests, up to one that needs a save.
    fn take_waiting(&mut self, outbox: &mut Outbox) {
        while self.saving.is_none()
            && let Some(Waiting { reply_to, bytes, action }) = self.waiting.pop_front()
        {
            self.waiting_bytes -= bytes;
            let (update, administrator) = match action {
                Action::Update(body, administrator) => (self.configuration.update(&body), administrator),
                Action::List => {
                    let body = self.configuration.listing().into_bytes().into();
                    outbox.reply(reply_to, &Answer::success().with_body(body));
                    continue;
                }
            };
            let answer = match update {
                Update::Malformed => Answer::failure(response::SYSTEM_ERROR, "string2Properties error"),
                Update::Forbidden => Answer::failure(response::NO_PERMISSION, "Can not update config in black list."),
                Update::Unchanged if !self.is_unsaved => Answer::success(),
                Update::Unchanged => {
                    let configuration = Box::new(self.configuration.clone());
                    return self.save(configuration, Vec::new(), reply_to, administrator, outbox);
                }
                Update::Changed { configuration, keys } => {
                    return self.save(configuration, keys, reply_to, administrator, outbox);
                }
            };
            report(&administrator, Change::Nothing, &answer, outbox);
            outbox.reply(reply_to, &answer);
        }
    }

    fn save(
        &mut self,
        configuration: Box<Configuration>,
        keys: Vec<String>,
        reply_to: ReplyTo,
        administrator: Administrator,
        outbox: &mut Outbox,
    ) {
        let ticket = outbox.save(SaveFile::RuntimeConfig, configuration.runtime_file().into_bytes());
        self.saving = Some(Saving { ticket, configuration, keys, reply_to, administrator });
    }

    /// Handles the end of a save: the change takes effect.
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
        let change = match saving.keys.is_empty() {
            true => Change::Nothing,
            false => Change::Configuration { keys: saving.keys, is_saved: !self.is_unsaved },
        };
        report(&saving.administrator, change, &Answer::success(), outbox);
        outbox.reply(saving.reply_to, &Answer::success());
        self.take_waiting(outbox);
    }
}

/// Reports what an administrator changed.
fn report(administrator: &Administrator, change: Change, answer: &Answer, outbox: &mut Outbox) {
    administrator.report(request::UPDATE_NAMESRV_CONFIG, Subject::new(), change, answer.code(), outbox);
}
