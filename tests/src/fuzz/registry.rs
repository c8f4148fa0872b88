//! Whole runs of a registry: two that differ only in their secret, so that neither may show the order of a hash table.

use super::action::{Action, Question, Run, TOPICS, ZONES};
use super::limits;
use crate::answer::Answer;
use crate::plain_json::{Json, bare};
use crate::process_keys::read_configuration;
use crate::request::Request;
use bytes::Bytes;
use namesrv_core::config::properties::Property;
use namesrv_core::event::{BrokerIdentity, Event};
use namesrv_core::initial_state::InitialState;
use namesrv_core::kv::KvTable;
use namesrv_core::registry::{CloseReason, Output, Registry, SaveTicket};
use namesrv_core::route::{RouteQuery, RouteView};
use namesrv_core::time::{Duration, Instant, Now, WallTime};
use namesrv_core::wire::json::Dialect;
use namesrv_core::wire::{self, Framing, next_frame};
use namesrv_core::{ConnId, Peer};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

const START: Now = Now { monotonic: Instant::from_millis(1_000_000), wall: WallTime::from_millis(1_750_000_000_000) };

/// The bytes stand for a [`Run`].
pub(super) fn registry(data: &[u8]) {
    let run = Run::new(data);
    let mut world = World::new(&run);
    for (action, carry_out) in &run.actions {
        world.act(action);
        if *carry_out {
            world.carry_out();
        }
    }
    world.finish();
}

/// Whether a session would forward a request: a header of many control characters is too long.
fn is_readable(frame: &[u8]) -> bool {
    let limits = limits();
    match next_frame(frame, &limits) {
        Ok(Framing::Complete { frame, .. }) => wire::Request::decode(frame, &limits).is_ok(),
        Ok(Framing::Incomplete { .. }) | Err(_) => false,
    }
}

/// Who a registration belongs to, as both events and views tell it.
type Member = (String, i64, String);

struct World {
    sides: [Registry; 2],
    now: Now,
    connections: [u64; 3],
    opaque: i32,
    /// Two-way requests without a reply, and how many one-way requests are not done.
    asked: BTreeSet<(ConnId, i32)>,
    oneway: BTreeMap<ConnId, usize>,
    last_registration: Option<Request>,
    saves_at_once: bool,
    saves: VecDeque<SaveTicket>,
    /// Everybody who is registered, as the events tell it.
    members: BTreeSet<Member>,
    view: Option<[Arc<RouteView>; 2]>,
}

