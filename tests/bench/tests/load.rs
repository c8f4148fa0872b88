//! The load generator, over plain text and TLS, against servers that behave and servers that do not.

// A panic is how a test fails.
#![allow(clippy::unwrap_used)]

use namesrv_bench::certificate::Certificate;
use namesrv_bench::clients::{Clients, Handshake};
use namesrv_bench::echo::{Arguments, Service, Session, constant_answer};
use namesrv_bench::load::{Load, Outcome, Plan};
use namesrv_bench::question::{Ask, CLASSES, Expected, Mix, OPAQUE_MIN, Routes, topic_name, topic_queues};
use namesrv_bench::workload::Pace;
use namesrv_tests::answer::Answer;
use namesrv_tests::impostor::serve;
use namesrv_tests::request::frame;
use namesrv_tests::stream::read_frame;
use namesrv_tests::tls::{Version, client};
use namesrv_tests::transport::{incoming, outgoing};
use rustls::ClientConnection;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Length of an echo server's answer.
const ANSWER_BYTES: usize = 332;
const CONNECTIONS: usize = 3;

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

fn constant() -> Expected {
    Expected::Constant(constant_answer(ANSWER_BYTES).unwrap())
}

fn service(certificate: Certificate) -> Service {
    let files = certificate.files();
    Service::new(ANSWER_BYTES, Some(files.each_ref().map(PathBuf::as_path))).unwrap()
}

/// What becomes of the bytes of a session before they are sent.
type Garble = fn(&[u8]) -> Vec<u8>;

fn echo(service: Service, garble: Garble) -> SocketAddr {
    serve(move |mut stream| {
        let (mut session, mut scratch) = (service.session().unwrap(), [0; 100]);
        while let Ok(read @ 1..) = stream.read(&mut scratch) {
            // Both fail when the client has gone.
            let handled = session.handle_input(&mut scratch[..read]);
            if handled.is_err() || stream.write_all(&garble(session.output())).is_err() {
                return;
            }
            session.handle_written(session.output().len());
        }
    })
}

fn load(address: SocketAddr, expected: Expected, clients: Option<&Clients>) -> Load {
    Load::connect(&[address], CONNECTIONS, (Mix::Only(Ask::Route), 100), expected, clients).unwrap()
}

fn run(load: &mut Load, pace: Pace, requests_max: u64) -> anyhow::Result<Outcome> {
    let plan = Plan { pace, lasts: Duration::from_secs(30), requests_max };
    load.run(plan, &mut [], &AtomicBool::new(false))
}

/// Asks a NameServer over plain text.
fn ask(address: SocketAddr, pace: Pace, requests_max: u64) -> anyhow::Result<Outcome> {
    run(&mut load(address, routes(), None), pace, requests_max)
}

#[test]
fn closed_loop_counts_every_answer() {
    let address = nameserver(|_, answer| vec![answer]);
    for depth in [1, 7] {
        let outcome = ask(address, Pace::Closed { depth }, 500).unwrap();
        assert_eq!((outcome.requests, outcome.latencies.len()), (500, 500));
    }
}

#[test]
fn open_loop_counts_every_answer_and_its_lateness() {
    let address = nameserver(|_, answer| vec![answer]);
    let outcome = ask(address, Pace::Open { rate: 5000 }, 500).unwrap();
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
    assert_eq!(ask(address, Pace::Closed { depth: 2 }, 120).unwrap().requests, 120);
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
        let error = ask(nameserver(spoil), Pace::Closed { depth: 4 }, 400).unwrap_err();
        assert!(format!("{error:#}").contains(part), "{error:#} is not: {part}");
    }
}

#[test]
fn lost_connection_ends_the_run() {
    let address = serve(|mut stream| drop(read_frame(&mut stream)));
    let error = ask(address, Pace::Closed { depth: 1 }, 10).unwrap_err();
    assert!(format!("{error:#}").contains("closed"), "{error:#}");
}

#[test]
fn interrupted_run_ends_with_nothing_on_its_way() {
    let address = nameserver(|_, answer| vec![answer]);
    let plan = Plan { pace: Pace::Closed { depth: 4 }, lasts: Duration::from_secs(30), requests_max: u64::MAX };
    let outcome = load(address, routes(), None).run(plan, &mut [], &AtomicBool::new(true)).unwrap();
    assert_eq!(outcome.requests, 4 * CONNECTIONS as u64);
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
                while asked.load(Ordering::SeqCst) < round * CONNECTIONS {
                    thread::yield_now();
                }
                assert_eq!(asked.load(Ordering::SeqCst), round * CONNECTIONS);
                let request = Answer::decode(&request).unwrap();
                stream.write_all(&route(request.opaque, topic_of(&request))).unwrap();
            }
        }
    });
    assert_eq!(ask(address, Pace::Rounds { depth: 1 }, 30).unwrap().requests, 30);
    assert_eq!(asked.load(Ordering::SeqCst), 30);
}

