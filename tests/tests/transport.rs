//! PROXY headers and TLS below a connection, in memory: the same types as in a server, over a wire that is cut at will.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

use namesrv_core::address_list::AddressList;
use namesrv_core::config::Limits;
use namesrv_core::connection::CloseReason;
use namesrv_core::kv::KvTable;
use namesrv_core::quota::Quotas;
use namesrv_core::route::RouteView;
use namesrv_core::time::Duration;
use namesrv_shell::tls::TlsMode;
use namesrv_shell::transport::{Fault, ProxyProtocol};
use namesrv_tests::request::Request;
use namesrv_tests::tls::{Version, client, fragmenting_client};
use namesrv_tests::transport::{End, Link, ask, incoming, outgoing, seal, shake_hands};
use namesrv_tests::world::World;
use rustls::{AlertDescription, ClientConnection, Error};
use std::cell::Cell;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

const HEADER_1: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n";
const HEADER_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x04\x57\x08\xae";

fn view() -> &'static Arc<RouteView> {
    static VIEW: LazyLock<Arc<RouteView>> = LazyLock::new(|| World::new(&[]).shared_view());
    &VIEW
}

fn link() -> Link {
    Link::open(TlsMode::Permissive, view())
}

/// A connection after its handshake.
fn secure(version: Version) -> (ClientConnection, Link) {
    let (mut client, mut link) = (client(version), link());
    shake_hands(&mut client, &mut link);
    (client, link)
}

/// A request that the view answers.
fn request() -> Vec<u8> {
    Request::new(99_999).encode()
}

fn requests(number: i32) -> Vec<u8> {
    (0..number).flat_map(|opaque| Request::new(99_999).opaque(opaque).encode()).collect()
}

/// What is answered to these bytes over plain text.
fn plain_answer(bytes: &[u8]) -> Vec<u8> {
    let mut link = link();
    link.receive(bytes);
    link.take_written()
}

