//! The single writer: frames that change something in, outputs out.

mod group;
mod heartbeat;
mod kv;
mod leave;
mod list;
mod liveness;
mod notice;
mod publish;
mod queues;
mod register;
mod room;
mod settings;
mod tables;
mod topic;

use crate::config::{Limits, Settings};
use crate::event::Event;
use crate::hash::Secret;
use crate::initial_state::InitialState;
use crate::route::{OrderTable, RouteView, Topology};
use crate::time::{Instant, Now};
use crate::wire::code::{request as code, response};
use crate::wire::response::{Head, write_frame};
use crate::wire::{Framing, Request, Serialization, next_frame};
use crate::{ConnId, Peer};
use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use kv::KvStore;
use settings::ConfigurationStore;
use tables::Tables;

/// Names one save, so that its end can be told to the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaveTicket(pub u64);

/// A file that the registry wants saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveFile {
    /// The KV table (`kvConfigPath`).
    KvConfig,
    /// Changes of the configuration at run time.
    RuntimeConfig,
}

/// Why the registry closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// All brokers that registered over it expired.
    BrokerExpired,
    /// A forwarded frame could not be read.
    MalformedFrame,
}

/// What the driver has to carry out, strictly in order.
#[derive(Clone, Debug)]
pub enum Output {
    /// A new view; it comes before every reply of its batch, so whoever holds a reply can see its effect.
    Publish(Arc<RouteView>),
    /// A forwarded request is done. The frame is for the connection; it is empty when nothing is to be written (one-way).
    Reply {
        /// The connection that asked.
        conn: ConnId,
        /// The whole answer.
        frame: Bytes,
    },
    /// Close a connection.
    Close {
        /// The connection.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
    /// Send a one-way request to a broker's own address, over a connection of the driver's.
    Notify {
        /// `host:port`.
        address: String,
        /// The whole request.
        frame: Bytes,
    },
    /// Replace the contents of a file, then call [`Registry::handle_saved`].
    Save {
        /// To be handed back.
        ticket: SaveTicket,
        /// Which file.
        file: SaveFile,
        /// All of its contents.
        contents: Vec<u8>,
    },
    /// Something to be told to the operator.
    Event(Event),
}

/// The state machine that owns every table.
///
/// Its inputs cannot fail: whatever goes wrong becomes a reply, a close or an event. Drain
/// [`poll_output`](Registry::poll_output) to `None` after each batch of inputs; a batch may be one input or many.
#[derive(Debug)]
pub struct Registry {
    tables: Tables,
    kv: KvStore,
    configuration: ConfigurationStore,
    settings: Settings,
    limits: Limits,
    serialization: Serialization,
    started: Instant,
    going_away: bool,
    /// Number of the last request that was sent to a broker.
    opaque: i32,
    tickets: u64,
    outputs: VecDeque<Output>,
    /// Bytes of the replies among them.
    reply_bytes: usize,
    topology: Arc<Topology>,
    order: Arc<OrderTable>,
    /// The body of the list of all topics, as of when their names changed last.
    all_topics: Bytes,
}

impl Registry {
    /// An empty registry; its first view is published by the first [`Registry::poll_output`].
    #[must_use]
    pub fn new(initial: InitialState, now: Now) -> Self {
        let secret = Secret::new(initial.secret);
        let mut registry = Self {
            tables: Tables::new(secret, now),
            kv: KvStore::new(initial.kv),
            settings: initial.configuration.settings(),
            configuration: ConfigurationStore::new(initial.configuration),
            limits: initial.limits,
            serialization: initial.serialization,
            started: now.monotonic,
            going_away: false,
            opaque: 0,
            tickets: 0,
            outputs: VecDeque::new(),
            reply_bytes: 0,
            topology: Arc::new(Topology::new(Vec::new(), Arc::default())),
            order: Arc::new(OrderTable::with_hasher(secret)),
            all_topics: Bytes::new(),
        };
        registry.order_changed();
        registry.report_malformed_order();
        registry
    }

    /// A frame that a session forwarded.
    pub fn handle_frame(&mut self, peer: Peer, frame: &Bytes, now: Now) {
        let Ok(Framing::Complete { frame, .. }) = next_frame(frame, &self.limits) else {
            return self.close(peer.conn, CloseReason::MalformedFrame);
        };
        let Ok(request) = Request::decode(frame, &self.limits) else {
            return self.close(peer.conn, CloseReason::MalformedFrame);
        };
        let ask = Ask { conn: peer.conn, opaque: request.opaque, is_oneway: request.is_oneway() };
        let answer = match request.code {
            code::REGISTER_BROKER => self.register_broker(peer, &request, now),
            code::UNREGISTER_BROKER => self.unregister_broker(&request),
            code::BROKER_HEARTBEAT => self.broker_heartbeat(&request, now),
            code::QUERY_DATA_VERSION => self.query_data_version(&request, now),
            code::WIPE_WRITE_PERM_OF_BROKER => self.change_write_permission(peer, &request, false),
            code::ADD_WRITE_PERM_OF_BROKER => self.change_write_permission(peer, &request, true),
            code::REGISTER_TOPIC_IN_NAMESRV => self.register_topic(peer, &request),
            code::DELETE_TOPIC_IN_NAMESRV => self.delete_topic(peer, &request),
            code::GET_ALL_TOPIC_LIST_FROM_NAMESERVER => self.all_topics(),
            code::GET_TOPICS_BY_CLUSTER => self.topics_of_cluster(&request),
            code::GET_UNIT_TOPIC_LIST
            | code::GET_HAS_UNIT_SUB_TOPIC_LIST
            | code::GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST => self.unit_topics(request.code),
            code::PUT_KV_CONFIG | code::GET_KV_CONFIG | code::DELETE_KV_CONFIG | code::GET_KVLIST_BY_NAMESPACE => {
                return self.kv_request(ask, peer, &request);
            }
            code::UPDATE_NAMESRV_CONFIG => return self.update_configuration(ask, peer, &request),
            code::GET_NAMESRV_CONFIG => return self.show_configuration(ask, peer),
            _ => Answer::failure(response::REQUEST_CODE_NOT_SUPPORTED, "not a request for the registry"),
        };
        self.answer(ask, answer);
    }