impl World {
    fn new(run: &Run) -> Self {
        let entry = |(key, value): &(String, String)| Property { key: key.clone(), value: value.clone(), line: 1 };
        let entries: Vec<_> = run.settings.iter().map(entry).collect();
        let (configuration, _) = read_configuration(&entries).expect("the configuration is good");
        let registry = |secret: &[u8; 16]| {
            let serialization = configuration.serialization();
            let (configuration, kv) = (configuration.clone(), KvTable::default());
            Registry::new(InitialState { secret: *secret, limits: limits(), configuration, kv, serialization }, START)
        };
        let mut world = Self {
            sides: [registry(b"a secret of test"), registry(b"the other secret")],
            now: START,
            connections: [0, 1, 2],
            opaque: 0,
            asked: BTreeSet::new(),
            oneway: BTreeMap::new(),
            last_registration: None,
            saves_at_once: run.saves_at_once,
            saves: VecDeque::new(),
            members: BTreeSet::new(),
            view: None,
        };
        world.carry_out();
        world
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Ask { connection, oneway, binary, question } => {
                if let Some(mut request) = self.request(question) {
                    request.flag = if *oneway { 2 } else { 0 };
                    self.ask(self.connections[connection.0], if *binary { request.binary() } else { request });
                }
            }
            Action::Disconnect { connection } => {
                let conn = ConnId::new(0, self.connections[connection.0]);
                self.connections[connection.0] += 3;
                self.input(|side, now| side.handle_disconnect(conn, now));
            }
            Action::Pass { pause } => self.pass(Duration::from_millis(super::action::PAUSES[pause.0])),
            Action::Freeze { pause } => {
                self.move_to(self.now.monotonic + Duration::from_millis(super::action::PAUSES[pause.0]));
                self.fire_timers();
            }
            Action::SetClock { wall } => self.now.wall = WallTime::from_millis(*wall),
            Action::Saved { fails } => self.end_save(*fails),
            Action::ShutDown => {
                self.input(|side, now| side.handle_shutdown(now));
            }
        }
    }

    /// Both sides are handed the same.
    fn input(&mut self, input: impl Fn(&mut Registry, Now)) {
        for side in &mut self.sides {
            input(side, self.now);
        }
    }

    fn request(&mut self, question: &Question) -> Option<Request> {
        let request = question.request();
        if matches!(question, Question::Register(_)) {
            self.last_registration.clone_from(&request);
        }
        request.or_else(|| self.last_registration.clone())
    }

    fn ask(&mut self, connection: u64, request: Request) {
        self.opaque += 1;
        let conn = ConnId::new(0, connection);
        let is_oneway = request.flag == 2;
        let frame = Bytes::from(request.opaque(self.opaque).encode());
        if !is_readable(&frame) {
            return;
        }
        if is_oneway {
            *self.oneway.entry(conn).or_default() += 1;
        } else {
            self.asked.insert((conn, self.opaque));
        }
        let address = ([127, 0, 0, 1], 40_000 + (connection % 20_000) as u16).into();
        self.input(|side, now| side.handle_frame(Peer { conn, address }, &frame, now));
    }

    fn pass(&mut self, pause: Duration) {
        let end = self.now.monotonic + pause;
        while let Some(due) = self.sides[0].poll_timeout().filter(|due| *due <= end) {
            self.move_to(due.max(self.now.monotonic));
            self.fire_timers();
        }
        self.move_to(end);
    }

    fn fire_timers(&mut self) {
        self.input(|side, now| side.handle_timeout(now));
        self.carry_out();
        let next = self.sides[0].poll_timeout();
        assert!(next.is_none_or(|next| next > self.now.monotonic), "the timer of {next:?} fires for ever");
    }

    fn move_to(&mut self, monotonic: Instant) {
        self.now.wall = self.now.wall + monotonic.since(self.now.monotonic);
        self.now.monotonic = monotonic;
    }

    fn end_save(&mut self, fails: bool) {
        let Some(ticket) = self.saves.pop_front() else { return };
        let result = if fails { Err("the disk is full".to_owned()) } else { Ok(()) };
        self.input(|side, now| side.handle_saved(ticket, result.clone(), now));
    }

    /// Carries out everything that the registries want and checks what it came to.
    fn carry_out(&mut self) {
        let mut may_publish = true;
        let mut any = false;
        while let Some(outputs) = self.poll() {
            any = true;
            match outputs {
                [Output::Publish(view), Output::Publish(other)] => {
                    assert!(may_publish, "a view comes after replies of its batch");
                    self.view = Some([view, other]);
                    may_publish = false;
                }
                [output, other] => {
                    assert_eq!(format!("{output:?}"), format!("{other:?}"), "the secret shows");
                    if self.note(output) {
                        may_publish = true;
                        continue;
                    }
                    may_publish = false;
                }
            }
        }
        if any {
            self.check_views();
        }
    }

    fn poll(&mut self) -> Option<[Output; 2]> {
        let [output, other] = self.sides.each_mut().map(Registry::poll_output);
        assert_eq!(output.is_some(), other.is_some(), "the secret shows: {output:?} {other:?}");
        Some([output?, other?])
    }

    /// True: this was an input of the registry as well.
    fn note(&mut self, output: Output) -> bool {
        match output {
            Output::Publish(_) => panic!("one side publishes alone"),
            Output::Reply { conn, frame } => self.note_reply(conn, &frame),
            Output::Close { conn, reason } => {
                assert_eq!(reason, CloseReason::BrokerExpired, "{conn:?}: every request can be read");
            }
            Output::Notify { address, frame } => {
                let notice = Answer::decode(&frame).expect("a frame");
                assert_eq!((notice.code, notice.flag), (905, 2));
                assert!(self.members.iter().any(|member| member.2 == address), "{address} is not registered");
            }
            Output::Save { ticket, .. } => {
                self.saves.push_back(ticket);
                if self.saves_at_once {
                    self.end_save(false);
                    return true;
                }
            }
            Output::Event(event) => self.note_event(&event),
        }
        false
    }

    fn note_reply(&mut self, conn: ConnId, frame: &[u8]) {
        if frame.is_empty() {
            let open = self.oneway.get_mut(&conn).filter(|open| **open > 0);
            *open.expect("an empty reply without a one-way request") -= 1;
            return;
        }
        let answer = Answer::decode(frame).unwrap_or_else(|error| panic!("{error}"));
        assert!(self.asked.remove(&(conn, answer.opaque)), "nobody waits for {answer:?}");
        assert_eq!(answer.flag, 1);
        assert_eq!(answer.code != 0, answer.remark.is_some(), "{answer:?}");
        if answer.body.first() == Some(&b'{') {
            serde_json::from_slice::<serde::de::IgnoredAny>(&answer.body).expect("the body is JSON");
        }
    }

    fn note_event(&mut self, event: &Event) {
        let member = |broker: &BrokerIdentity| (broker.name.clone(), broker.id, broker.address.clone());
        if let Event::BrokerRegistered { broker, .. } = &event {
            assert!(self.members.insert(member(broker)), "registered twice: {broker:?}");
        }
        if let Event::BrokerChanged { broker, .. } = &event {
            self.members.insert(member(broker));
        }
        if let Event::BrokerUnregistered { broker } | Event::BrokerEvicted { broker, .. } = &event {
            assert!(self.members.remove(&member(broker)), "leaves and was not there: {broker:?}");
        }
    }

    /// What is published is well formed, agrees with itself and with the events, and does not show the secret.
    fn check_views(&self) {
        let [view, other] = self.view.as_ref().expect("the first view is published at once");
        assert_eq!(view.cluster_info(), other.cluster_info(), "the secret shows");
        let info = parse(view.cluster_info());
        let groups = info.member("brokerAddrTable").expect("groups").members();
        let names: BTreeSet<_> = groups.iter().map(|(name, _)| name.as_str()).collect();
        let mut shown = BTreeSet::new();
        for (name, group) in groups {
            let name: String = serde_json::from_str(name).expect("a name");
            for (id, address) in group.member("brokerAddrs").expect("addresses").members() {
                let address = serde_json::from_str(&address.to_string()).expect("an address");
                assert!(shown.insert((name.clone(), bare(id).parse().expect("an identifier"), address)));
            }
        }
        assert_eq!(shown, self.members, "the view and the events tell different things");
        for (_, brokers) in info.member("clusterAddrTable").expect("clusters").members() {
            assert!(!brokers.elements().is_empty());
            let known = |broker: &Json| names.contains(broker.to_string().as_str());
            assert!(brokers.elements().iter().all(known), "a cluster of unknown groups: {info}");
        }
        for topic in TOPICS {
            check_route(view, other, topic, &names);
        }
    }

    /// Nothing is left open once the last save ended.
    fn finish(&mut self) {
        self.carry_out();
        while !self.saves.is_empty() {
            self.end_save(true);
            self.carry_out();
        }
        assert!(self.asked.is_empty(), "without a reply: {:?}", self.asked);
        assert!(self.oneway.values().all(|open| *open == 0), "not done: {:?}", self.oneway);
    }
}

