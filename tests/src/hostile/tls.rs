//! Records and handshakes that no library makes: each ends its own connection, or is nothing but slow.

use super::siege::{Episode, Siege};
use crate::answer::Answer;
use crate::peer::{cluster_info, route};
use crate::stream::be_patient;
use crate::tls::records::{HEADER_BYTES, Record, Records};
use crate::tls::{Version, client};
use crate::transport::outgoing;
use rustls::{ClientConnection, ContentType};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Connections that do the same.
const PEERS: usize = 20;
/// Messages of one kind that a connection sends, so that it cannot go on for ever.
const FLOOD: usize = 2000;

/// Records of nothing that are no flood yet.
const NOTHING: usize = 32;

/// Bytes of a handshake message in front of its body: its type and its length.
const MESSAGE_HEADER_BYTES: usize = 4;
/// Where the length of the session identifier is in the body of a ClientHello: behind the version and the random bytes.
const SESSION_AT: usize = 2 + 32;
/// `TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA`.
const CBC_SUITE: [u8; 2] = [0xc0, 0x13];

/// Alerts: the level, 1 for a warning, and what is the matter.
const CLOSE_NOTIFY: [u8; 2] = [1, 0];
const UNEXPECTED_MESSAGE: [u8; 2] = [2, 10];
const BAD_RECORD_MAC: [u8; 2] = [2, 20];
const HANDSHAKE_FAILURE: [u8; 2] = [2, 40];
const NO_RENEGOTIATION: [u8; 2] = [1, 100];

/// They make sense over TLS alone.
pub(super) fn episodes() -> Vec<Episode> {
    vec![
        Episode::new("hellos_in_records_of_a_byte", 16, hellos_in_records_of_a_byte),
        Episode::new("hellos_with_suites_of_cbc", 16, hellos_with_suites_of_cbc).lines(12).lines_a_second(11),
        Episode::new("new_handshakes_without_end", 16, new_handshakes).lines(12).lines_a_second(11),
        Episode::new("records_that_do_not_decrypt", 16, records_that_do_not_decrypt).lines(12).lines_a_second(11),
        Episode::new("records_that_are_cut_off", 16, records_that_are_cut_off),
        Episode::new("records_of_nothing_without_end", 16, records_of_nothing).lines(12).lines_a_second(11),
        Episode::new("ends_of_tls_without_an_end_of_the_stream", 16, ends_of_tls),
    ]
}

/// Every byte of the ClientHello is a record of its own. The handshake comes off all the same.
fn hellos_in_records_of_a_byte(siege: &Siege<'_>) {
    for _ in 0..PEERS {
        let mut stream = siege.stream();
        let mut client = client(siege.version());
        let pieces: Vec<u8> = hello(&mut client).into_iter().flat_map(|byte| [22, 3, 1, 0, 1, byte]).collect();
        stream.write_all(&pieces).expect("the server reads");
        while client.is_handshaking() {
            client.complete_io(&mut stream).expect("a handshake");
        }
    }
}

/// The client has nothing but suites that this server does not have.
fn hellos_with_suites_of_cbc(siege: &Siege<'_>) {
    for _ in 0..PEERS {
        let mut hello = hello(&mut client(siege.version()));
        let session_at = MESSAGE_HEADER_BYTES + SESSION_AT;
        let suites_at = session_at + 1 + usize::from(hello[session_at]);
        let suites_bytes = usize::from(u16::from_be_bytes([hello[suites_at], hello[suites_at + 1]]));
        let suites = &mut hello[suites_at + 2..][..suites_bytes];
        suites.chunks_exact_mut(CBC_SUITE.len()).for_each(|suite| suite.copy_from_slice(&CBC_SUITE));
        let length = u16::try_from(hello.len()).expect("a record").to_be_bytes();
        let mut stream = siege.stream();
        stream.write_all(&[&[22, 3, 1][..], &length, &hello].concat()).expect("the server reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an alert and the end");
        assert!(answer.starts_with(&[21, 3]) && answer.ends_with(&HANDSHAKE_FAILURE), "{answer:?}");
    }
}

/// Clients ask for a new handshake behind the first one, and again, and again. TLS 1.2 refuses the first and goes on;
/// TLS 1.3 has no such thing.
fn new_handshakes(siege: &Siege<'_>) {
    let mut peers: Vec<_> = (0..PEERS).map(|_| siege.records()).collect();
    for peer in &mut peers {
        let hello = hello(&mut client(siege.version()));
        let once = peer.seal(ContentType::Handshake, &hello);
        let request = peer.seal(ContentType::ApplicationData, &route("T").encode());
        let _ = peer.try_write(&[once, request].concat());
        match siege.version() {
            Version::Tls12 => {
                assert_eq!(next(peer), Some(alert(NO_RENEGOTIATION)));
                assert_answer(next(peer));
            }
            Version::Tls13 => assert_eq!(next(peer), Some(alert(UNEXPECTED_MESSAGE))),
        }
        let again: Vec<u8> = (0..FLOOD).flat_map(|_| peer.seal(ContentType::Handshake, &hello)).collect();
        let _ = peer.try_write(&again);
        assert_no_answer(peer);
    }
}