fn fault(link: &Link) -> &Fault {
    match &link.end {
        Some(End::Fault(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

fn is_end_of_stream(link: &Link) -> bool {
    matches!(&link.end, Some(End::Closed(CloseReason::EndOfStream)))
}

#[test]
fn answers_over_tls_are_those_over_plain_text() {
    assert!(requests(2000).len() > 128 * 1024, "records of 16 KiB, and more than two reads");
    // All at once, byte by byte, and with a hello in many records.
    for (count, read_max, fragment) in [(2000, usize::MAX, None), (3, 1, None), (20, usize::MAX, Some(64))] {
        let requests = requests(count);
        for version in Version::ALL {
            let mut client = fragment.map_or_else(|| client(version), |bytes| fragmenting_client(version, bytes));
            let mut link = link();
            link.wire.read_max = read_max;
            shake_hands(&mut client, &mut link);
            assert_eq!(ask(&mut client, &mut link, &requests), plain_answer(&requests), "{version:?}, {count}");
            assert_eq!(link.quotas.connections(), 1);
        }
    }
}

#[test]
fn much_may_follow_what_begins_like_a_header() {
    for front in [&b"P"[..], b"PROX", b"\r", b"\r\n\r\n\0\r\nQUIT"] {
        let mut link = link();
        assert!(link.receive(front));
        assert!(!link.receive(&[b'x'; 200_000]), "{front:?}");
        assert!(matches!(link.end, Some(End::Closed(CloseReason::Malformed(_)))), "{front:?}: {:?}", link.end);
    }
}

#[test]
fn much_may_arrive_with_a_header() {
    let requests = requests(2000);
    let expected = plain_answer(&requests);
    for (header, cut) in [HEADER_1, HEADER_2].into_iter().flat_map(|header| [(header, 0), (header, 20)]) {
        let mut link = link();
        assert!(link.receive(&header[..cut]));
        assert!(link.receive(&[&header[cut..], &*requests].concat()));
        assert!(link.take_written() == expected, "{header:?}, {cut} bytes before the rest");
    }
}

#[test]
fn a_first_flight_may_be_cut_anywhere() {
    for version in Version::ALL {
        let hello = outgoing(&mut client(version));
        for cut in 1..hello.len() {
            let mut link = link();
            assert!(link.receive(&hello[..cut]) && link.wire.written.is_empty(), "cut at byte {cut}");
            assert!(link.receive(&hello[cut..]) && !link.wire.written.is_empty(), "cut at byte {cut}");
        }
    }
}

#[test]
fn a_second_flight_may_be_cut_anywhere() {
    for version in Version::ALL {
        let mut cut = 1;
        loop {
            let (mut client, mut link) = (client(version), link());
            link.receive(&outgoing(&mut client));
            incoming(&mut client, &link.take_written()).unwrap();
            let flight = outgoing(&mut client);
            if cut == flight.len() {
                break;
            }
            assert!(link.receive(&flight[..cut]) && link.receive(&flight[cut..]), "cut at byte {cut}");
            assert_eq!(link.transport().poll_timeout(), None, "the handshake is complete");
            cut += 1;
        }
    }
}

#[test]
fn a_record_may_be_cut_anywhere() {
    let expected = plain_answer(&request());
    for version in Version::ALL {
        let (mut client, mut link) = secure(version);
        let whole = seal(&mut client, &request());
        assert!(link.receive(&whole));
        assert_eq!(incoming(&mut client, &link.take_written()), Ok(expected.clone()));
        for cut in 1..whole.len() {
            let record = seal(&mut client, &request());
            let (front, back) = record.split_at(cut);
            assert!(link.receive(front) && link.wire.written.is_empty(), "cut at byte {cut}");
            assert!(link.receive(back), "cut at byte {cut}");
            assert_eq!(incoming(&mut client, &link.take_written()), Ok(expected.clone()), "cut at byte {cut}");
        }
    }
}

#[test]
fn a_socket_that_takes_little_gets_the_same_bytes() {
    let requests = requests(1500);
    let expected = plain_answer(&requests);
    for version in Version::ALL {
        for space in [1009, 16_384, 100_000] {
            let (mut client, mut link) = secure(version);
            link.wire.space = 0;
            let mut answers = ask(&mut client, &mut link, &requests);
            assert_eq!(answers, b"");
            assert!(link.machine().wants_write(), "what the socket did not take counts as unread");
            while answers.len() < expected.len() {
                link.wire.space = space;
                assert!(link.settle(), "{:?}", link.end);
                answers.extend(incoming(&mut client, &link.take_written()).unwrap());
            }
            assert_eq!(answers, expected);
            assert!(!link.machine().wants_write() && !link.transport().wants_write());
        }
    }
}

#[test]
fn answers_go_on_when_the_socket_takes_them_between_a_write_and_a_read() {
    for version in Version::ALL {
        let (mut client, mut link) = secure(version);
        link.wire.space = 0;
        assert_eq!(ask(&mut client, &mut link, &requests(10)), b"");
        link.wire.space_after_read = Some(usize::MAX);
        assert!(link.receive(&seal(&mut client, &requests(10))));
        assert!(link.settle());
        let expected = [plain_answer(&requests(10)), plain_answer(&requests(10))].concat();
        assert_eq!(incoming(&mut client, &link.take_written()), Ok(expected));
    }
}

#[test]
fn a_flight_that_the_socket_does_not_take_is_written_later() {
    for version in Version::ALL {
        let (mut client, mut link) = (client(version), link());
        link.wire.space = 10;
        link.receive(&outgoing(&mut client));
        assert!(link.transport().wants_write());
        assert_eq!(link.wire.written.len(), 10);
        link.wire.space = usize::MAX;
        assert!(link.settle() && !link.transport().wants_write());
        incoming(&mut client, &link.take_written()).unwrap();
        shake_hands(&mut client, &mut link);
    }
}

#[test]
fn reading_pauses_over_tls_too() {
    for version in Version::ALL {
        let (mut client, mut link) = secure(version);
        let window = view().limits().forwarded_per_connection_max;
        let for_the_registry: Vec<u8> =
            (0..window + 5).flat_map(|opaque| Request::new(904).opaque(opaque as i32).encode()).collect();
        assert_eq!(ask(&mut client, &mut link, &for_the_registry), b"");
        assert_eq!(link.forwarded.len(), window);
        let more = seal(&mut client, &requests(1));
        link.receive(&more);
        assert_eq!(link.wire.arrived.len(), more.len(), "nothing is read");
        let now = link.now;
        link.machine().handle_reply(Vec::new().into(), now);
        assert!(link.settle());
        assert_eq!((link.forwarded.len(), link.wire.arrived.len()), (window + 1, more.len()));
        for _ in 0..window + 4 {
            link.machine().handle_reply(Vec::new().into(), now);
            link.settle();
        }
        assert_eq!(incoming(&mut client, &link.take_written()), Ok(plain_answer(&requests(1))));
    }
}

#[test]
fn a_server_that_stops_reads_once_more_without_an_event() {
    let limits = Limits { output_bytes_pause: 1000, ..Limits::default() };
    let mut link =
        Link::open(TlsMode::Permissive, &World::with(&[], KvTable::default(), limits, [0; 16]).shared_view());
    link.wire.space = 0;
    assert!(link.receive(&requests(20)));
    assert!(link.machine().input_memory() > 0, "some wait until the client takes answers");
    link.machine().handle_stop();
    assert!(link.resume());
    link.wire.space = usize::MAX;
    assert!(!link.resume(), "it waits for an event that does not come");
    assert!(matches!(link.end, Some(End::Closed(CloseReason::Stopped))), "{:?}", link.end);
    assert_eq!(link.take_written(), plain_answer(&requests(20)));
}

#[test]
fn the_end_of_a_client_is_answered_and_its_last_requests_too() {
    for version in Version::ALL {
        let (mut client, mut link) = secure(version);
        client.writer().write_all(&request()).unwrap();
        client.send_close_notify();
        link.receive(&outgoing(&mut client));
        assert!(is_end_of_stream(&link), "{:?}", link.end);
        let mut written = &link.take_written()[..];
        let mut answer = Vec::new();
        client.read_tls(&mut written).unwrap();
        assert!(client.process_new_packets().unwrap().peer_has_closed());
        std::io::Read::read_to_end(&mut client.reader(), &mut answer).unwrap();
        assert_eq!(answer, plain_answer(&request()), "{version:?}");
    }
}

#[test]
fn a_stream_that_is_cut_off_is_a_lost_client() {
    for version in Version::ALL {
        let (_client, mut link) = secure(version);
        assert!(!link.receive_end() && is_end_of_stream(&link), "{:?}", link.end);

        let (mut client, mut link) = secure(version);
        let record = seal(&mut client, &request());
        link.receive(&record[..record.len() - 1]);
        assert!(!link.receive_end() && is_end_of_stream(&link));
        assert!(link.forwarded.len() == 1, "the node hears of the end, and of nothing else");

        let mut link = self::link();
        link.receive(&outgoing(&mut self::client(version)));
        assert!(!link.receive_end());
        assert!(matches!(fault(&link), Fault::HandshakeEnded));
    }
}

#[test]
fn garbage_after_the_handshake_ends_it_with_an_alert() {
    for version in Version::ALL {
        let (mut client, mut link) = secure(version);
        let mut record = seal(&mut client, &request());
        *record.last_mut().unwrap() ^= 1;
        assert!(!link.receive(&record));
        assert!(matches!(fault(&link), Fault::Tls(Error::DecryptError)), "{:?}", link.end);
        let alert = incoming(&mut client, &link.take_written());
        assert_eq!(alert, Err(Error::AlertReceived(AlertDescription::BadRecordMac)));

        for plain in [request(), HEADER_1.to_vec(), outgoing(&mut self::client(version))] {
            let (_client, mut link) = secure(version);
            assert!(!link.receive(&plain), "{plain:?}");
            assert!(matches!(fault(&link), Fault::Tls(_)));
        }
    }
}

#[test]
fn a_header_inside_of_tls_is_no_header() {
    for version in Version::ALL {
        for header in [HEADER_1, HEADER_2] {
            let (mut client, mut link) = secure(version);
            assert_eq!(ask(&mut client, &mut link, &[header, &request()].concat()), b"");
            assert!(matches!(&link.end, Some(End::Closed(CloseReason::Malformed(_)))), "{:?}", link.end);
        }
    }
}

#[test]
fn a_client_may_change_its_keys() {
    let (mut client, mut link) = secure(Version::Tls13);
    for _ in 0..3 {
        client.refresh_traffic_keys().unwrap();
        assert_eq!(ask(&mut client, &mut link, &request()), plain_answer(&request()));
    }
}

#[test]
fn first_byte_and_mode_decide() {
    let hello = outgoing(&mut client(Version::Tls13));
    let not_tls = [b"\x16\x03\x01\0\0", &b"\x16\x09\x09\0\x05abcde"[..], b"\x16\x03\x01\0\x04\x63\0\0\0"];
    for prefix in [b"", HEADER_1, HEADER_2] {
        let outcome = |mode, bytes: &[u8]| {
            let mut link = Link::open(mode, view());
            let is_open = link.receive(&[prefix, bytes].concat());
            let is_answered = !link.wire.written.is_empty();
            (is_open, is_answered, link)
        };
        for mode in [TlsMode::Permissive, TlsMode::Enforcing] {
            let (is_open, is_answered, _) = outcome(mode, &hello);
            assert!(is_open && is_answered, "{mode:?}");
            for bytes in not_tls {
                let (is_open, _, link) = outcome(mode, bytes);
                assert!(!is_open && matches!(fault(&link), Fault::Handshake(_)), "{mode:?} {bytes:?}");
            }
        }
        for mode in [TlsMode::Permissive, TlsMode::Disabled] {
            let (is_open, is_answered, _) = outcome(mode, &request());
            assert!(is_open && is_answered, "{mode:?}");
        }
        let (_, is_answered, link) = outcome(TlsMode::Disabled, &hello[..1]);
        assert!(!is_answered && matches!(fault(&link), Fault::TlsIsDisabled));
        let (_, is_answered, link) = outcome(TlsMode::Enforcing, &request());
        assert!(!is_answered && matches!(fault(&link), Fault::PlainText));
    }
}

#[test]
fn a_header_is_believed_from_trusted_proxies_only() {
    let claimed = SocketAddr::from(([192, 0, 2, 1], 1111));
    for header in [HEADER_1, HEADER_2] {
        for cut in [1, header.len() - 1, header.len(), header.len() + 1] {
            let bytes = [header, &Request::new(904).encode()].concat();
            let mut link = self::link();
            link.policy.trusted_proxies = Some(proxies("127.0.0.0/8"));
            assert!(link.receive(&bytes[..cut]) && link.receive(&bytes[cut..]));
            assert_eq!((link.client().socket_address(), link.disbelieved), (claimed, None));
            assert_eq!(link.client().to_string(), "192.0.2.1:1111 via 127.0.0.1:40000");
            assert_eq!(link.forwarded.len(), 1, "cut at byte {cut}");

            for trusted in [None, Some(proxies("10.0.0.0/8"))] {
                let mut link = self::link();
                link.policy.trusted_proxies = trusted;
                assert!(link.receive(&bytes[..cut]) && link.receive(&bytes[cut..]));
                assert_eq!(link.client().to_string(), "127.0.0.1:40000");
                assert_eq!(link.disbelieved, Some(claimed));
            }
        }
    }
}

#[test]
fn a_header_in_front_of_tls_names_the_client() {
    for version in Version::ALL {
        let (mut client, mut link) = (client(version), link());
        link.policy.trusted_proxies = Some(proxies("127.0.0.1"));
        link.receive(HEADER_2);
        shake_hands(&mut client, &mut link);
        assert_eq!(ask(&mut client, &mut link, &request()), plain_answer(&request()));
        assert_eq!(link.client().to_string(), "192.0.2.1:1111 via 127.0.0.1:40000");
    }
}

#[test]
fn headers_can_be_refused_or_required() {
    let outcome = |proxy_protocol, bytes: &[u8]| {
        let mut link = link();
        link.policy.proxy_protocol = proxy_protocol;
        link.receive(bytes);
        link
    };
    let with_header = [HEADER_1, &request()].concat();
    let link = outcome(ProxyProtocol::Off, &with_header);
    assert!(matches!(&link.end, Some(End::Closed(CloseReason::Malformed(_)))), "{:?}", link.end);
    for bytes in [request(), outgoing(&mut client(Version::Tls13))] {
        let link = outcome(ProxyProtocol::Require, &bytes);
        assert!(matches!(fault(&link), Fault::NoProxyHeader));
    }
    let link = outcome(ProxyProtocol::Require, &with_header);
    assert_eq!(link.wire.written, plain_answer(&request()));
}

#[test]
fn headers_and_handshakes_have_ten_seconds() {
    let begun = |bytes: &[u8]| {
        let mut link = link();
        link.receive(bytes);
        let timeout = link.transport().poll_timeout().map(|deadline| deadline.since(link.now.monotonic));
        // More of it gives it no more time.
        link.now.monotonic = link.now.monotonic + Duration::from_secs(3);
        link.settle();
        let unchanged = link.transport().poll_timeout().map(|deadline| deadline.since(link.now.monotonic));
        assert_eq!(unchanged, timeout.map(|time| time - Duration::from_secs(3)));
        timeout
    };
    let ten_seconds = Some(Duration::from_secs(10));
    let hello = outgoing(&mut client(Version::Tls13));
    assert_eq!(begun(b""), None, "a connection without a byte waits");
    assert_eq!(begun(b"P"), ten_seconds);
    assert_eq!(begun(&HEADER_1[..20]), ten_seconds);
    assert_eq!(begun(&HEADER_2[..20]), ten_seconds);
    assert_eq!(begun(HEADER_1), None, "behind a header it waits as without one");
    assert_eq!(begun(&hello[..1]), ten_seconds);
    assert_eq!(begun(&hello[..100]), ten_seconds);
    assert_eq!(begun(&hello), ten_seconds, "silence after the server's flight");
    assert_eq!(begun(&[HEADER_1, &hello[..1]].concat()), ten_seconds);
    assert_eq!(begun(&request()[..5]), None, "a frame has a limit of its own");
}

#[test]
fn a_handshake_is_bounded_in_bytes() {
    let mut link = link();
    // A hello of 60,000 bytes, each in a record of its own.
    assert!(link.receive(b"\x16\x03\x01\0\x04\x01\0\xea\x60"));
    let record = b"\x16\x03\x01\0\x01\x03";
    let mut sent = 0;
    while link.receive(record) {
        sent += record.len();
        assert!(sent < 200_000, "a handshake that never ends");
    }
    assert!(matches!(fault(&link), Fault::HandshakeTooLong(_)), "{:?}", link.end);
    assert!(sent > 100_000);
}

#[test]
fn what_is_not_complete_counts_against_the_quota() {
    let hello = outgoing(&mut client(Version::Tls13));
    for bytes in [&HEADER_2[..20], &hello[..50], &hello] {
        let mut link = link();
        let quotas = Arc::clone(&link.quotas);
        link.receive(bytes);
        assert!(!quotas.try_reserve_input(half(&quotas), 0), "something is held");
        drop(link);
        assert!(quotas.is_unused(), "and given back");
    }
    let (_client, link) = secure(Version::Tls13);
    let quotas = Arc::clone(&link.quotas);
    assert!(quotas.try_reserve_input(half(&quotas), 0), "a connection at rest holds nothing");
}

/// What a connection may reserve while nothing else is.
fn half(quotas: &Quotas<Cell<usize>>) -> usize {
    quotas.limits().incomplete_input_bytes_max / 2
}

fn proxies(list: &str) -> AddressList {
    AddressList::parse(list).unwrap()
}
