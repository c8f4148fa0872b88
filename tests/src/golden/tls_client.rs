//! The client of a golden case over TLS: a link in memory, a world behind it, and what the client saw.

use super::cases::Facts;
use crate::answer::{Answer, whole_frames};
use crate::registration::{Registration, Topic};
use crate::request::Request;
use crate::tls::{Version, client};
use crate::transport::{Link, outgoing, seal};
use crate::world::World;
use heck::ToSnakeCase;
use namesrv_core::node::Input;
use namesrv_core::time::{Duration, Instant};
use namesrv_shell::tls::TlsMode;
use rustls::{ClientConnection, Error};
use std::cell::RefCell;
use std::io::Read;
use std::rc::Rc;

/// The connection of the world that stands for the link.
const NAME: &str = "client";
/// Topics of a large registration, with names of twelve bytes: as many as the Java server was sent.
const TOPICS: usize = 40_000;
const TWELVE_BYTES: usize = 12;
/// The largest frame that a client may announce.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A client, with or without TLS, that remembers what it saw.
#[derive(Debug)]
pub(super) struct Client {
    link: Link,
    world: Rc<RefCell<World>>,
    tls: Option<ClientConnection>,
    /// When it sent something last.
    since: Instant,
    /// What it was sent, without TLS.
    plaintext: Vec<u8>,
    /// Alerts by their names in the file.
    alerts: Vec<String>,
    closed_after: Option<Duration>,
    is_same_as_plain: Option<bool>,
}

impl Client {
    /// Connects; `None` is a client without TLS.
    pub(super) fn connect(version: Option<Version>, mode: TlsMode, world: Rc<RefCell<World>>) -> Self {
        let link = Link::open(mode, &world.borrow().shared_view());
        Self {
            since: link.now.monotonic,
            tls: version.map(client),
            link,
            world,
            plaintext: Vec::new(),
            alerts: Vec::new(),
            closed_after: None,
            is_same_as_plain: None,
        }
    }

    /// A request that is answered with code 17.
    pub(super) fn request() -> Vec<u8> {
        Request::new(105).field("topic", "NoSuchTopic").encode()
    }

    /// The front of a frame that is never complete.
    pub(super) fn large_frame() -> Vec<u8> {
        let length = (FRAME_BYTES_MAX - 4) as u32;
        [&length.to_be_bytes()[..], &[0; 1000]].concat()
    }

    /// The first flight of its handshake. Cases about an incomplete one do not say of which version it is.
    pub(super) fn hello(&mut self) -> Vec<u8> {
        outgoing(self.tls.get_or_insert_with(|| client(Version::Tls13)))
    }

    pub(super) fn send_hello_without_its_last_byte(&mut self) {
        let hello = self.hello();
        self.send_raw(&hello[..hello.len() - 1]);
    }

    pub(super) fn shake_hands(&mut self) {
        let Some(mut tls) = self.tls.take() else { return };
        crate::transport::shake_hands(&mut tls, &mut self.link);
        self.tls = Some(tls);
    }

    /// Goes through the handshake for as long as the server does.
    pub(super) fn shake_hands_if_it_can(&mut self) {
        while let Some(tls) = self.tls.as_mut().filter(|tls| tls.is_handshaking() && self.link.end.is_none()) {
            let flight = outgoing(tls);
            if flight.is_empty() {
                return;
            }
            self.send_raw(&flight);
        }
    }

    /// Sends plaintext unless the server has closed the connection.
    pub(super) fn send_if_it_can(&mut self, plaintext: &[u8]) {
        if self.link.end.is_none() {
            self.send(plaintext);
        }
    }

    /// Sends plaintext, over TLS if it speaks that.
    pub(super) fn send(&mut self, plaintext: &[u8]) {
        let records = self.seal(plaintext);
        self.send_raw(&records);
    }

    /// Sends bytes as they are.
    pub(super) fn send_raw(&mut self, bytes: &[u8]) {
        self.since = self.link.now.monotonic;
        self.link.wire.arrived.extend(bytes);
        self.settle();
    }

    pub(super) fn send_requests(&mut self, number: usize) {
        self.send(&Self::request().repeat(number));
    }

    pub(super) fn send_request_in_records_of_one_byte(&mut self) {
        let request = Self::request();
        assert_eq!(request.len(), 141);
        let records: Vec<_> = request.iter().map(|byte| self.seal(&[*byte])).collect();
        self.send_raw(&records.concat());
    }

    /// Sends one byte after the other, an `interval` apart, until they are sent or the connection is closed.
    pub(super) fn dribble(&mut self, bytes: &[u8], interval: Duration, send: fn(&mut Self, &[u8])) {
        let since = self.since;
        for byte in bytes {
            if self.link.end.is_some() {
                break;
            }
            send(self, &[*byte]);
            self.since = since;
            self.watch(interval);
        }
    }

    /// Registers a broker with very many topics.
    pub(super) fn register_topics(&mut self) {
        let topics = (0..TOPICS).map(|number| Topic::new(&format!("topic-{number:06}"))).collect();
        let registration = Registration { topics: Some(topics), ..Registration::new("broker-a", 0) };
        self.send(&registration.request().encode());
    }

