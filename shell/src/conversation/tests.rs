//! Conversations without a socket: what is answered, forwarded, kept, paused and told.

use super::*;
use crate::credit::Credit;
use crate::queue::{self, QueueReceiver};
use namesrv_core::ConnId;
use namesrv_core::config::Configuration;
use namesrv_core::initial_state::InitialState;
use namesrv_core::node::Input as ToRegistry;
use namesrv_core::registry::{Output as FromRegistry, Registry};
use namesrv_core::time::WallTime;
use namesrv_core::wire::Serialization;

pub(crate) const NOW: Now = Now { monotonic: Instant::from_millis(1000), wall: WallTime::from_millis(1000) };

/// One conversation, the view it is answered from, and the registry's end of the queue.
pub(crate) struct World {
    pub(crate) conversation: Conversation,
    pub(crate) view: Arc<RouteView>,
    queue: QueueReceiver,
    answers: Vec<u8>,
}

impl World {
    pub(crate) fn new(limits: Limits) -> Self {
        let initial = InitialState {
            secret: [0; 16],
            limits,
            configuration: Configuration::default(),
            kv: Default::default(),
            serialization: Serialization::Json,
        };
        let Some(FromRegistry::Publish(view)) = Registry::new(initial, NOW).poll_output() else { panic!("no view") };
        let (sender, queue) = queue::queue(limits.registry_queue_requests_max, limits.registry_queue_bytes_max);
        let shared = Arc::new(Shared {
            registry: RegistryHandle::new(sender, Arc::default()),
            budget: Arc::new(Budget::new(&limits)),
            limits,
            lines: LineLimit::new("closed connections", CLOSING_LINES),
        });
        let peer = Peer { conn: ConnId::new(0, 1), address: ([127, 0, 0, 1], 1).into() };
        let conversation = Conversation::open(peer, &view, &shared, NOW).unwrap();
        Self { conversation, view, queue, answers: Vec::new() }
    }

    fn input(&mut self, bytes: &[u8]) -> Progress {
        self.conversation.handle_input(bytes, &self.view, &mut self.answers, NOW)
    }

    /// Opaque numbers of the answers since the last call.
    fn answered(&mut self) -> Vec<usize> {
        let mut sink = Vec::new();
        self.conversation.write(&mut self.answers, &mut sink, NOW).unwrap();
        opaques(&sink)
    }

    /// Opaque numbers of what reached the registry's queue since the last call, and a dash for the end.
    fn forwarded(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(input) = self.queue.receive(Some(std::time::Duration::ZERO)) {
            if let ToRegistry::Frame { frame, .. } = input {
                self.queue.release(1, frame.len());
                seen.extend(opaques(&frame).iter().map(usize::to_string));
            } else {
                assert!(matches!(input, ToRegistry::Disconnected(_)), "{input:?}");
                seen.push("-".into());
            }
        }
        seen
    }

    fn reply(&mut self, frame: impl Into<Bytes>) {
        let credit = Arc::new(Credit::new(queue::queue(0, 0).0));
        let reply = Reply::new(frame.into(), credit);
        self.conversation.handle_reply(reply, NOW);
    }

    fn input_bytes_free(&self) -> bool {
        is_free(&self.conversation.shared.budget, &self.conversation.shared.limits)
    }
}

/// Whether nobody keeps any input: one connection may have half of the room.
fn is_free(budget: &Budget, limits: &Limits) -> bool {
    let half = limits.incomplete_input_bytes_max / 2;
    let free = budget.take_input(half, 0);
    if free {
        budget.return_input(half);
    }
    free
}

/// A peer that takes nothing.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn frame(code: i32, opaque: usize, body_bytes: usize) -> Vec<u8> {
    let header = format!(
        r#"{{"code":{code},"language":"JAVA","version":513,"opaque":{opaque},"flag":0,"extFields":{{"topic":"t"}}}}"#
    );
    let length = u32::try_from(4 + header.len() + body_bytes).unwrap();
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(u32::try_from(header.len()).unwrap().to_be_bytes());
    frame.extend(header.as_bytes());
    frame.resize(frame.len() + body_bytes, b' ');
    frame
}

/// A question that the view answers.
pub(crate) fn question(opaque: usize) -> Vec<u8> {
    frame(105, opaque, 0)
}

/// A request for the registry.
pub(crate) fn change(opaque: usize) -> Vec<u8> {
    frame(904, opaque, 0)
}

pub(crate) fn opaques(frames: &[u8]) -> Vec<usize> {
    let text = String::from_utf8_lossy(frames);
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
    text.split("\"opaque\":").skip(1).map(digits).collect()
}

#[test]
fn frames_cut_anywhere_are_answered_and_forwarded_alike() {
    let stream = [question(1), change(2), question(3), change(4)].concat();
    for first in 0..stream.len() {
        for second in (first..stream.len()).step_by(37) {
            let mut world = World::new(Limits::default());
            for part in [&stream[..first], &stream[first..second], &stream[second..]] {
                assert_eq!(world.input(part), Progress::Read);
            }
            assert_eq!(world.answered(), [1, 3]);
            assert_eq!(world.forwarded(), ["2", "4"]);
            assert!(world.input_bytes_free());
        }
    }
}

