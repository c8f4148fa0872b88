//! Requests by the codes of request and answer, with the time that they took.

use super::Histogram;
use namesrv_core::tally::Exchange;
use namesrv_core::wire::code::{request, response};
use std::array;
use std::sync::OnceLock;
use std::time::Duration;

/// The codes of requests, in order. All others count as one more.
pub(crate) const REQUESTS: [i32; 23] = [
    request::PUT_KV_CONFIG,
    request::GET_KV_CONFIG,
    request::DELETE_KV_CONFIG,
    request::REGISTER_BROKER,
    request::UNREGISTER_BROKER,
    request::GET_ROUTEINFO_BY_TOPIC,
    request::GET_BROKER_CLUSTER_INFO,
    request::WIPE_WRITE_PERM_OF_BROKER,
    request::GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
    request::DELETE_TOPIC_IN_NAMESRV,
    request::REGISTER_TOPIC_IN_NAMESRV,
    request::GET_KVLIST_BY_NAMESPACE,
    request::GET_TOPICS_BY_CLUSTER,
    request::GET_SYSTEM_TOPIC_LIST_FROM_NS,
    request::GET_UNIT_TOPIC_LIST,
    request::GET_HAS_UNIT_SUB_TOPIC_LIST,
    request::GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST,
    request::UPDATE_NAMESRV_CONFIG,
    request::GET_NAMESRV_CONFIG,
    request::QUERY_DATA_VERSION,
    request::ADD_WRITE_PERM_OF_BROKER,
    request::GET_BROKER_MEMBER_GROUP,
    request::BROKER_HEARTBEAT,
];

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseLabel {
    /// An answer with this code.
    Code(i32),
    /// An answer with another code.
    Other,
    /// No answer, because the client wanted none.
    Oneway,
}

/// The outcomes of requests, in order.
pub(crate) const RESPONSES: [ResponseLabel; 10] = [
    ResponseLabel::Code(response::SUCCESS),
    ResponseLabel::Code(response::SYSTEM_ERROR),
    ResponseLabel::Code(response::SYSTEM_BUSY),
    ResponseLabel::Code(response::REQUEST_CODE_NOT_SUPPORTED),
    ResponseLabel::Code(response::NO_PERMISSION),
    ResponseLabel::Code(response::TOPIC_NOT_EXIST),
    ResponseLabel::Code(response::QUERY_NOT_FOUND),
    ResponseLabel::Code(response::GO_AWAY),
    ResponseLabel::Other,
    ResponseLabel::Oneway,
];

const REQUEST_LABELS: usize = REQUESTS.len() + 1;

/// A histogram for each pair of codes that has occurred. The number of pairs is bounded, whatever codes peers send.
#[derive(Debug)]
pub(crate) struct Exchanges([[OnceLock<Box<Histogram>>; RESPONSES.len()]; REQUEST_LABELS]);

impl Default for Exchanges {
    fn default() -> Self {
        Self(array::from_fn(|_| array::from_fn(|_| OnceLock::new())))
    }
}

impl Exchanges {
    /// Adds `count` exchanges that took this long.
    pub(crate) fn add(&self, exchange: Exchange, count: u64, time: Duration) {
        let request = REQUESTS.iter().position(|code| *code == exchange.request).unwrap_or(REQUESTS.len());
        let label = match exchange.response {
            None => ResponseLabel::Oneway,
            Some(code) if RESPONSES.contains(&ResponseLabel::Code(code)) => ResponseLabel::Code(code),
            Some(_) => ResponseLabel::Other,
        };
        let response = RESPONSES.iter().position(|known| *known == label).unwrap_or_default();
        if let Some(histogram) = self.0.get(request).and_then(|row| row.get(response)) {
            histogram.get_or_init(Box::default).add(count, time);
        }
    }

    /// Returns the histograms with the indexes of their codes in [`REQUESTS`] (one past the end for unknown codes) and
    /// [`RESPONSES`].
    pub(crate) fn histograms(&self) -> impl Iterator<Item = (usize, usize, &Histogram)> {
        self.0.iter().enumerate().flat_map(|(request, row)| {
            let used = row.iter().enumerate().filter_map(|(response, histogram)| Some((response, histogram.get()?)));
            used.map(move |(response, histogram)| (request, response, &**histogram))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_is_named_has_a_place() {
        let named: Vec<_> = (0..2000).filter(|code| request::name(*code).is_some()).collect();
        // The server only sends the last one.
        assert_eq!(named, [&REQUESTS[..], &[request::NOTIFY_MIN_BROKER_ID_CHANGE]].concat());
    }

    #[test]
    fn unknown_codes_share_a_place() {
        let exchanges = Exchanges::default();
        for code in 5000..6000 {
            exchanges.add(Exchange { request: code, response: Some(code) }, 1, Duration::ZERO);
        }
        let used: Vec<_> = exchanges
            .histograms()
            .map(|(request, response, histogram)| (request, response, histogram.snapshot().count()))
            .collect();
        assert_eq!(used, [(REQUESTS.len(), 8, 1000)]);
    }
}
