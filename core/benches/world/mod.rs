//! A node and connections with nothing around them, and the frames of real peers.

use bytes::Bytes;
use namesrv_core::access::Verdict;
use namesrv_core::config::{Configuration, Limits};
use namesrv_core::connection::{self, Answers, Read, Reading};
use namesrv_core::initial_state::InitialState;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::quota::Quotas;
use namesrv_core::route::RouteView;
use namesrv_core::time::{Instant, Now, WallTime};
use namesrv_core::{ClientAddress, ConnId, Peer};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

const NOW: Now = Now { monotonic: Instant::from_millis(1_000), wall: WallTime::from_millis(1_700_000_000_000) };

const PEER: Peer =
    Peer { conn: ConnId::new(0, 1), address: ClientAddress::new(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1)) };

pub(crate) struct World {
    node: Node,
    view: Arc<RouteView>,
}

impl World {
    pub(crate) fn new() -> Self {
        let (configuration, _) = Configuration::new(&[]).unwrap();
        let mut node = Node::new(InitialState::new([7; 16], configuration), NOW);
        let view = drain(&mut node).unwrap();
        Self { node, view }
    }

    /// Hands a frame to the node, and carries out the node's outputs.
    pub(crate) fn forward(&mut self, frame: &Bytes) {
        self.node.handle(Input::Frame { peer: PEER, frame: frame.clone(), verdict: Verdict::Open }, NOW);
        if let Some(view) = drain(&mut self.node) {
            self.view = view;
        }
    }
}

fn drain(node: &mut Node) -> Option<Arc<RouteView>> {
    let mut newest = None;
    while let Some(output) = node.poll_output() {
        match output {
            Output::Publish(view) => newest = Some(view),
            Output::Reply { frame, .. } => {
                assert!(frame.windows(8).any(|bytes| bytes == b"\"code\":0"), "{frame:?}");
                node.handle(Input::ReplyTaken { bytes: frame.len() }, NOW);
            }
            Output::Release { .. } | Output::Notify { .. } | Output::Event(_) => (),
            Output::Close { .. }
            | Output::Save { .. }
            | Output::SaveSnapshot { .. }
            | Output::Announce
            | Output::RepliesStuck { .. }
            | Output::Stopping { .. }
            | Output::StopIo { .. }
            | Output::Finished => panic!("no case leads to {output:?}"),
        }
    }
    newest
}

pub(crate) struct Connection {
    connection: connection::Connection,
    view: Arc<RouteView>,
    answers: Answers,
}

impl Connection {
    pub(crate) fn new(world: &World) -> Self {
        let quotas = Quotas::shared(&Limits::default());
        let connection = connection::Connection::open(PEER, &world.view, &quotas, NOW).unwrap();
        Self {
            connection,
            view: Arc::clone(&world.view),
            answers: Answers { bytes: Vec::with_capacity(1 << 20), ..Answers::default() },
        }
    }

    /// Answers whole requests and returns the length of the answers.
    pub(crate) fn ask(&mut self, requests: &[u8]) -> usize {
        let reading = self.connection.handle_read(Read::Bytes(requests), &self.view, &mut self.answers, NOW);
        assert_eq!(reading, Reading::Open);
        let written = self.answers.bytes.len();
        self.connection.handle_answers(&mut self.answers.bytes, written, NOW);
        written
    }
}

fn frame(header: &str, body: &str) -> Bytes {
    let mut frame = Vec::new();
    frame.extend_from_slice(&((4 + header.len() + body.len()) as u32).to_be_bytes());
    frame.extend_from_slice(&(header.len() as u32).to_be_bytes());
    frame.extend_from_slice(header.as_bytes());
    frame.extend_from_slice(body.as_bytes());
    frame.into()
}

pub(crate) fn route_query(topic: &str, opaque: i32) -> Bytes {
    let header = format!(
        r#"{{"code":105,"extFields":{{"topic":"{topic}"}},"flag":0,"language":"JAVA","opaque":{opaque},"serializeTypeCurrentRPC":"JSON","version":513}}"#
    );
    frame(&header, "")
}

/// The KV entry of a golden signature, for the secret `admin secret 7`.
pub(crate) fn signed_change() -> Bytes {
    let fields =
        r#"{"AccessKey":"adminKey","namespace":"NS","key":"K","value":"V","Signature":"QWX+l4vAwAOluiQ/+3wKpruK7RM="}"#;
    let header = format!(
        r#"{{"code":100,"flag":0,"language":"JAVA","opaque":1,"serializeTypeCurrentRPC":"JSON","version":513,"extFields":{fields}}}"#
    );
    frame(&header, "")
}

/// A registration as a 5.5.0 broker sends it.
pub(crate) fn register(name: &str, address: &str, version: i64, topics: usize, queues: impl Fn(usize) -> i32) -> Bytes {
    let mut table = String::new();
    for topic in 0..topics {
        let comma = if topic > 0 { "," } else { "" };
        let queues = queues(topic);
        write!(
            table,
            r#"{comma}"topic-{topic:05}":{{"attributes":{{}},"order":false,"perm":6,"readQueueNums":{queues},"topicFilterType":"SINGLE_TAG","topicName":"topic-{topic:05}","topicSysFlag":0,"writeQueueNums":{queues}}}"#
        )
        .unwrap();
    }
    let body = format!(
        r#"{{"filterServerList":[],"topicConfigSerializeWrapper":{{"dataVersion":{{"counter":{version},"stateVersion":0,"timestamp":1700000000000}},"mappingDataVersion":{{"counter":0,"stateVersion":0,"timestamp":1700000000001}},"topicConfigTable":{{{table}}},"topicQueueMappingDetailMap":{{}},"topicQueueMappingInfoMap":{{}}}}}}"#
    );
    register_frame(name, address, &body)
}

/// The same registration half a minute later.
pub(crate) fn repeated(frame: &Bytes) -> Bytes {
    let text = std::str::from_utf8(&frame[8..]).unwrap();
    let body = &text[text.find("{\"filterServerList").unwrap()..];
    register_frame("broker-a", "10.0.0.1:10911", &body.replace("1700000000001", "1700000030001"))
}

fn register_frame(name: &str, address: &str, body: &str) -> Bytes {
    let crc = crc32fast::hash(body.as_bytes()) & 0x7FFF_FFFF;
    let header = format!(
        r#"{{"code":103,"extFields":{{"brokerId":"0","bodyCrc32":"{crc}","clusterName":"DefaultCluster","brokerAddr":"{address}","enableActingMaster":"false","haServerAddr":"10.0.0.1:10912","compressed":"false","brokerName":"{name}"}},"flag":0,"language":"JAVA","opaque":10,"serializeTypeCurrentRPC":"JSON","version":513}}"#
    );
    frame(&header, body)
}
