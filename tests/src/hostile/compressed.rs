//! Registrations whose bodies are larger, deeper or longer inside than outside.

use super::siege::{Episode, Siege};
use crate::peer::{Peer, broker};
use crate::registration::{Compression, deflate};
use crate::request::Request;

/// The limit of what a body may inflate to, in cases that reach it.
const INFLATED_MAX: (&str, &str) = ("inflatedBytesMax", "16777216");

pub(super) fn episodes() -> Vec<Episode> {
    let zeros = deflate(&vec![0; 64 << 20]);
    let honest = broker("broker-inside", 0, &["I"]).compressed_body();
    let mut broken_sum = honest.clone();
    broken_sum.iter_mut().rev().take(4).for_each(|byte| *byte ^= 0xff);
    let with = |key, value| move |episode: Episode| episode.with(key, value);
    let bomb = with(INFLATED_MAX.0, INFLATED_MAX.1);
    let mut dictionary = honest.clone();
    dictionary[1] = 0xbb;
    let blocks = |words: &[i32]| deflate(&words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>());
    let deep = |open: &str| format!("{{\"topicConfigSerializeWrapper\":{}", open.repeat(1 << 20)).into_bytes();
    vec![
        bomb(refused("a_bomb", 48, zeros.clone())),
        bomb(denied("a_bomb_that_denies_it", 48, zeros.clone())),
        bomb(Episode::new("a_hundred_bombs_at_once", 48, move |siege| pipeline(siege, &zeros, 100))),
        Episode::new("a_bomb_within_the_limit", 160, a_bomb_within_the_limit).lines(2),
        refused("a_stream_that_is_cut", 4, honest[..honest.len() / 2].to_vec()),
        refused("a_stream_with_a_wrong_sum", 4, broken_sum),
        refused("a_stream_with_a_dictionary", 4, dictionary),
        refused("a_stream_of_noise", 4, [&[0x78, 0xda][..], &[0xa5; 4096]].concat()),
        refused("two_billion_topics", 4, blocks(&[0, i32::MAX])),
        refused("a_version_of_two_gigabytes", 4, blocks(&[i32::MAX])),
        refused("a_block_of_negative_length", 4, blocks(&[-1, 1, i32::MIN])),
        refused("a_million_topics_of_no_name", 64, blocks(&[&[0, 1_000_000][..], &[0; 1_000_000]].concat())),
        refused("two_billion_mappings", 4, blocks(&[0, 0, 0, i32::MAX])),
        plain("a_body_of_deep_objects", deep("{\"a\":")),
        plain("a_body_of_deep_lists", deep("[")),
        plain("a_body_of_deep_keys", [b"{\"topicConfigSerializeWrapper\":", &b"{1:".repeat(1 << 20)[..]].concat()),
        plain("a_body_of_one_string_without_end", [b"{\"", &vec![b'x'; 4 << 20][..]].concat()),
        plain("a_body_of_broken_utf_8", [b"{\"filterServerList\":[\"", &[0xff; 1 << 20][..], b"\"]}"].concat()),
        plain("a_megabyte_where_a_number_belongs", with_version(&"x".repeat(1 << 20))),
        Episode::new("a_checksum_that_is_wrong", 4, wrong_sums),
    ]
}

fn with_version(text: &str) -> Vec<u8> {
    format!("{{\"topicConfigSerializeWrapper\":{{\"dataVersion\":{{\"counter\":\"{text}\"}}}}}}").into_bytes()
}

fn registration(body: Vec<u8>, announced: bool) -> Request {
    let mut registration = broker("broker-inside", 0, &["I"]);
    registration.compression = if announced { Compression::Announced } else { Compression::Denied };
    let mut request = registration.request();
    for (name, value) in request.fields.iter_mut().flatten() {
        if name == "bodyCrc32" {
            *value = (crc32fast::hash(&body) & 0x7fff_ffff).to_string();
        }
    }
    request.body(body)
}

fn refused(name: &'static str, memory_mib: u64, body: Vec<u8>) -> Episode {
    Episode::new(name, memory_mib, move |siege| refuse(siege, &registration(body.clone(), true)))
}

fn denied(name: &'static str, memory_mib: u64, body: Vec<u8>) -> Episode {
    Episode::new(name, memory_mib, move |siege| refuse(siege, &registration(body.clone(), false)))
}

fn plain(name: &'static str, body: Vec<u8>) -> Episode {
    denied(name, 32, body)
}

/// Sends a registration several times: it is answered as refused, and the connection is as good as before.
fn refuse(siege: &Siege<'_>, request: &Request) {
    let mut peer = siege.peer();
    for _ in 0..siege.scaled(3, 30) {
        let answer = peer.ask(request);
        assert_eq!(answer.code, 1, "{:?}", answer.remark);
        assert!(answer.remark.is_some_and(|remark| remark.len() < 1000), "the reason is short");
    }
}

fn pipeline(siege: &Siege<'_>, body: &[u8], count: usize) {
    let request = registration(body.to_vec(), true);
    assert_eq!(siege.peer().flood(count, |_| request.clone()), vec![1; count]);
}

/// Nothing at all, written as 48 MiB of zeros: sections of no length, and what follows them is ignored.
fn a_bomb_within_the_limit(siege: &Siege<'_>) {
    let request = registration(deflate(&vec![0; 48 << 20]), true);
    assert_eq!(siege.peer().ask(&request).code, 0);
}

fn wrong_sums(siege: &Siege<'_>) {
    let mut request = broker("broker-inside", 0, &["I"]).request();
    request.body.push(b' ');
    let mut peer: Peer = siege.peer();
    for _ in 0..siege.scaled(200, 5000) {
        assert_eq!(peer.ask(&request).code, 1);
    }
}