#[test]
fn what_is_only_announced_costs_nothing() {
    let mut world = World::new(Limits::default());
    let large = frame(904, 1, 10_000_000);
    world.input(&large[..100]);
    assert!(world.conversation.kept() <= 200, "{}", world.conversation.kept());
    for part in large[100..].chunks(65_536) {
        world.input(part);
        assert!(world.conversation.kept() <= large.len());
    }
    assert_eq!(world.forwarded(), ["1"]);
    assert_eq!(world.conversation.kept(), 0);
}

#[test]
fn a_large_frame_is_moved_although_the_next_one_came_with_its_end() {
    let mut input = Input::default();
    let budget = Budget::new(&Limits::default());
    input.append(&[1; 1000], 3000, &budget).unwrap();
    input.append(&[1; 2000], 3000, &budget).unwrap();
    let address = input.unread().as_ptr();
    let taken = input.take_frame(3000);
    assert_eq!(taken.as_ptr(), address);
    input.put_back(taken);
    assert_eq!((input.unread().as_ptr(), input.kept()), (address, 3000));
    input.append(&[2; 10], 0, &budget).unwrap();
    let copied = input.take_frame(3000);
    input.put_back(copied);
    assert_eq!(input.unread().len(), 3010);
    assert_eq!(input.take_frame(3000).len(), 3000);
    input.frame_taken(&budget);
    assert_eq!(input.unread(), [2; 10]);

    let mut world = World::new(Limits::default());
    let stream = [frame(904, 1, 5000), question(2)].concat();
    world.input(&stream[..2000]);
    world.input(&stream[2000..]);
    assert_eq!((world.forwarded(), world.answered()), (vec!["1".to_owned()], vec![2]));
}

#[test]
fn nobody_may_keep_more_than_is_left_for_others() {
    let limits = Limits { incomplete_input_bytes_max: 1000, ..Limits::default() };
    let budget = Budget::new(&limits);
    let mut held = [0; 4];
    for held in &mut held {
        while budget.take_input(10, *held) {
            *held += 10;
        }
    }
    assert_eq!(held, [500, 250, 120, 60], "a newcomer always finds some room");
    budget.return_input(held.iter().sum());
    assert!(is_free(&budget, &limits));

    let mut world = World::new(limits);
    let stream = [question(1), frame(105, 2, 500)].concat();
    assert_eq!(world.input(&stream[..300]), Progress::Read);
    assert_eq!(world.input(&stream[300..600]), Progress::NoRoom);
    assert_eq!(world.answered(), [1]);
}

#[test]
fn a_full_registry_stops_the_reading_and_keeps_the_order() {
    let mut world = World::new(Limits { registry_queue_requests_max: 1, ..Limits::default() });
    let stream = [change(1), question(2), change(3), question(4), change(5)].concat();
    assert_eq!(world.input(&stream), Progress::Retry);
    assert!(!world.conversation.wants_input() && world.conversation.may_go_on());
    assert_eq!(world.input(&[]), Progress::Retry);
    assert_eq!((world.forwarded(), world.answered()), (vec!["1".to_owned()], vec![2]));
    assert_eq!(world.input(&[]), Progress::Retry);
    assert_eq!((world.forwarded(), world.answered()), (vec!["3".to_owned()], vec![4]));
    assert_eq!(world.input(&[]), Progress::Read);
    assert!(world.conversation.wants_input());
    assert_eq!(world.forwarded(), ["5"]);
    assert_eq!(world.conversation.session.forwarded(), 3);
}

#[test]
fn a_closed_window_waits_for_a_reply_and_not_for_output() {
    let mut world = World::new(Limits { forwarded_per_connection_max: 1, ..Limits::default() });
    assert_eq!(world.input(&[question(1), change(2), change(3), question(4)].concat()), Progress::Wait);
    assert_eq!(world.answered(), [1]);
    assert!(world.conversation.may_go_on(), "output may have been what it waited for");
    assert_eq!(world.input(&[]), Progress::Wait);
    assert!(!world.conversation.may_go_on() && !world.conversation.wants_input());
    world.reply(Bytes::new());
    assert!(world.conversation.may_go_on());
    assert_eq!(world.input(&[]), Progress::Read);
    assert_eq!((world.forwarded(), world.answered()), (vec!["2".to_owned(), "3".to_owned()], vec![4]));
}

#[test]
fn unwritten_output_stops_the_reading() {
    let mut world = World::new(Limits { output_bytes_pause: 1000, output_bytes_max: 5000, ..Limits::default() });
    let questions: Vec<u8> = (0..100).flat_map(question).collect();
    assert_eq!(world.input(&questions), Progress::Wait);
    assert!(world.answers.len() < 2000);
    assert_eq!(world.conversation.write(&mut world.answers, &mut Full, NOW).unwrap(), Written::Blocked);
    assert!(!world.conversation.may_go_on() && !world.conversation.wants_input());
    let mut seen = world.answered();
    while world.conversation.may_go_on() {
        world.input(&[]);
        seen.extend(world.answered());
    }
    assert!(seen.into_iter().eq(0..100));
    assert!(world.conversation.wants_input());
}

