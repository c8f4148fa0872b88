//! The session of a command: its arguments and options, and how to reach the servers.

use crate::admin::{Admin, AdminError, DEFAULT_ADDRESS, encode};
use crate::ask_error::{AskError, Unanswered};
use crate::bodies::ClusterInfo;
use crate::client::{Client, Way};
use crate::failure::Failure;
use crate::options::Options;
use serde_json::Value;
use std::time::Duration;

/// The most pages of one list. Each page has a thousand items.
const PAGES_MAX: usize = 1000;

/// The session of a command.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The name of this program.
    pub(crate) program: String,
    pub(crate) options: Options,
    /// The words after the name of the command.
    pub(crate) arguments: Vec<String>,
    /// The NameServers, in the order of attempts.
    pub(crate) addresses: Vec<String>,
    pub(crate) way: Way,
    /// The second port, if the command line names one.
    pub(crate) admin: Option<Admin>,
    /// Writes a line to standard error.
    pub(crate) warn: fn(&str),
}

/// A server with a connection to it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) client: Client,
}

impl Session {
    /// Connects to the first NameServer that accepts, and says so if it is not the first in the list.
    ///
    /// # Errors
    /// No server accepts.
    pub(crate) fn connect(&self) -> Result<Server, Failure> {
        let mut failure = Failure::Usage("there is no NameServer to ask".to_owned());
        for (index, address) in self.addresses.iter().enumerate() {
            match Server::connect(address, &self.way) {
                Ok(server) => return Ok(server),
                Err(error) if index + 1 < self.addresses.len() => (self.warn)(&format!("{error}: asking the next")),
                Err(error) => failure = error.into(),
            }
        }
        Err(failure)
    }

    /// Returns the second port that the command line names, or else the default of packages.
    pub(crate) fn admin_or_default(&self) -> Admin {
        let default = || Admin { address: DEFAULT_ADDRESS.to_owned(), within: self.options.timeout() };
        self.admin.clone().unwrap_or_else(default)
    }

    /// Returns an argument of the command.
    pub(crate) fn argument(&self, index: usize) -> Option<&str> {
        self.arguments.get(index).map(String::as_str)
    }

    /// The same session with another time limit.
    pub(crate) fn within(&self, within: Duration) -> Self {
        let admin = self.admin.clone().map(|admin| Admin { within, ..admin });
        Self { way: Way { within, ..self.way.clone() }, admin, ..self.clone() }
    }
}

impl Server {
    /// Connects to one NameServer.
    ///
    /// # Errors
    /// The server does not accept.
    pub(crate) fn connect(address: &str, way: &Way) -> Result<Self, Unanswered> {
        match Client::connect(address, way) {
            Ok(client) => Ok(Self { address: address.to_owned(), client }),
            Err(error) => Err(Unanswered { address: address.to_owned(), error }),
        }
    }

    /// Asks for all broker groups and clusters.
    ///
    /// # Errors
    /// There is no answer.
    pub(crate) fn ask_cluster_info(&mut self) -> Result<ClusterInfo, Unanswered> {
        self.ask(|client| client.cluster_info())
    }

    /// Calls `ask`, and adds the server's address to an error.
    ///
    /// # Errors
    /// Those of `ask`.
    pub(crate) fn ask<T>(&mut self, ask: impl FnOnce(&mut Client) -> Result<T, AskError>) -> Result<T, Unanswered> {
        ask(&mut self.client).map_err(|error| Unanswered { address: self.address.clone(), error })
    }
}

impl Admin {
    /// Returns a page of JSON.
    ///
    /// # Errors
    /// There is no such page.
    pub(crate) fn ask(&self, path: &str) -> Result<Value, Failure> {
        self.json(path).map_err(|error| self.failure(error))
    }

    /// Returns all pages of a list, as one object with the member `list`.
    ///
    /// # Errors
    /// There is no such list, or it does not end.
    pub(crate) fn ask_list(&self, path: &str, list: &str) -> Result<Value, Failure> {
        let mut rows = Vec::new();
        let mut after = String::new();
        for _ in 0..PAGES_MAX {
            let mut page = self.ask(&format!("{path}?after={}", encode(&after)))?;
            let Some(Value::Array(more)) = page.get_mut(list).map(Value::take) else {
                return Err(self.failure(AdminError::Body));
            };
            rows.extend(more);
            match page.get("next").and_then(Value::as_str) {
                Some(next) if next != after => next.clone_into(&mut after),
                Some(_) | None => return Ok(serde_json::json!({ list: rows })),
            }
        }
        Err(self.failure(AdminError::TooLong))
    }

    pub(crate) fn failure(&self, error: AdminError) -> Failure {
        Failure::Admin { address: self.address.clone(), error }
    }
}
