//! Answers that need only the view: routes and other queries whose cost does not grow with the number of topics.

use crate::access::Class;
use crate::route::{RouteQuery, RouteView};
use crate::tally::Tally;
use crate::time::Now;
use crate::wire::Request;
use crate::wire::code::{request, response};
use crate::wire::fields::is_true;
use crate::wire::java::is_blank;
use crate::wire::json::Dialect;
use crate::wire::response::{Head, write_frame};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// The first release that reads quoted integer keys, 4.9.4 (Java: `ClientRequestProcessor`).
const COMPATIBLE_SINCE: i32 = 401;
/// The last release that does not know GO_AWAY, 5.3.1 (Java: `NettyRemotingAbstract.processRequestCommand`).
const GO_AWAY_AFTER: i32 = 475;

/// The topic that health probes query. It cannot exist: Java allows no blanks in topic names.
pub const HEALTH_TOPIC: &str = "health check";

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The connection answered it with this code.
    Answered(i32),
    /// The connection answered that the topic has no route.
    NoRoute {
        /// Whether it asked for [`HEALTH_TOPIC`].
        is_probe: bool,
    },
    /// The connection handled it, and the client wants no answer.
    Oneway,
    /// It is a response to a request of this server, so the connection dropped it.
    Dropped,
    /// It is for the registry.
    Forward,
}

/// Answers a request from the view, if possible.
#[inline]
pub(crate) fn answer(request: &Request<'_>, view: &RouteView, output: &mut Vec<u8>, now: Now) -> Outcome {
    if request.is_response() {
        return Outcome::Dropped;
    }
    if view.is_going_away() && request.version > GO_AWAY_AFTER {
        if request.is_oneway() {
            return Outcome::Oneway;
        }
        let head = Head::failure(response::GO_AWAY, request.opaque, &["please go away"]);
        write_frame(output, view.serialization, &head, |_| ());
        return Outcome::Answered(response::GO_AWAY);
    }
    if request.code == request::GET_ROUTEINFO_BY_TOPIC {
        if request.is_oneway() {
            return Outcome::Oneway;
        }
        return answer_route(request, view, output, now);
    }
    if is_for_registry(request.code) || (view.access().closes_reads() && Class::of(request.code) == Class::Read) {
        return Outcome::Forward;
    }
    if request.is_oneway() {
        return Outcome::Oneway;
    }
    Outcome::Answered(answer_from_view(request, view, output))
}

/// GET_ROUTEINFO_BY_TOPIC (Java: `ClientRequestProcessor.getRouteInfoByTopic`).
#[inline]
fn answer_route(request: &Request<'_>, view: &RouteView, output: &mut Vec<u8>, now: Now) -> Outcome {
    if !view.is_ready(now.monotonic) {
        let head = Head::failure(response::SYSTEM_ERROR, request.opaque, &["name server not ready"]);
        write_frame(output, view.serialization, &head, |_| ());
        return Outcome::Answered(response::SYSTEM_ERROR);
    }
    let [topic, standard_only, zone_mode, zone] =
        request.fields.values(["topic", "acceptStandardJsonOnly", "__ZONE_MODE", "__ZONE_NAME"]);
    let is_true = |value: &Option<Cow<'_, [u8]>>| value.as_deref().is_some_and(is_true);
    let compatible = request.version >= COMPATIBLE_SINCE || is_true(&standard_only);
    let dialect = if compatible { Dialect::Compatible } else { Dialect::Plain };
    let zone = if is_true(&zone_mode) { zone.as_deref().map(String::from_utf8_lossy) } else { None };
    let zone = zone.as_deref().filter(|zone| !is_blank(zone));
    let route = topic.as_deref().and_then(|topic| view.route(RouteQuery { topic, dialect, zone }));
    match route {
        Some(route) => {
            write_frame(output, view.serialization, &Head::success(request.opaque), |output| route.write(output));
            Outcome::Answered(response::SUCCESS)
        }
        None => {
            answer_no_route(topic.as_deref(), request.opaque, view, output);
            Outcome::NoRoute { is_probe: topic.as_deref() == Some(HEALTH_TOPIC.as_bytes()) }
        }
    }
}

fn answer_no_route(topic: Option<&[u8]>, opaque: i32, view: &RouteView, output: &mut Vec<u8>) {
    let remark = [
        "No topic route info in name server for the topic: ",
        &topic.map_or("null".into(), String::from_utf8_lossy),
        "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.",
    ];
    write_frame(output, view.serialization, &Head::failure(response::TOPIC_NOT_EXIST, opaque, &remark), |_| ());
}

/// Answers the other queries that the view can answer, and unknown codes. The registry uses it too, with the same view,
/// for queries that access control closes. Returns the code of the answer.
pub(crate) fn answer_from_view(request: &Request<'_>, view: &RouteView, output: &mut Vec<u8>) -> i32 {
    let success = Head::success(request.opaque);
    let form = view.serialization;
    match request.code {
        request::GET_BROKER_CLUSTER_INFO => {
            write_frame(output, form, &success, |output| output.extend_from_slice(view.cluster_info()));
        }
        // Java never clears the remark of a fresh answer here (`DefaultRequestProcessor.getBrokerMemberGroup`).
        request::GET_BROKER_MEMBER_GROUP => {
            write_frame(output, form, &success.with_remark(&["not set any response code"]), |output| {
                let (cluster, broker) = (request.fields.value("clusterName"), request.fields.value("brokerName"));
                view.write_member_group(cluster.as_deref(), broker.as_deref(), output);
            });
        }
        request::GET_SYSTEM_TOPIC_LIST_FROM_NS => {
            write_frame(output, form, &success, |output| view.write_system_topics(output));
        }
        unknown => {
            let mut digits = itoa::Buffer::new();
            let remark = [" request type ", digits.format(unknown), " not supported"];
            let head = Head::failure(response::REQUEST_CODE_NOT_SUPPORTED, request.opaque, &remark);
            write_frame(output, form, &head, |_| ());
            return response::REQUEST_CODE_NOT_SUPPORTED;
        }
    }
    response::SUCCESS
}

/// Whether a request changes something, or costs more the more topics there are.
const fn is_for_registry(code: i32) -> bool {
    matches!(
        code,
        request::PUT_KV_CONFIG
            | request::GET_KV_CONFIG
            | request::DELETE_KV_CONFIG
            | request::GET_KVLIST_BY_NAMESPACE
            | request::REGISTER_BROKER
            | request::UNREGISTER_BROKER
            | request::QUERY_DATA_VERSION
            | request::BROKER_HEARTBEAT
            | request::WIPE_WRITE_PERM_OF_BROKER
            | request::ADD_WRITE_PERM_OF_BROKER
            | request::REGISTER_TOPIC_IN_NAMESRV
            | request::DELETE_TOPIC_IN_NAMESRV
            | request::GET_ALL_TOPIC_LIST_FROM_NAMESERVER
            | request::GET_TOPICS_BY_CLUSTER
            | request::GET_UNIT_TOPIC_LIST
            | request::GET_HAS_UNIT_SUB_TOPIC_LIST
            | request::GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST
            | request::UPDATE_NAMESRV_CONFIG
            | request::GET_NAMESRV_CONFIG
    )
}

/// Notes that a client queried a topic without a route.
#[cold]
pub(super) fn note_miss(request: &Request<'_>, tally: &mut Tally) {
    let [topic] = request.fields.values(["topic"]);
    tally.route_misses += 1;
    tally.missed.note(topic.as_deref().unwrap_or_default());
}
