//! Clients of the second port that are slow, silent, greedy or no clients of HTTP: they cost little, and neither probes
//! nor brokers notice.

use super::siege::{Episode, Siege};
use crate::admin_port::{ADMIN, address, connect, get};
use crate::peer::{Peer, put};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

pub(super) fn episodes() -> Vec<Episode> {
    let episode = |name, attack: fn(&Siege<'_>)| Episode::new(name, 24, attack).with(ADMIN.0, ADMIN.1).lines(4);
    vec![
        episode("half_heads_and_silence", half_heads),
        episode("answers_that_nobody_reads", unread_answers),
        episode("requests_that_are_none", nonsense),
        episode("a_storm_of_connections", storm),
        // Changes of the KV table are told, up to a limit.
        episode("followers_that_do_not_read", deaf_followers).lines(1000),
    ]
}

/// Probes are answered, whatever goes on.
fn probe(siege: &Siege<'_>) {
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(get(address(&siege.server), path).status, 200, "{path}");
    }
}

fn half_heads(siege: &Siege<'_>) {
    let address = address(&siege.server);
    let mut held = Vec::new();
    for number in 0..siege.scaled(300, 3000) {
        let mut stream = connect(address);
        // It may have had to give way already.
        let _ = stream.write_all(if number % 2 == 0 { b"GET /metrics HTTP/1.1\r\nX: " } else { b"" });
        held.push(stream);
        if number % 100 == 0 {
            probe(siege);
        }
    }
    probe(siege);
}

/// Requests without end over connections that are not read from.
fn unread_answers(siege: &Siege<'_>) {
    let address = address(&siege.server);
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n").repeat(100);
    let mut held: Vec<_> = (0..60).map(|_| connect(address)).collect();
    for _ in 0..siege.scaled(20, 200) {
        held.iter_mut().for_each(|stream| write_what_fits(stream, request.as_bytes()));
        probe(siege);
    }
}

fn write_what_fits(stream: &mut TcpStream, bytes: &[u8]) {
    stream.set_nonblocking(true).expect("a socket that does not wait");
    // It may have had to give way already.
    let _ = stream.write(bytes);
}

fn nonsense(siege: &Siege<'_>) {
    let address = address(&siege.server);
    let long = "x".repeat(100_000);
    for number in 0..siege.scaled(200, 5000) {
        let text = match number % 5 {
            0 => long.clone(),
            1 => format!("GET / HTTP/1.1\r\n{}\r\n\r\n", "a:b\r\n".repeat(1000)),
            2 => format!("POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{long}"),
            3 => "\0\0\0\u{5f}\0\0\0\u{5b}{\"code\":105}".to_owned(),
            _ => "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}".to_owned(),
        };
        let mut stream = connect(address);
        // The server may have answered and closed before it has read everything.
        let _ = stream.write_all(text.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{number}"),
        }
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    }
    probe(siege);
}

/// Clients that follow events and read none of them, while there are many.
fn deaf_followers(siege: &Siege<'_>) {
    let address = address(&siege.server);
    let request = format!("GET /api/v1/events?follow&after=0 HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let mut held: Vec<_> = (0..60).map(|_| connect(address)).collect();
    held.iter_mut().for_each(|stream| write_what_fits(stream, request.as_bytes()));
    let mut peer = Peer::connect(&siege.server);
    for number in 0..siege.scaled(300, 20_000) {
        let name = format!("\u{1}<b>{number}{}", "x".repeat(200));
        assert_eq!(peer.ask(&put("n", "k", &name)).code, 0);
        if number % 100 == 0 {
            probe(siege);
        }
    }
    probe(siege);
}

fn storm(siege: &Siege<'_>) {
    let address = address(&siege.server);
    for _ in 0..siege.scaled(20, 200) {
        let streams: Vec<_> = (0..100).map(|_| connect(address)).collect();
        drop(streams);
    }
    probe(siege);
}
