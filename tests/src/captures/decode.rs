//! What the core reads of a recorded request, beside a plain reading of the same bytes.

use crate::answer::{Answer, take};
use crate::plain_json::{Json, bare};
use flate2::read::ZlibDecoder;
use namesrv_core::config::Limits;
use namesrv_core::time::WallTime;
use namesrv_core::wire::body::{decode_data_version, decode_queue_datas};
use namesrv_core::wire::register::{PlainBody, RegisterBody, RegisterHeader};
use namesrv_core::wire::{Framing, QueueValues, Request, next_frame};
use std::collections::BTreeMap;
use std::io::Read;

/// Stands in for missing timestamps; recorded bodies have all of theirs.
const WALL: WallTime = WallTime::from_millis(0);

/// What is registered: topics with name, queues, permission and flags; the version; filter servers; mappings.
#[derive(Debug, Default, PartialEq, Eq)]
struct Registered {
    topics: BTreeMap<String, [i32; 4]>,
    version: Option<[i64; 3]>,
    filter_servers: Vec<String>,
    mappings: BTreeMap<String, (String, i32, i64, BTreeMap<i32, i32>)>,
}

/// Whether the core reads a request as it was written.
///
/// # Errors
/// Says what it reads otherwise.
pub(super) fn agrees(frame: &[u8]) -> Result<(), String> {
    let limits = Limits::default();
    let plain = Answer::decode(frame)?;
    let Ok(Framing::Complete { frame: raw, length }) = next_frame(frame, &limits) else {
        return Err("not taken for a frame".to_owned());
    };
    let request = Request::decode(raw, &limits).map_err(|error| error.to_string())?;
    let read = (request.code, request.opaque, request.flag, request.version, request.body, length);
    let written = (plain.code, plain.opaque, plain.flag, plain.version, plain.body.as_slice(), frame.len());
    same("header", &read, &written)?;
    for (name, value) in plain.fields.iter().flatten() {
        // An empty value of a binary header is none.
        let expected = Some(value.as_str()).filter(|value| plain.serialization == 0 || !value.is_empty());
        same(name, &request.fields.value(name).as_deref(), &expected)?;
    }
    match request.code {
        103 => same("registration", &core_registration(&request)?, &plain_registration(&plain)?),
        322 => {
            let read = decode_data_version(request.body, WALL).map_err(|error| error.to_string())?;
            let read = read.map(|version| [version.state_version, version.counter.unwrap_or(-1), version.timestamp]);
            same("data version", &read, &plain_version(&json(&plain.body)?))
        }
        217 => {
            let read = decode_queue_datas(request.body).map_err(|error| error.to_string())?;
            let read: Vec<_> = read
                .iter()
                .map(|entry| (entry.broker_name.as_deref().unwrap_or_default().to_owned(), array(entry.values)))
                .collect();
            let body = json(&plain.body)?;
            let entries = body.member("queueDatas").map(Json::elements).unwrap_or_default();
            same("queues", &read, &entries.iter().map(|entry| (scalar(entry, "brokerName"), numbers(entry))).collect())
        }
        _ => Ok(()),
    }
}

fn array(values: QueueValues) -> [i32; 4] {
    [values.read_queue_nums, values.write_queue_nums, values.perm, values.topic_sys_flag]
}

fn same<T: std::fmt::Debug + PartialEq>(what: &str, read: &T, written: &T) -> Result<(), String> {
    if read == written { Ok(()) } else { Err(format!("{what} is read as {read:?} and written as {written:?}")) }
}

fn core_registration(request: &Request<'_>) -> Result<Registered, String> {
    let limits = Limits::default();
    let header = RegisterHeader::read(&request.fields);
    let plain = PlainBody::new(request.body, header.compressed, &limits).map_err(|error| error.to_string())?;
    let body = RegisterBody::decode(&plain, request.version, WALL, &limits).map_err(|error| error.to_string())?;
    let topic = |topic: &namesrv_core::wire::register::TopicConfig<'_>| {
        (topic.name.as_deref().unwrap_or_default().to_owned(), array(topic.values))
    };
    let mapping = |mapping: &namesrv_core::wire::register::TopicQueueMapping<'_>| {
        let ids = mapping.curr_id_map.iter().flatten().copied().collect();
        let broker = mapping.bname.as_deref().unwrap_or_default().to_owned();
        (mapping.key.clone().into_owned(), (broker, mapping.total_queues, mapping.epoch, ids))
    };
    Ok(Registered {
        topics: body.topics.iter().flatten().map(topic).collect(),
        version: body.data_version.map(|one| [one.state_version, one.counter.unwrap_or(-1), one.timestamp]),
        filter_servers: body.filter_servers.iter().flatten().map(|server| server.clone().into_owned()).collect(),
        mappings: body.mappings.iter().map(mapping).collect(),
    })
}