fn check_route(view: &RouteView, other: &RouteView, topic: &str, groups: &BTreeSet<&str>) {
    for (dialect, zone) in [(Dialect::Plain, None), (Dialect::Compatible, None), (Dialect::Plain, Some(ZONES[0]))] {
        let query = RouteQuery { topic: topic.as_bytes(), dialect, zone };
        let [body, same] = [view, other].map(|view| {
            let route = view.route(query)?;
            let mut body = Vec::new();
            route.write(&mut body);
            Some(body)
        });
        assert_eq!(body, same, "the secret shows");
        let Some(body) = body else { continue };
        if zone.is_none() && dialect == Dialect::Compatible {
            serde_json::from_slice::<serde::de::IgnoredAny>(&body).expect("the compatible dialect is JSON");
        }
        let route = parse(&body);
        let of = |list: &str| {
            let elements = route.member(list).expect(list).elements().iter();
            elements.map(|element| element.member("brokerName").expect("a name").to_string()).collect::<Vec<_>>()
        };
        let brokers = of("brokerDatas");
        assert_eq!(of("queueDatas"), brokers, "queues and groups of {route}");
        assert!(brokers.iter().all(|broker| groups.contains(broker.as_str())), "an unknown group in {route}");
        for broker in route.member("brokerDatas").expect("groups").elements() {
            let ids: Vec<_> =
                broker.member("brokerAddrs").expect("addresses").members().iter().map(|(id, _)| id).collect();
            let distinct: BTreeSet<_> = ids.iter().collect();
            assert!(!ids.is_empty() && distinct.len() == ids.len(), "identifiers of {route}");
        }
    }
}

fn parse(body: &[u8]) -> Json {
    Json::parse(str::from_utf8(body).expect("UTF-8")).unwrap_or_else(|error| panic!("{error}"))
}