#[test]
fn echo_servers_answer_in_order() {
    let address = echo(Service::new(ANSWER_BYTES, None).unwrap(), <[u8]>::to_vec);
    let outcome = run(&mut load(address, constant(), None), Pace::Closed { depth: 5 }, 300);
    assert_eq!(outcome.unwrap().requests, 300);
}

#[test]
fn every_answer_over_tls_is_counted() {
    for certificate in Certificate::ALL {
        let address = echo(service(certificate), <[u8]>::to_vec);
        let clients = Clients::new(Handshake::Full).unwrap();
        for pace in [Pace::Closed { depth: 1 }, Pace::Rounds { depth: 1 }, Pace::Rounds { depth: 100 }] {
            let mut load = load(address, constant(), Some(&clients));
            assert_eq!(run(&mut load, pace, 1000).unwrap().requests, 1000, "{pace:?}");
            // A second run goes on with the same sessions.
            assert_eq!(run(&mut load, pace, 1000).unwrap().requests, 1000, "{pace:?}");
            load.check_handshakes(Handshake::Full).unwrap();
        }
    }
}

#[test]
fn sessions_are_resumed_by_clients_that_are_meant_to() {
    let address = echo(service(Certificate::EcdsaP256), <[u8]>::to_vec);
    let clients = Clients::new(Handshake::Resumed).unwrap();
    let begin = || {
        let mut load = load(address, constant(), Some(&clients));
        run(&mut load, Pace::Closed { depth: 1 }, 5).unwrap();
        load
    };
    let first = begin();
    first.check_handshakes(Handshake::Full).unwrap();
    first.close();
    for _ in 0..3 {
        let next = begin();
        next.check_handshakes(Handshake::Resumed).unwrap();
        assert!(next.check_handshakes(Handshake::Full).is_err());
        next.close();
    }
}

#[test]
fn spoiled_tls_ends_the_run() {
    let garbled: [Garble; 2] =
        [|output| output.iter().map(|byte| !byte).collect(), |_| constant_answer(ANSWER_BYTES).unwrap()];
    for garble in garbled {
        let address = echo(service(Certificate::EcdsaP256), garble);
        let mut load = load(address, constant(), Some(&Clients::new(Handshake::Full).unwrap()));
        let error = run(&mut load, Pace::Rounds { depth: 1 }, 10).unwrap_err();
        assert!(format!("{error:#}").contains("the server breaks the TLS protocol"), "{error:#}");
    }
}

/// Hands a session what a client has to send, in pieces, and the client what it answers. Returns the plaintext of that.
fn exchange(client: &mut ClientConnection, session: &mut Session, piece: usize) -> Vec<u8> {
    for bytes in outgoing(client).chunks(piece) {
        session.handle_input(&mut bytes.to_vec()).unwrap();
    }
    let mut plaintext = Vec::new();
    while !session.output().is_empty() {
        // The socket takes some of it.
        let some = session.output().len().min(1000);
        plaintext.extend(incoming(client, &session.output()[..some]).unwrap());
        session.handle_written(some);
    }
    plaintext
}

#[test]
fn echo_session_answers_however_its_input_is_cut() {
    let service = service(Certificate::EcdsaP256);
    let answer = constant_answer(ANSWER_BYTES).unwrap();
    for version in Version::ALL {
        for piece in [1, 2, 7, 100, 5000, 1 << 20] {
            let (mut client, mut session) = (client(version), service.session().unwrap());
            while client.is_handshaking() {
                assert_eq!(exchange(&mut client, &mut session, piece), b"");
            }
            for frames in [1, 16, 200] {
                client.writer().write_all(&[0, 0, 0, 3, 1, 2, 3].repeat(frames)).unwrap();
                let answers = exchange(&mut client, &mut session, piece);
                assert!(answers == answer.repeat(frames), "{frames} frames over {version} in pieces of {piece}");
            }
            client.send_close_notify();
            let mut last = outgoing(&mut client);
            assert!(session.handle_input(&mut last).is_err(), "it goes on after the end");
        }
    }
}

#[test]
fn echo_takes_a_certificate_with_its_key() {
    let parse = |words: &[&str]| Arguments::parse(words.iter().map(|word| (*word).to_owned()));
    let [certificate, key] = Certificate::Rsa2048.files().map(|path| path.display().to_string());
    let [_, other] = Certificate::EcdsaP256.files().map(|path| path.display().to_string());
    assert!(parse(&["1", "40"]).is_ok() && parse(&["1", "40", &certificate, &key]).is_ok());
    for words in [
        &["1"] as &[&str],
        &["x", "40"],
        &["1", "7"],
        &["1", "40", &certificate],
        &["1", "40", &key, &key],
        &["1", "40", &certificate, &certificate],
        &["1", "40", &certificate, &other],
        &["1", "40", "no-such-file", &key],
    ] {
        assert!(parse(words).is_err(), "{words:?}");
    }
}
