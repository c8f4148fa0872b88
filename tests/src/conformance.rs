//! What every runtime's binary has to pass over real sockets.

use crate::answer::Answer;
use crate::golden::replay::{Report, replay};
use crate::plain_json::Json;
use crate::process::{Process, ProcessServer, read_frame};
use crate::registration::{Registration, Topic};
use crate::request::Request;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::thread;

/// Replays the golden conversations against a binary.
///
/// # Panics
/// An answer differs from Java's and the overlay does not say so.
pub fn golden_conversations(binary: &Path) -> Report {
    replay(|setup| ProcessServer::start(binary, setup))
}

/// Thousands of requests in one write are all answered, those that only read and those that change something, in whichever order.
///
/// # Panics
/// An answer is missing, comes twice or is not the right one.
pub fn pipelined_requests(binary: &Path) {
    const REQUESTS: i32 = 4000;
    let server = Process::start(binary, &[]);
    let _broker = register(&server, "broker-a");
    let mut stream = server.connect();
    let mut input = Vec::new();
    for opaque in 0..REQUESTS {
        let request = match opaque % 4 {
            0 => Request::new(101).field("namespace", "n").field("key", opaque),
            1 => Request::new(106),
            _ => Request::new(105).field("topic", "T"),
        };
        input.extend(request.opaque(opaque).encode());
    }
    let mut writer = stream.try_clone().expect("one more handle");
    let writing = thread::spawn(move || writer.write_all(&input));
    let mut answered = vec![false; REQUESTS as usize];
    for _ in 0..REQUESTS {
        let answer = answer(&mut stream);
        assert_eq!(answer.code, if answer.opaque % 4 == 0 { 22 } else { 0 });
        let slot = answered.get_mut(answer.opaque as usize).expect("a number that was sent");
        assert!(!std::mem::replace(slot, true), "{} is answered twice", answer.opaque);
    }
    writing.join().expect("the writer ends").expect("all is written");
}

/// A peer that closes its side still hears the answers to what it sent, then the connection ends.
///
/// # Panics
/// It does not.
pub fn half_closed_peer(binary: &Path) {
    let server = Process::start(binary, &[]);
    let mut stream = server.connect();
    for opaque in 0..3 {
        let request = Request::new(101).field("namespace", "n").field("key", "k");
        stream.write_all(&request.opaque(opaque).encode()).expect("the server reads");
    }
    stream.shutdown(Shutdown::Write).expect("the connection is open");
    for _ in 0..3 {
        assert_eq!(answer(&mut stream).code, 22);
    }
    assert_eq!(read_frame(&mut stream), None);
}

/// A peer that sends what cannot be read is cut off, and others are served.
///
/// # Panics
/// They are not.
pub fn bad_input_costs_nobody_else(binary: &Path) {
    let server = Process::start(binary, &[]);
    let mut good = server.connect();
    for bad in [&[0, 0, 0, 3][..], &[0xff; 4], &[0, 0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = server.connect();
        stream.write_all(bad).expect("the server reads");
        assert_eq!(read_frame(&mut stream), None, "{bad:?}");
        assert_eq!(ask(&mut good, &Request::new(106)).code, 0);
    }
}

/// A KV entry that was answered survives a kill, and SIGTERM ends the server with status 0.
///
/// # Panics
/// It does not.
pub fn restart_keeps_what_was_answered(binary: &Path) {
    let mut server = Process::start(binary, &[]);
    let mut stream = server.connect();
    let put = Request::new(100).field("namespace", "n").field("key", "k").field("value", "é\n");
    assert_eq!(ask(&mut stream, &put).code, 0);
    server.kill();
    let mut server = server.restart(binary);
    let get = Request::new(101).field("namespace", "n").field("key", "k");
    assert_eq!(ask(&mut server.connect(), &get).field("value"), Some("é\n"));
    server.terminate();
    let status = server.wait();
    assert!(status.success(), "{status}: {}", server.log());
}

/// Many brokers over many connections: all of them are in one answer, and all are gone when their connections are.
///
/// # Panics
/// They are not.
pub fn brokers_come_and_go(binary: &Path) {
    let server = Process::start(binary, &[]);
    let connections: Vec<_> = (0..32).map(|number| register(&server, &format!("broker-{number}"))).collect();
    let mut client = server.connect();
    let route = Request::new(105).field("topic", "T");
    let body = Json::parse(&ask(&mut client, &route).text()).expect("a route");
    assert_eq!(body.member("brokerDatas").map(Json::elements).unwrap_or_default().len(), 32);
    for mut connection in connections {
        connection.shutdown(Shutdown::Write).expect("the connection is open");
        assert_eq!(read_frame(&mut connection), None);
    }
    server.eventually(|| ask(&mut client, &route).code == 17);
}

/// Registers a master with two topics over a connection of its own.
fn register(server: &Process, broker: &str) -> TcpStream {
    let mut registration = Registration::new(broker, 0);
    registration.topics = Some(vec![Topic::new("T"), Topic::new("U")]);
    let mut stream = server.connect();
    assert_eq!(ask(&mut stream, &registration.request()).code, 0);
    stream
}

fn ask(stream: &mut TcpStream, request: &Request) -> Answer {
    stream.write_all(&request.encode()).expect("the server reads");
    answer(stream)
}

fn answer(stream: &mut TcpStream) -> Answer {
    Answer::decode(&read_frame(stream).expect("the server answers")).expect("a frame")
}