/// One bit is wrong, in any byte behind the header.
fn records_that_do_not_decrypt(siege: &Siege<'_>) {
    let bytes = siege.records().seal(ContentType::ApplicationData, &cluster_info().encode()).len();
    for wrong in (HEADER_BYTES..bytes).step_by(siege.scaled(5, 1)) {
        let mut peer = siege.records();
        let mut record = peer.seal(ContentType::ApplicationData, &cluster_info().encode());
        record[wrong] ^= 1;
        let _ = peer.try_write(&record);
        assert_eq!(next(&mut peer), Some(alert(BAD_RECORD_MAC)), "byte {wrong}");
        assert_eq!(next(&mut peer), None, "byte {wrong}");
    }
}

/// The stream ends in the middle of a record, without the end of TLS: what is not complete was never said.
fn records_that_are_cut_off(siege: &Siege<'_>) {
    let bytes = siege.records().seal(ContentType::ApplicationData, &cluster_info().encode()).len();
    for cut in (0..bytes).step_by(siege.scaled(5, 1)) {
        let mut peer = siege.records();
        let record = peer.seal(ContentType::ApplicationData, &cluster_info().encode());
        let _ = peer.try_write(&record[..cut]);
        peer.truncate();
        while let Some(record) = next(&mut peer) {
            assert_eq!(record, alert(CLOSE_NOTIFY), "cut at byte {cut}");
        }
    }
}

/// Some records of nothing in front of a request do no harm; very many close the connection.
fn records_of_nothing(siege: &Siege<'_>) {
    let mut peers: Vec<_> = (0..PEERS).map(|_| siege.records()).collect();
    for peer in &mut peers {
        let nothing: Vec<u8> = (0..NOTHING).flat_map(|_| peer.seal(ContentType::ApplicationData, b"")).collect();
        let request = peer.seal(ContentType::ApplicationData, &route("T").encode());
        let _ = peer.try_write(&[nothing, request].concat());
        assert_answer(next(peer));
        let flood: Vec<u8> = (0..FLOOD).flat_map(|_| peer.seal(ContentType::ApplicationData, b"")).collect();
        let _ = peer.try_write(&flood);
        assert_no_answer(peer);
    }
}

/// Clients end TLS behind a request and leave the stream open. They are answered, and the server ends both.
fn ends_of_tls(siege: &Siege<'_>) {
    let mut peers: Vec<_> = (0..PEERS).map(|_| siege.records()).collect();
    for peer in &mut peers {
        let request = peer.seal(ContentType::ApplicationData, &route("T").encode());
        let end = peer.seal(ContentType::Alert, &CLOSE_NOTIFY);
        let _ = peer.try_write(&[request, end].concat());
    }
    for peer in &mut peers {
        assert_answer(next(peer));
        assert_eq!(next(peer), Some(alert(CLOSE_NOTIFY)));
        assert_eq!(next(peer), None);
    }
}

impl Siege<'_> {
    /// The version of TLS that this is about.
    fn version(&self) -> Version {
        self.target.tls().expect("an episode over TLS")
    }

    /// A connection without TLS.
    fn stream(&self) -> TcpStream {
        let stream = TcpStream::connect(self.server.address()).expect("the server accepts");
        be_patient(&stream);
        stream
    }

    /// A connection whose records are written here.
    fn records(&self) -> Records {
        Records::connect(self.server.address(), self.version())
    }
}

/// The ClientHello of a client, without the header of its record.
fn hello(client: &mut ClientConnection) -> Vec<u8> {
    outgoing(client).split_off(HEADER_BYTES)
}

/// The next record that is no ticket.
fn next(peer: &mut Records) -> Option<Record> {
    std::iter::from_fn(|| peer.next()).find(|record| record.kind != ContentType::Handshake)
}

fn alert(content: [u8; 2]) -> Record {
    Record { kind: ContentType::Alert, content: content.to_vec() }
}

/// The server says at most what is wrong, and closes.
fn assert_no_answer(peer: &mut Records) {
    while let Some(record) = next(peer) {
        assert_eq!(record.kind, ContentType::Alert);
    }
}

fn assert_answer(record: Option<Record>) {
    let record = record.expect("an answer");
    assert_eq!(record.kind, ContentType::ApplicationData);
    assert_eq!(Answer::decode(&record.content).expect("a frame").code, 0);
}