    /// A connection is gone: everybody who registered over it leaves.
    pub fn handle_disconnect(&mut self, conn: ConnId, _now: Now) {
        self.lose_connection(conn);
    }

    /// Time passed. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: Now) {
        self.expire(now);
    }

    /// A save ended.
    pub fn handle_saved(&mut self, ticket: SaveTicket, result: Result<(), String>, _now: Now) {
        let _ = self.kv_saved(ticket, &result) || self.configuration_saved(ticket, &result);
    }

    /// The server is about to stop: from now on newer clients are told to go away.
    pub fn handle_shutdown(&mut self, _now: Now) {
        self.going_away = true;
        self.tables.changed = true;
    }

    /// The next thing to carry out.
    pub fn poll_output(&mut self) -> Option<Output> {
        if self.tables.changed {
            return Some(self.publish());
        }
        let output = self.outputs.pop_front();
        if let Some(Output::Reply { frame, .. }) = &output {
            self.reply_bytes -= frame.len();
        }
        output
    }

    /// Bytes of the replies that wait to be polled: with many, no more input should be handed in before.
    #[must_use]
    pub const fn reply_bytes(&self) -> usize {
        self.reply_bytes
    }

    /// The settings that are in effect.
    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// When to call [`Registry::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.tables.liveness.next()
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn close(&mut self, conn: ConnId, reason: CloseReason) {
        self.outputs.push_back(Output::Close { conn, reason });
    }

    fn next_ticket(&mut self) -> SaveTicket {
        self.tickets += 1;
        SaveTicket(self.tickets)
    }

    /// One-way requests get an empty frame: it tells the connection that they are done.
    fn answer(&mut self, ask: Ask, answer: Answer) {
        let mut frame = Vec::new();
        if !ask.is_oneway {
            frame.reserve_exact(256 + answer.body.len());
            answer.write(&mut frame, self.serialization, ask.opaque);
        }
        self.reply_bytes += frame.len();
        self.outputs.push_back(Output::Reply { conn: ask.conn, frame: frame.into() });
    }
}

/// Whom an answer is for.
#[derive(Clone, Copy, Debug)]
struct Ask {
    conn: ConnId,
    opaque: i32,
    is_oneway: bool,
}

/// An answer before it is written.
#[derive(Debug)]
struct Answer {
    code: i32,
    remark: Option<Cow<'static, str>>,
    fields: Option<Vec<(&'static str, String)>>,
    body: Bytes,
}

impl Answer {
    const fn success() -> Self {
        Self { code: response::SUCCESS, remark: None, fields: None, body: Bytes::new() }
    }

    fn failure(code: i32, remark: impl Into<Cow<'static, str>>) -> Self {
        Self { code, remark: Some(remark.into()), fields: None, body: Bytes::new() }
    }

    /// With fields; an empty list still shows in a JSON header.
    fn with_fields(self, fields: Vec<(&'static str, String)>) -> Self {
        Self { fields: Some(fields), ..self }
    }

    /// With the empty field list of an answer whose type has fields.
    fn with_no_fields(self) -> Self {
        self.with_fields(Vec::new())
    }

    fn with_body(self, body: Bytes) -> Self {
        Self { body, ..self }
    }

    fn with_optional_body(self, body: Option<impl Into<Bytes>>) -> Self {
        match body {
            Some(body) => self.with_body(body.into()),
            None => self,
        }
    }

    fn write(&self, output: &mut Vec<u8>, form: Serialization, opaque: i32) {
        let remark = [self.remark.as_deref().unwrap_or_default()];
        let mut head = match &self.remark {
            Some(_) => Head::failure(self.code, opaque, &remark),
            None => Head::success(opaque),
        };
        let fields: Option<Vec<(&str, &str)>> =
            self.fields.as_ref().map(|fields| fields.iter().map(|(name, value)| (*name, &**value)).collect());
        if let Some(fields) = &fields {
            head = head.with_fields(fields);
        }
        write_frame(output, form, &head, |output| output.extend_from_slice(&self.body));
    }
}