    pub(super) fn ask_for_all_topics(&mut self, times: usize) {
        self.send(&Request::new(206).encode().repeat(times));
    }

    /// Asks for the list of all topics, over TLS and without.
    pub(super) fn compare_list_with_plain_text(&mut self) {
        self.ask_for_all_topics(1);
        let mut world = self.world.borrow_mut();
        world.receive("plain", &Request::new(206).encode());
        self.is_same_as_plain = Some(world.take_output("plain").as_ref() == Some(&self.plaintext));
        assert!(self.plaintext.len() > TOPICS * TWELVE_BYTES);
    }

    pub(super) fn stop_reading(&mut self) {
        self.link.wire.space = 0;
    }

    pub(super) fn read_on(&mut self) {
        assert!(self.plaintext.is_empty(), "it reads nothing meanwhile");
        self.link.wire.space = usize::MAX;
        self.settle();
    }

    pub(super) fn forget_answers(&mut self) {
        assert!(!self.plaintext.is_empty(), "there is an answer");
        self.plaintext.clear();
    }

    /// Sends plaintext and the end of TLS in one write, and keeps the stream open.
    pub(super) fn end_tls(&mut self, plaintext: &[u8]) {
        let mut records = self.seal(plaintext);
        let tls = self.tls.as_mut().expect("a client that speaks TLS");
        tls.send_close_notify();
        records.extend(outgoing(tls));
        self.send_raw(&records);
    }

    /// Ends the stream and not TLS.
    pub(super) fn end_stream(&mut self) {
        self.link.wire.is_ended = true;
        self.settle();
    }

    /// The server is told to stop.
    pub(super) fn stop_server(&mut self) {
        self.link.machine().handle_stop();
        self.settle();
    }

    /// Lets time pass until the server closes the connection, but no longer than this.
    pub(super) fn watch(&mut self, time: Duration) {
        self.link.advance(time);
        self.see();
    }

    /// What it saw.
    pub(super) fn facts(&self) -> Facts {
        let (is_closed, answers) = (self.link.end.is_some(), self.answers());
        let result = match (is_closed, self.plaintext.is_empty()) {
            (true, _) => "closed",
            (false, false) => "answered",
            (false, true) => "waits",
        };
        let after = self.closed_after.unwrap_or_else(|| self.link.now.monotonic.since(self.since));
        let mut facts = vec![
            ("result", result.to_owned()),
            ("answer", if answers.is_empty() { "does not come" } else { "comes" }.to_owned()),
            ("answers", answers.len().to_string()),
            ("server_sends", self.alerts.join(", ")),
            ("tcp", if is_closed { "FIN" } else { "stays open" }.to_owned()),
            ("after_seconds", format!("{:.0}", after.as_secs_f64())),
        ];
        if let Some(last) = answers.last() {
            facts.push(("code", last.code.to_string()));
            facts.push(("body_bytes", last.body.len().to_string()));
        }
        if let Some(is_same) = self.is_same_as_plain {
            facts.push(("same_as_plain", is_same.to_string()));
        }
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn answers(&self) -> Vec<Answer> {
        let (frames, _rest) = whole_frames(&self.plaintext);
        frames.into_iter().map(|frame| Answer::decode(frame).expect("a readable answer")).collect()
    }

    fn seal(&mut self, plaintext: &[u8]) -> Vec<u8> {
        self.tls.as_mut().map_or_else(|| plaintext.to_vec(), |tls| seal(tls, plaintext))
    }

    /// Lets the server work until it rests: the link, and the world that answers what it forwards.
    fn settle(&mut self) {
        loop {
            self.link.settle();
            let forwarded: Vec<_> = self.link.forwarded.drain(..).collect();
            let is_idle = forwarded.is_empty();
            for input in forwarded {
                // After the end of the connection nothing is answered.
                let Input::Frame { frame, .. } = input else { continue };
                let mut world = self.world.borrow_mut();
                world.receive(NAME, &frame);
                let reply = world.take_output(NAME).expect("an open connection");
                self.link.publish(world.shared_view());
                let now = self.link.now;
                self.link.machine().handle_reply(reply.into(), now);
            }
            self.see();
            if is_idle {
                return;
            }
        }
    }

    /// Reads what the server wrote, and notes when it closed.
    fn see(&mut self) {
        let written = self.link.take_written();
        let mut rest = &written[..];
        if self.link.end.is_some() && self.closed_after.is_none() {
            self.closed_after = Some(self.link.now.monotonic.since(self.since));
        }
        let Some(tls) = &mut self.tls else {
            self.plaintext.extend(rest);
            return;
        };
        while !rest.is_empty() {
            tls.read_tls(&mut rest).expect("a slice can be read");
            let state = match tls.process_new_packets() {
                Ok(state) => state,
                Err(Error::AlertReceived(alert)) => {
                    self.alerts.push(format!("{alert:?}").to_snake_case());
                    return;
                }
                Err(error) => panic!("{error}"),
            };
            let mut more = vec![0; state.plaintext_bytes_to_read()];
            tls.reader().read_exact(&mut more).expect("as many bytes as it says");
            self.plaintext.extend(more);
            if state.peer_has_closed() {
                self.alerts.push("close_notify".to_owned());
            }
        }
    }
}
