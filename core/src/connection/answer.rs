//! Answers that need only the view: routes and other questions that take no time in proportion to all topics.

use crate::access::Class;
use crate::route::{RouteQuery, RouteView};
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

/// Answers a request from the view. Returns false when the request is for the registry.
#[inline]
pub(crate) fn answer(request: &Request<'_>, view: &RouteView, output: &mut Vec<u8>, now: Now) -> bool {
    if request.is_response() {
        return true;
    }
    if view.is_going_away() && request.version > GO_AWAY_AFTER {
        if !request.is_oneway() {
            let head = Head::failure(response::GO_AWAY, request.opaque, &["please go away"]);
            write_frame(output, view.serialization, &head, |_| ());
        }
        return true;
    }
    if request.code == request::GET_ROUTEINFO_BY_TOPIC {
        if !request.is_oneway() {
            answer_route(request, view, output, now);
        }
        return true;
    }
    if is_for_registry(request.code) || (view.access().closes_reads() && Class::of(request.code) == Class::Read) {
        return false;
    }
    if !request.is_oneway() {
        answer_from_view(request, view, output);
    }
    true
}

/// GET_ROUTEINFO_BY_TOPIC (Java: `ClientRequestProcessor.getRouteInfoByTopic`).
#[inline]
fn answer_route(request: &Request<'_>, view: &RouteView, output: &mut Vec<u8>, now: Now) {
    if !view.is_ready(now.monotonic) {
        let head = Head::failure(response::SYSTEM_ERROR, request.opaque, &["name server not ready"]);
        return write_frame(output, view.serialization, &head, |_| ());
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
        }
        None => answer_no_route(topic.as_deref(), request.opaque, view, output),
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

/// The other questions that the view answers, and unknown codes. Those that access control closes are answered by the
/// registry, from the same view.
pub(crate) fn answer_from_view(request: &Request<'_>, view: &RouteView, output: &mut Vec<u8>) {
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
        }
    }
}

/// Whether a request changes something, or its answer takes time in proportion to all topics.
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