#[test]
fn a_lone_answer_may_be_larger_than_the_limit() {
    let mut world = World::new(Limits { output_bytes_max: 100, ..Limits::default() });
    world.reply(Bytes::from(vec![0; 1000]));
    assert!(!world.conversation.is_overfull());
    world.reply(Bytes::from_static(b"x"));
    assert!(world.conversation.is_overfull());
}

#[test]
fn nobody_may_leave_more_unread_than_is_left_for_others() {
    let mut world = World::new(Limits { unread_output_bytes_max: 100_000, ..Limits::default() });
    let budget = Arc::clone(&world.conversation.shared.budget);
    world.reply(vec![0; 200_000]);
    assert!(!world.conversation.is_overfull(), "it is alone");
    world.answered();
    budget.note_output(0, 60_000);
    world.reply(vec![0; 20_000]);
    assert!(!world.conversation.is_overfull());
    world.reply(vec![0; 1]);
    assert!(world.conversation.is_overfull());
    world.answered();
    world.reply(vec![0; 4000]);
    budget.note_output(60_000, 200_000);
    assert!(!world.conversation.is_overfull(), "it reads nearly everything, whatever others do");
    budget.note_output(200_000, 60_000);
    world.reply(vec![0; 10_000]);
    drop(world);
    budget.note_output(0, 20_000);
    assert!(budget.bears_output(20_000), "what it had is given back");
}

#[test]
fn after_its_end_a_peer_gets_what_it_is_owed_and_is_told_as_lost_once() {
    let mut world = World::new(Limits::default());
    world.input(&[change(1), question(2), question(3)[..20].to_vec()].concat());
    world.conversation.handle_end();
    assert_eq!(world.input(&[]), Progress::Read);
    assert_eq!(world.forwarded(), ["1", "-"]);
    assert_eq!(world.answered(), [2]);
    assert!(!world.conversation.is_done(), "one reply is missing");
    world.reply(Bytes::from_static(b"reply"));
    assert!(!world.conversation.is_done(), "it is not written");
    world.answered();
    assert!(world.conversation.is_done());
    let World { conversation, queue, .. } = world;
    drop(conversation);
    assert_eq!(queue.waiting().next(), None);
}

#[test]
fn a_dropped_conversation_is_told_as_lost_and_gives_its_places_back() {
    let mut world = World::new(Limits { connections_max: 1, ..Limits::default() });
    world.input(&question(1)[..20]);
    let World { conversation, queue, view, .. } = world;
    let (peer, shared) = (conversation.peer, Arc::clone(&conversation.shared));
    assert!(Conversation::open(peer, &view, &shared, NOW).is_none());
    drop(conversation);
    assert!(matches!(queue.receive(None), Some(ToRegistry::Disconnected(conn)) if conn == peer.conn));
    assert!(is_free(&shared.budget, &shared.limits));
    assert!(Conversation::open(peer, &view, &shared, NOW).is_some());
}

#[test]
fn a_server_that_stops_loses_nobody() {
    let mut world = World::new(Limits::default());
    world.conversation.handle_stop();
    world.conversation.handle_end();
    world.input(&[change(1), question(2)].concat());
    assert_eq!(world.answered(), [2]);
    let World { conversation, queue, .. } = world;
    drop(conversation);
    assert!(matches!(queue.receive(None), Some(ToRegistry::Frame { .. })));
    assert_eq!(queue.waiting().next(), None);
}

#[test]
fn a_malformed_frame_ends_the_conversation_after_the_answers_before_it() {
    let mut world = World::new(Limits::default());
    assert_eq!(world.input(&[question(1), change(2), vec![0, 0, 0, 1, 9, 9], question(3)].concat()), Progress::Read);
    assert!(!world.conversation.wants_input() && !world.conversation.is_done());
    assert_eq!((world.answered(), world.forwarded()), (vec![1], vec!["2".to_owned(), "-".to_owned()]));
    world.reply(Bytes::new());
    assert!(world.conversation.is_done());
}

#[test]
fn a_close_by_the_registry_waits_for_no_reply() {
    for reason in [CloseReason::BrokerExpired, CloseReason::MalformedFrame] {
        let mut world = World::new(Limits::default());
        world.input(&[change(1), change(2)].concat());
        world.reply(Bytes::from_static(b"\"opaque\":7,"));
        world.conversation.handle_close(reason, NOW);
        assert_eq!(world.answered(), [7], "a reply that came before is written");
        assert!(world.conversation.is_done());
        assert_eq!(world.forwarded(), ["1", "2", "-"]);
    }
}

#[test]
fn a_broker_that_expired_is_not_waited_for() {
    for (reason, done) in [(CloseReason::BrokerExpired, true), (CloseReason::MalformedFrame, false)] {
        let mut world = World::new(Limits::default());
        world.reply(Bytes::from_static(b"unread"));
        world.conversation.handle_close(reason, NOW);
        world.conversation.write(&mut Vec::new(), &mut Full, NOW).unwrap();
        assert_eq!(world.conversation.is_done(), done);
    }
}
