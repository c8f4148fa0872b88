//! `/api/v1/events`: the newest events, as pages or as a stream of lines.

use super::api::{PAGE_BYTES_MAX, bad_limit, error, limit_of, starting};
use super::site::{Call, Demand, Following, Site};
use crate::event_store::{EventStore, Numbered};
use crate::http::{Answer, Response, Status};
use crate::record::EventType;

/// The most clients that follow events at the same time, so that other requests get a connection.
pub(super) const FOLLOWERS_MAX: usize = 16;
/// The most events that a client gets at once.
const LINES_MAX: usize = 100;
/// Bytes of events that a client gets at once; the last event may exceed them.
const LINES_BYTES: usize = 64 * 1024;

/// A page of events or, with `follow`, all events from now on: one object a line.
pub(super) fn events(site: &Site, call: &Call<'_>) -> Answer<Demand> {
    let Some(parts) = site.parts() else { return starting() };
    let bad_request = |text: &str| Answer::Now(error(Status::BadRequest, text));
    let Ok(types) = types_of(call) else {
        let names: Vec<_> = EventType::ALL.iter().map(|event| event.name()).collect();
        return bad_request(&format!("type is one or more of {}, separated by commas", names.join(", ")));
    };
    let after = match call.request.parameter("after").map(|after| after.parse()) {
        None => None,
        Some(Ok(after)) => Some(after),
        Some(Err(_)) => return bad_request("after is the number of an event"),
    };
    let store = &*parts.events;
    let Some(limit) = limit_of(call) else { return bad_limit() };
    match call.request.parameter("follow").as_deref() {
        None | Some("false") => return Answer::Now(page(store, after, &types, limit)),
        Some("" | "true") => {}
        Some(_) => return bad_request("follow is true or false"),
    }
    if site.followers.get() >= FOLLOWERS_MAX {
        let text = format!("{FOLLOWERS_MAX} clients follow events already");
        return Answer::Now(error(Status::Unavailable, &text));
    }
    let after = after.unwrap_or_else(|| store.range().last);
    let response = Response { content_type: "application/x-ndjson", ..Response::json(Vec::new()) };
    Answer::Endless(response, Demand::Events(Following { after, types }))
}

/// Returns the requested types; an empty list means all.
fn types_of(call: &Call<'_>) -> Result<Vec<EventType>, ()> {
    let names = call.request.parameter("type").unwrap_or_default();
    let names = names.split(',').filter(|name| !name.is_empty());
    names.map(|name| EventType::named(name).ok_or(())).collect()
}

/// Returns the events after a number, or the last ones, with the number after which the next page begins.
fn page(store: &EventStore, after: Option<u64>, types: &[EventType], limit: usize) -> Response {
    let range = store.range();
    let (listed, is_cut) = match after {
        Some(after) => {
            let mut listed = store.after(after, types, limit + 1);
            let is_cut = listed.len() > limit;
            listed.truncate(limit);
            (listed, is_cut)
        }
        None => (store.newest(types, limit), false),
    };
    let mut body = b"{\"events\":[".to_vec();
    let mut next = None;
    for (index, event) in listed.iter().enumerate() {
        let line = json(event);
        if body.len() + line.len() > PAGE_BYTES_MAX - 200 {
            break;
        }
        if index > 0 {
            body.push(b',');
        }
        body.extend(line);
        let is_last = index + 1 == listed.len();
        next = (!is_last || is_cut).then_some(event.seq);
    }
    let next = next.map_or_else(|| "null".to_owned(), |next: u64| next.to_string());
    body.extend(format!("],\"next\":{next},\"first\":{},\"last\":{}}}", range.first, range.last).bytes());
    Response::json(body)
}

/// Returns the next lines for a client that follows.
pub(super) fn lines(store: &EventStore, following: &mut Following) -> Vec<u8> {
    let newest = store.range().last;
    let events = store.after(following.after, &following.types, LINES_MAX);
    let is_full = events.len() == LINES_MAX;
    let mut lines = Vec::new();
    for event in &events {
        if lines.len() >= LINES_BYTES {
            return lines;
        }
        lines.extend(json(event));
        lines.push(b'\n');
        following.after = event.seq;
    }
    if !is_full {
        // No event up to this number is for this client.
        following.after = following.after.max(newest);
    }
    lines
}

fn json(event: &Numbered) -> Vec<u8> {
    // Texts and numbers always serialize.
    serde_json::to_vec(event).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use namesrv_core::time::WallTime;
    use serde_json::Value;

    fn store(count: u64, name: &str) -> EventStore {
        let store = EventStore::default();
        for number in 0..count {
            let event = if number % 2 == 0 { EventType::BrokerLeft } else { EventType::KvPut };
            store.keep(Record::new(event, WallTime::from_millis(0)).with("broker", name));
        }
        store
    }

    fn read(response: &Response) -> (Vec<u64>, Value) {
        let value: Value = serde_json::from_slice(&response.body).unwrap();
        let seqs = value["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap());
        (seqs.collect(), value)
    }

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let store = store(5, "a\"<b>\n");
        let (seqs, value) = read(&page(&store, Some(0), &[], 2));
        assert_eq!((seqs, &value["next"]), (vec![1, 2], &2.into()));
        assert_eq!(value["events"][0]["broker"], "a\"<b>\n");
        let (seqs, value) = read(&page(&store, Some(3), &[], 2));
        assert_eq!((seqs, &value["next"], &value["last"]), (vec![4, 5], &Value::Null, &5.into()));
        assert_eq!(read(&page(&store, None, &[], 2)).0, [4, 5]);
        assert_eq!(read(&page(&store, None, &[EventType::KvPut], 9)).0, [2, 4]);
        assert_eq!(read(&page(&store, Some(u64::MAX), &[], 9)).0, [0; 0]);
    }

    #[test]
    fn a_page_of_long_events_ends_before_its_limit() {
        let store = store(5000, &"\u{1}".repeat(256));
        let response = page(&store, Some(0), &[], 1000);
        let (seqs, value) = read(&response);
        assert!(response.body.len() <= PAGE_BYTES_MAX, "{}", response.body.len());
        assert!(seqs.len() > 100 && seqs.len() < 1000, "{}", seqs.len());
        assert_eq!(value["next"].as_u64(), seqs.last().copied());
    }

    #[test]
    fn a_follower_gets_each_event_of_its_types_once() {
        let store = store(500, "a");
        let mut following = Following { after: 100, types: vec![EventType::KvPut] };
        let mut seqs = Vec::new();
        for _ in 0..5 {
            for line in String::from_utf8(lines(&store, &mut following)).unwrap().lines() {
                seqs.push(serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap());
            }
        }
        assert_eq!(seqs, (102..=500).step_by(2).collect::<Vec<_>>());
        store.keep(Record::new(EventType::BrokerLeft, WallTime::from_millis(0)));
        store.keep(Record::new(EventType::KvPut, WallTime::from_millis(0)));
        assert!(lines(&store, &mut following).starts_with(b"{\"seq\":502,"));
        assert_eq!(following.after, 502);
    }
}