fn plain_registration(request: &Answer) -> Result<Registered, String> {
    if request.body.first() == Some(&0x78) {
        return compressed_registration(request).ok_or_else(|| "a compressed body ends too early".to_owned());
    }
    let body = json(&request.body)?;
    let none = Json::Object(Vec::new());
    let wrapper = body.member("topicConfigSerializeWrapper").unwrap_or(&none);
    let topics = wrapper.member("topicConfigTable").map(Json::members).unwrap_or_default();
    let mappings = wrapper.member("topicQueueMappingInfoMap").map(Json::members).unwrap_or_default();
    Ok(Registered {
        topics: topics.iter().map(|(_, topic)| (scalar(topic, "topicName"), numbers(topic))).collect(),
        version: wrapper.member("dataVersion").and_then(plain_version),
        filter_servers: strings(body.member("filterServerList")),
        mappings: mappings.iter().map(|(topic, one)| (bare(topic).to_owned(), plain_mapping(one))).collect(),
    })
}

fn compressed_registration(request: &Answer) -> Option<Registered> {
    let mut inflated = Vec::new();
    ZlibDecoder::new(request.body.as_slice()).read_to_end(&mut inflated).ok()?;
    let mut rest = inflated.as_slice();
    let version = plain_version(&json(block(&mut rest)?).ok()?);
    let mut topics = BTreeMap::new();
    for _ in 0..number(&mut rest)? {
        let line = str::from_utf8(block(&mut rest)?).ok()?;
        let words: Vec<_> = line.split(' ').collect();
        let number = |at: usize| words.get(at)?.parse().ok();
        topics.insert(words.first()?.to_string(), [number(1)?, number(2)?, number(3)?, 0]);
    }
    let filter_servers = strings(json(block(&mut rest)?).ok().as_ref());
    let mut mappings = BTreeMap::new();
    // Senders since 5.0.0 append static topics.
    if request.version >= 413 {
        for _ in 0..number(&mut rest)? {
            let one = json(block(&mut rest)?).ok()?;
            mappings.insert(scalar(&one, "topic"), plain_mapping(&one));
        }
    }
    Some(Registered { topics, version, filter_servers, mappings })
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(take(rest)?)).ok()
}

fn block<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(rest)?;
    rest.split_off(..length)
}

fn json(bytes: &[u8]) -> Result<Json, String> {
    Json::parse(str::from_utf8(bytes).map_err(|error| error.to_string())?)
}

fn scalar(object: &Json, name: &str) -> String {
    object.member(name).map(Json::scalar).unwrap_or_default().to_owned()
}

fn numbers(queues: &Json) -> [i32; 4] {
    ["readQueueNums", "writeQueueNums", "perm", "topicSysFlag"].map(|name| scalar(queues, name).parse().unwrap_or(-1))
}

/// State version (0 where a 4.x broker has none), counter, timestamp.
fn plain_version(version: &Json) -> Option<[i64; 3]> {
    let number = |name: &str| scalar(version, name).parse().ok();
    Some([number("stateVersion").unwrap_or(0), number("counter")?, number("timestamp")?])
}

fn plain_mapping(mapping: &Json) -> (String, i32, i64, BTreeMap<i32, i32>) {
    let queues = mapping.member("currIdMap").map(Json::members).unwrap_or_default();
    let queue = |(global, local): &(String, Json)| Some((bare(global).parse().ok()?, local.scalar().parse().ok()?));
    let total = scalar(mapping, "totalQueues").parse().unwrap_or(-1);
    (
        scalar(mapping, "bname"),
        total,
        scalar(mapping, "epoch").parse().unwrap_or(-1),
        queues.iter().filter_map(queue).collect(),
    )
}

fn strings(list: Option<&Json>) -> Vec<String> {
    list.map(Json::elements).unwrap_or_default().iter().map(|element| element.scalar().to_owned()).collect()
}
