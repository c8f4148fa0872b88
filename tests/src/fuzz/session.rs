//! Whole conversations with one connection over a view that does not change.

use super::limits::limits;
use crate::answer::{Answer, frames};
use crate::conversation::{Seen, converse};
use crate::registration::{Mapping, Registration, Topic};
use crate::request::frame;
use crate::world::{SECRET, World};
use namesrv_core::kv::{KvTable, ORDER_TOPIC_CONFIG};
use namesrv_core::route::RouteView;
use namesrv_core::wire::{self, Framing, next_frame};
use std::sync::{Arc, LazyLock};

/// Ends a frame in framed input; no byte of UTF-8.
const FRAME_END: u8 = 0xff;
/// Ends the header of a frame in framed input.
const HEADER_END: u8 = 0xfe;

/// The first byte chooses: 1 and 2 the view, 4 the input is a list of frames without their lengths, the rest how it is
/// cut. Cutting the input anywhere changes nothing, and every question is answered once and in order.
pub(super) fn session(data: &[u8]) {
    let Some((choice, content)) = data.split_first() else { return };
    let view = view(usize::from(choice & 3));
    let input = if choice & 4 == 0 { content.to_vec() } else { framed(content) };
    let seen = converse([&input[..]], false, view);
    for piece in [1, 2 + usize::from(choice >> 3)] {
        assert_eq!(converse(input.chunks(piece), true, view), seen, "in pieces of {piece} bytes");
    }
    check_answers(&input, &seen, view);
}

/// Every frame is either handed on or answered, but for responses and for one-way questions.
fn check_answers(mut input: &[u8], seen: &Seen, view: &RouteView) {
    let mut forwarded = seen.forwarded.iter();
    let mut answers = frames(&seen.written).expect("whole answers").into_iter();
    while let Ok(Framing::Complete { frame, length }) = next_frame(input, view.limits())
        && let Ok(request) = wire::Request::decode(frame, view.limits())
    {
        let (whole, rest) = input.split_at(length);
        input = rest;
        if forwarded.as_slice().first().is_some_and(|next| next == whole) {
            assert!(!request.is_response());
            forwarded.next();
        } else if !request.is_response() && !request.is_oneway() {
            let answer = Answer::decode(answers.next().expect("an answer for each question")).expect("an answer");
            assert_eq!((answer.opaque, answer.flag), (request.opaque, 1));
        }
    }
    assert!(forwarded.next().is_none() && answers.next().is_none(), "more than was asked for");
}

/// Frames made of what stands between the end marks. The first byte of each is the form of its header.
fn framed(content: &[u8]) -> Vec<u8> {
    let pieces = content.split(|byte| *byte == FRAME_END).filter_map(<[u8]>::split_first);
    let frames = pieces.map(|(form, piece)| {
        let end = piece.iter().position(|byte| *byte == HEADER_END);
        let (header, body) = piece.split_at(end.unwrap_or(piece.len()));
        frame(form & 1, header, body.get(1..).unwrap_or_default())
    });
    frames.collect::<Vec<_>>().concat()
}

/// One of four views: answers in JSON headers, in binary ones, not ready yet, going away.
pub(super) fn view(choice: usize) -> &'static RouteView {
    shared_view(choice)
}

/// The same, to be shared.
pub(super) fn shared_view(choice: usize) -> &'static Arc<RouteView> {
    static VIEWS: LazyLock<[Arc<RouteView>; 4]> = LazyLock::new(|| {
        let binary = ("rocketmq.serialize.type", "ROCKETMQ");
        let unready = [("needWaitForService", "true"), ("waitSecondsForService", "1000000")];
        let mut stopping = world(&[("enableShutdownGracefully", "true")]);
        stopping.shut_down();
        [world(&[]), world(&[binary]), world(&unready), stopping].map(|world| world.shared_view())
    });
    &VIEWS[choice % 4]
}

/// Two groups in two clusters: an acting master, zones, filter servers, a static topic, order configuration.
fn world(extra: &[(&str, &str)]) -> World {
    let properties = [("supportActingMaster", "true"), ("orderMessageEnable", "true")];
    let properties: Vec<_> =
        properties.iter().chain(extra).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let mut kv = KvTable::default();
    kv.put(ORDER_TOPIC_CONFIG, "T", Some("a:8;b:4"));
    let mut world = World::with(&properties, kv, limits(), SECRET);
    let topics = ["T", "TopicTest", "rmq_sys_SYNC_BROKER_MEMBER_a", "\u{e9}\"\u{1}"].map(Topic::new).to_vec();
    let mut master = Registration::new("a", 0);
    master.zone = Some("z1".to_owned());
    master.topics = Some(topics.clone());
    master.filter_servers = Some(vec!["127.0.0.1:1".to_owned()]);
    master.mappings = vec![Mapping { topic: "T".to_owned(), total_queues: 2, epoch: 1 << 60, queues: vec![(0, 0)] }];
    let mut slave = Registration::new("b", 1);
    slave.cluster = Some("Other".to_owned());
    slave.zone = Some("z2".to_owned());
    slave.acting_master = true;
    slave.topics = Some(topics);
    for registration in [master, Registration::new("a", 1), slave] {
        world.receive("broker", &registration.request().encode());
    }
    assert!(world.view().topic_count() > 0);
    world
}
