//! Bytes that are no frames, and frames whose parts do not agree: each closes its own connection, after what came
//! before it is answered.

use super::siege::{Episode, Siege};
use crate::peer::{cluster_info, route};
use crate::request::{Request, frame};

const MEBIBYTE: u64 = 1024 * 1024;

/// Connections that send the same bytes.
const PEERS: usize = 20;

/// One that is complete, and too short for what it has to hold.
const TLS_CLIENT_HELLO: [u8; 16] = [22, 3, 1, 0, 11, 1, 0, 0, 7, 3, 3, 0, 0, 0, 0, 0];

pub(super) fn episodes() -> Vec<Episode> {
    let mut episodes: Vec<_> = first_bytes().into_iter().map(|(name, bytes)| closing(name, bytes, false)).collect();
    episodes.extend(broken_frames().into_iter().map(|(name, bytes)| closing(name, bytes, true)));
    episodes
        .extend(broken_binary_headers().into_iter().map(|(name, header)| closing(name, frame(1, &header, b""), true)));
    episodes.push(Episode::new("unknown_header_types", 4, unknown_header_types).lines_a_second(11));
    episodes.push(Episode::new("a_megabyte_of_noise", 8, noise).lines_a_second(11));
    episodes
}

/// What other protocols begin with.
fn first_bytes() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("tls", TLS_CLIENT_HELLO.to_vec()),
        ("http", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()),
        ("http_2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("ssh", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        ("redis", b"*1\r\n$4\r\nPING\r\n".to_vec()),
        ("smtp", b"EHLO example.org\r\n".to_vec()),
        ("proxy_of_no_address", b"PROXY TCP4 ' OR 1=1\r\n".to_vec()),
    ]
}

fn broken_frames() -> Vec<(&'static str, Vec<u8>)> {
    let header = |text: &[u8]| frame(0, text, b"");
    vec![
        ("a_length_of_zero", vec![0, 0, 0, 0, 0, 0, 0, 0]),
        ("a_length_of_three", vec![0, 0, 0, 3, 0, 0, 0]),
        ("the_largest_positive_length", vec![0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 9]),
        ("a_negative_length", vec![0xff; 8]),
        ("one_byte_more_than_a_frame_may_have", 0x00ff_fffd_u32.to_be_bytes().to_vec()),
        ("a_header_longer_than_its_frame", vec![0, 0, 0, 8, 0, 0, 0xff, 0xff, b'{', b'}', b' ', b' ']),
        ("a_header_longer_than_any_frame", vec![0, 0, 0, 8, 0, 0xff, 0xff, 0xff, b'{', b'}', b' ', b' ']),
        ("a_header_of_nothing", header(b"")),
        ("a_header_of_blanks", header(&b" ".repeat(1 << 20))),
        ("a_header_that_is_a_list", header(b"[{\"code\":105}]")),
        ("a_header_that_is_null", header(b"null")),
        ("a_header_that_is_cut", header(b"{\"code\":105,\"opaque\":1")),
        ("a_header_with_text_after_it", header(b"{\"code\":105} more")),
        ("a_header_of_broken_utf_8", header(b"{\"code\":105,\"remark\":\"\xff\xfe\xc0\x80\"}")),
        ("a_code_beyond_an_integer", header(b"{\"code\":99999999999999999999999999}")),
        ("a_number_of_a_million_digits", header(&[b"{\"code\":", "9".repeat(1 << 20).as_bytes(), b"}"].concat())),
        ("a_megabyte_where_a_number_belongs", header(format!("{{\"code\":\"{}\"}}", "x".repeat(1 << 20)).as_bytes())),
        ("too_many_fields", Request { fields: Some(many_fields(100_000)), ..Request::new(105) }.encode()),
    ]
}

/// Binary headers, whose lengths are signed.
fn broken_binary_headers() -> Vec<(&'static str, Vec<u8>)> {
    let mut front = vec![0, 105, 0, 2, 1];
    front.extend([0; 8]);
    let with = |parts: &[&[u8]]| [&front[..], &parts.concat()].concat();
    let (none, most, least) = ([0; 4], i32::MAX.to_be_bytes(), i32::MIN.to_be_bytes());
    vec![
        ("a_binary_header_that_is_cut", front.clone()),
        ("a_binary_remark_of_two_gigabytes", with(&[&most, &none])),
        ("a_binary_remark_of_negative_length", with(&[&least, &none])),
        ("binary_fields_of_two_gigabytes", with(&[&none, &most])),
        ("a_binary_key_longer_than_all_fields", with(&[&none, &[0, 0, 0, 8], &[0xff, 0xff], b"topic!"])),
        ("a_binary_value_of_negative_length", with(&[&none, &[0, 0, 0, 8], &[0, 1, b'a'], &least, b"x"])),
        ("a_binary_value_of_two_gigabytes", with(&[&none, &[0, 0, 0, 8], &[0, 1, b'a'], &most, b"x"])),
    ]
}

pub(super) fn many_fields(count: usize) -> Vec<(String, String)> {
    (0..count).map(|number| (format!("field{number}"), String::new())).collect()
}

/// Bytes that close their connection. Unless they have to be the first, what came before is answered.
fn closing(name: &'static str, bytes: Vec<u8>, later: bool) -> Episode {
    // All connections may hold the bytes at one time, in buffers that grow twofold.
    let memory_mib = 16 + 2 * (PEERS * bytes.len()) as u64 / MEBIBYTE;
    let before = if later { route("T").opaque(5).encode() } else { Vec::new() };
    let bytes = [before, bytes].concat();
    let attack = move |siege: &Siege<'_>| {
        let mut peers = siege.peers(PEERS);
        for peer in &mut peers {
            // The server need not take all of it.
            let _ = peer.try_write(&bytes);
        }
        for peer in &mut peers {
            if later {
                assert_eq!(peer.answer().opaque, 5, "what came before is answered");
            }
            peer.expect_end();
        }
    };
    Episode::new(name, memory_mib, attack).lines_a_second(11)
}

/// Every type of header that there is not.
fn unknown_header_types(siege: &Siege<'_>) {
    for kind in 2..=255 {
        let mut peer = siege.peer();
        peer.write(&frame(kind, b"{\"code\":105}", b""));
        assert_eq!(peer.next(), None, "type {kind}");
    }
}

/// Bytes without any sense, the same ones in each run.
fn noise(siege: &Siege<'_>) {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..siege.scaled(50, 1000) {
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .take(1 << 20)
        .collect();
        let mut peer = siege.peer();
        let _ = peer.try_write(&noise);
        // It may look like the front of a long frame.
        peer.reset();
    }
    assert_eq!(siege.peer().ask(&cluster_info()).code, 0);
}
