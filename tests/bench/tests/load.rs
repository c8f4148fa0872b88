//! The load generator against servers that behave and servers that do not.

// A panic is how a test fails.
#![allow(clippy::unwrap_used)]

use namesrv_bench::echo::{Service, constant_answer};
use namesrv_bench::load::{Load, Outcome, Plan};
use namesrv_bench::question::{Ask, CLASSES, Expected, Mix, OPAQUE_MIN, Routes, topic_name, topic_queues};
use namesrv_bench::workload::Pace;
use namesrv_tests::answer::Answer;
use namesrv_tests::impostor::serve;
use namesrv_tests::request::frame;
use namesrv_tests::stream::read_frame;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

fn route(opaque: i32, topic: usize) -> Vec<u8> {
    let header = format!(r#"{{"code":0,"flag":1,"opaque":{opaque}}}"#);
    let queues = topic_queues(topic);
    let body = format!(
        r#"{{"brokerDatas":[{{"brokerName":"b"}}],"queueDatas":[{{"readQueueNums":{queues},"writeQueueNums":{queues}}}]}}"#
    );
    frame(0, header.as_bytes(), body.as_bytes())
}

fn header_bytes(frame: &[u8]) -> usize {
    frame[4..8].iter().skip(1).fold(0, |bytes, byte| bytes << 8 | usize::from(*byte))
}

fn topic_of(request: &Answer) -> usize {
    (0..100).find(|topic| request.field("topic") == Some(topic_name(*topic).as_str())).unwrap()
}

/// What becomes of an answer; its number comes first.
type Spoil = fn(usize, Vec<u8>) -> Vec<Vec<u8>>;

/// Answers every request but makes something of it before.
fn nameserver(spoil: impl Fn(usize, Vec<u8>) -> Vec<Vec<u8>> + Send + Sync + 'static) -> SocketAddr {
    serve(move |mut stream| {
        let mut count = 0;
        while let Some(request) = read_frame(&mut stream) {
            let request = Answer::decode(&request).unwrap();
            count += 1;
            for answer in spoil(count, route(request.opaque, topic_of(&request))) {
                // The generator hangs up when it does not like an answer.
                if stream.write_all(&answer).is_err() {
                    return;
                }
            }
        }
    })
}

/// An answer with a part replaced by another of the same length.
fn replaced(mut answer: Vec<u8>, part: &str, by: &str) -> Vec<u8> {
    let at = answer.windows(part.len()).position(|window| window == part.as_bytes()).unwrap();
    answer[at..at + part.len()].copy_from_slice(by.as_bytes());
    answer
}

fn routes() -> Expected {
    let frames = (0..CLASSES).map(|topic| route(OPAQUE_MIN as i32, topic)).collect();
    Expected::Routes(Routes::learn(frames, 1).unwrap())
}

fn run(address: SocketAddr, expected: Expected, pace: Pace, requests_max: u64) -> anyhow::Result<Outcome> {
    let mut load = Load::connect(&[address], 3, (Mix::Only(Ask::Route), 100), expected, None)?;
    load.run(Plan { pace, lasts: Duration::from_secs(30), requests_max }, &mut [], &AtomicBool::new(false))
}

#[test]
fn closed_loop_counts_every_answer() {
    let address = nameserver(|_, answer| vec![answer]);
    for depth in [1, 7] {
        let outcome = run(address, routes(), Pace::Closed { depth }, 500).unwrap();
        assert_eq!((outcome.requests, outcome.latencies.len()), (500, 500));
    }
}

#[test]
fn open_loop_counts_every_answer_and_its_lateness() {
    let address = nameserver(|_, answer| vec![answer]);
    let outcome = run(address, routes(), Pace::Open { rate: 5000 }, 500).unwrap();
    assert_eq!((outcome.requests, outcome.latencies.len(), outcome.lateness.len()), (500, 500, 500));
}

#[test]
fn answers_may_come_in_any_order_and_in_pieces() {
    let address = serve(|mut stream| {
        while let (Some(one), Some(other)) = (read_frame(&mut stream), read_frame(&mut stream)) {
            for request in [other, one] {
                let request = Answer::decode(&request).unwrap();
                for piece in route(request.opaque, topic_of(&request)).chunks(11) {
                    stream.write_all(piece).unwrap();
                }
            }
        }
    });
    assert_eq!(run(address, routes(), Pace::Closed { depth: 2 }, 120).unwrap().requests, 120);
}

#[test]
fn wrong_answers_end_the_run() {
    let spoiled: [(&str, Spoil); 4] = [
        ("was not sent or is answered already", |_, answer| vec![answer.clone(), answer]),
        ("wrong header", |count, answer| {
            vec![if count == 20 { replaced(answer, "\"code\":0", "\"code\":1") } else { answer }]
        }),
        ("bytes instead of", |count, answer| {
            vec![if count == 20 { frame(0, &answer[8..8 + header_bytes(&answer)], b"{}") } else { answer }]
        }),
        ("another question", |_, answer| vec![replaced(answer, "readQueueNums", "readQueueNumx")]),
    ];
    for (part, spoil) in spoiled {
        let error = run(nameserver(spoil), routes(), Pace::Closed { depth: 4 }, 400).unwrap_err();
        assert!(format!("{error:#}").contains(part), "{error:#} is not: {part}");
    }
}

#[test]
fn lost_connection_ends_the_run() {
    let address = serve(|mut stream| drop(read_frame(&mut stream)));
    let error = run(address, routes(), Pace::Closed { depth: 1 }, 10).unwrap_err();
    assert!(format!("{error:#}").contains("closed"), "{error:#}");
}

#[test]
fn interrupted_run_ends_with_nothing_on_its_way() {
    let address = nameserver(|_, answer| vec![answer]);
    let mut load = Load::connect(&[address], 2, (Mix::Only(Ask::Route), 100), routes(), None).unwrap();
    let plan = Plan { pace: Pace::Closed { depth: 4 }, lasts: Duration::from_secs(30), requests_max: u64::MAX };
    let outcome = load.run(plan, &mut [], &AtomicBool::new(true)).unwrap();
    assert_eq!(outcome.requests, 8);
}

#[test]
fn a_round_waits_for_all_answers_of_the_one_before() {
    // The last connection is answered when all are asked, and the others are asked no more before.
    let asked = Arc::new(AtomicUsize::new(0));
    let address = serve({
        let asked = Arc::clone(&asked);
        move |mut stream| {
            let mut round = 0;
            while let Some(request) = read_frame(&mut stream) {
                round += 1;
                asked.fetch_add(1, Ordering::SeqCst);
                while asked.load(Ordering::SeqCst) < round * 3 {
                    thread::yield_now();
                }
                assert_eq!(asked.load(Ordering::SeqCst), round * 3);
                let request = Answer::decode(&request).unwrap();
                stream.write_all(&route(request.opaque, topic_of(&request))).unwrap();
            }
        }
    });
    assert_eq!(run(address, routes(), Pace::Rounds { depth: 1 }, 30).unwrap().requests, 30);
    assert_eq!(asked.load(Ordering::SeqCst), 30);
}

#[test]
fn echo_servers_answer_in_order() {
    let service = Service::new(40, None).unwrap();
    let address = serve(move |mut stream| {
        let (mut session, mut scratch) = (service.session().unwrap(), [0; 100]);
        while let Ok(read @ 1..) = stream.read(&mut scratch) {
            session.handle_input(&mut scratch[..read]).unwrap();
            stream.write_all(session.output()).unwrap();
            session.handle_written(session.output().len());
        }
    });
    let outcome = run(address, Expected::Constant(constant_answer(40).unwrap()), Pace::Closed { depth: 5 }, 300);
    assert_eq!(outcome.unwrap().requests, 300);
}
