//! What the second port shows of clients: connections, refused frames, topics asked for in vain, and digests.

use super::Target;
use super::peer::{Peer, broker, route};
use crate::admin_port::{ADMIN, address, get, json};
use crate::process::Folder;
use crate::request::Request;
use serde_json::Value;

fn list<'a>(page: &'a Value, name: &str) -> &'a Vec<Value> {
    page[name].as_array().unwrap_or_else(|| panic!("no {name}: {page}"))
}

/// Open connections are listed with what is known of them, by whatever is asked for; closed ones with the reason.
pub(super) fn connections_are_listed(target: &Target) {
    let (server, address) = target.start_with_admin(&[("ioThreads", "2")]);
    let registered = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    let mut busy = Peer::connect(&server);
    (0..50).for_each(|_| assert_eq!(busy.ask(&route("T")).code, 0));
    let mut silent = Peer::connect(&server);
    assert_eq!(silent.ask(&route("T").version(401).binary()).code, 0);
    let open = |query: &str| json(address, &format!("/api/v1/connections?{query}"));
    let page = open("sort=requests");
    assert_eq!((&page["total"], &page["silentThreads"]), (&3.into(), &0.into()), "{page}");
    let connections = list(&page, "connections");
    let requests: Vec<_> = connections.iter().map(|connection| connection["requests"].as_u64()).collect();
    assert_eq!(requests, [Some(50), Some(1), Some(1)]);
    let of = |peer: &Peer| {
        let port = peer.local_address().to_string();
        connections.iter().find(|connection| connection["peer"] == *port).unwrap_or_else(|| panic!("no {port}: {page}"))
    };
    assert_eq!((&of(&busy)["language"], &of(&busy)["version"]), (&"JAVA".into(), &"5.5.0".into()));
    assert_eq!(of(&silent)["version"], "4.9.4");
    assert_eq!((list(of(&busy), "brokers").len(), &of(&registered)["brokers"][0]), (0, &"broker-a/0".into()));
    assert!(of(&busy)["receivedBytes"].as_u64() > of(&silent)["receivedBytes"].as_u64());
    assert!(of(&busy)["sentBytes"].as_u64() > Some(1000), "{page}");
    assert_eq!(list(&open("sort=bytes&limit=1"), "connections")[0]["requests"], 50);
    for query in ["sort=name", "state=half", "limit=x", "state=closed&limit=0"] {
        assert_eq!(get(address, &format!("/api/v1/connections?{query}")).status, 400, "{query}");
    }

    let port = busy.local_address().to_string();
    drop(busy);
    server.eventually(|| list(&open("state=closed"), "connections").len() == 1);
    let closed = &open("state=closed")["connections"][0];
    assert_eq!((&closed["peer"], &closed["reason"]), (&(*port).into(), &"end_of_stream".into()), "{closed}");
    assert!(closed["closedAt"].as_str().is_some_and(|time| time.ends_with('Z')), "{closed}");
}

/// The last frame of each kind that was refused is shown with its first bytes, and so is a refused registration.
pub(super) fn refused_frames_are_shown(target: &Target) {
    // One thread, so that what was written last is noted last.
    let (server, address) = target.start_with_admin(&[("ioThreads", "1")]);
    let long = [b"GET /\xff<script> HTTP/1.1\r\n", &[b'x'; 1000][..]].concat();
    let noted = || -> u64 {
        let page = json(address, "/api/v1/errors");
        list(&page, "errors").iter().filter_map(|error| error["count"].as_u64()).sum()
    };
    for (bytes, number) in [&b"\0\0\0\x06\0\0\0\x02{]"[..], b"\0\0\0\x06\0\0\0\x02[]", &long].into_iter().zip(1..) {
        let mut peer = Peer::connect(&server);
        peer.write(bytes);
        peer.expect_end();
        // A client may see the end before the server notes why.
        server.eventually(|| noted() == number);
    }
    let mut registration = broker("<b>", 0, &["T"]);
    registration.cluster = None;
    assert_eq!(Peer::connect(&server).ask(&registration.request()).code, 1);
    let mut page = Value::Null;
    server.eventually(|| {
        page = json(address, "/api/v1/errors");
        list(&page, "errors").len() == 3
    });
    let error = |kind: &str| {
        let found = list(&page, "errors").iter().find(|error| error["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {kind}: {page}"))
    };
    let json_header = error("json_header");
    assert_eq!(
        (&json_header["count"], &json_header["bytes"]),
        (&2.into(), &"0000000600000002 5b5d".replace(' ', "").into())
    );
    let foreign = error("foreign_protocol")["bytes"].as_str().expect("bytes");
    assert!(foreign.starts_with("474554202fff3c7363") && foreign.len() == 512, "{foreign}");
    assert_eq!((&error("registration")["broker"], &error("registration")["bytes"]), (&"<b>".into(), &Value::Null));
}

/// Topics that clients ask for in vain are counted by name, in whatever masses others are asked for.
pub(super) fn topics_asked_for_in_vain_are_counted(target: &Target) {
    let (server, address) = target.start_with_admin(&[("ioThreads", "1")]);
    let mut peer = Peer::connect(&server);
    (0..10).for_each(|_| assert_eq!(peer.ask(&route("health check")).code, 17));
    for number in 0..1000 {
        assert_eq!(peer.ask(&route(&format!("made-up-{number}"))).code, 17);
        if number % 10 == 0 {
            assert_eq!(peer.ask(&route("<script>Old\u{7}")).code, 17);
        }
    }
    server.eventually(|| json(address, "/api/v1/misses")["total"] == 1100);
    assert!(get(address, "/metrics").body.contains("\nrocketmq_namesrv_route_misses_total 1100\n"), "no probes");
    assert_eq!(get(address, "/api/v1/misses?limit=-1").status, 400);
    let page = json(address, "/api/v1/misses");
    let misses = list(&page, "misses");
    assert_eq!((misses.len(), &misses[0]["topic"]), (100, &"<script>Old\u{7}".into()));
    assert!(misses[0]["count"].as_u64() >= Some(100), "{}", misses[0]);
    assert_eq!(misses[0]["lastPeer"], peer.local_address().to_string());
}

/// The digest of a cluster is on a page and in the metrics.
pub(super) fn digests_are_shown(target: &Target) {
    let (server, address) = target.start_with_admin(&[]);
    let _peers = ["broker-a", "broker-b"].map(|name| Peer::register(&server, &broker(name, 0, &["T", "U"])));
    let page = json(address, "/api/v1/digest");
    assert_eq!(page["clusters"][0]["topicEntries"], 6);
    let digest = page["clusters"][0]["digest"].as_str().expect("hex");
    let number = u64::from_str_radix(digest, 16).expect("a number");
    let metrics = get(address, "/metrics").body;
    let line = format!("\nrocketmq_namesrv_route_digest{{cluster=\"DefaultCluster\"}} {number}\n");
    assert!(metrics.contains(&line), "{line}: {metrics}");
}

/// Each value tells where it comes from: the line of the file, the environment, a change at run time.
pub(super) fn values_tell_where_they_come_from(target: &Target) {
    let folder = Folder::new(&[("# a comment", ""), ADMIN, ("enableTopicList", "true"), ("unknown", "1")]);
    let wrapper = ["env", "JAVA_OPT=-Dcom.rocketmq.remoting.socket.sndbuf.size=70000"];
    let server = folder.with_wrapper(&wrapper).start(target.binary());
    let address = address(&server);
    let origin = |name: &str| {
        let page = json(address, "/api/v1/config");
        let value = list(&page, "config").iter().find(|value| value["key"] == name).cloned();
        value.unwrap_or_else(|| panic!("no {name}: {page}"))["origin"].as_str().expect("a text").to_owned()
    };
    assert!(origin("enableTopicList").starts_with("file:"), "{}", origin("enableTopicList"));
    assert!(origin("unknown").starts_with("file:"));
    assert_eq!(origin("registryBytesMax"), "default");
    assert_eq!(origin("configStorePath"), "command line");
    assert_eq!(origin("serverSocketSndBufSize"), "environment");
    assert_eq!(Peer::connect(&server).ask(&Request::new(318).body("enableTopicList=false")).code, 0);
    assert_eq!(origin("enableTopicList"), "runtime");
}

/// The page for people is one answer without scripts, and whatever peers call themselves is text on it.
pub(super) fn the_status_page(target: &Target) {
    let (server, address) = target.start_with_admin(&[]);
    let root = get(address, "/");
    assert_eq!(root.status, 302);
    assert!(root.head.contains("\r\nLocation: /status\r\n"), "{}", root.head);
    let mut peer = Peer::register(&server, &broker("<b>", 1, &["T"]));
    assert_eq!(peer.ask(&route("<i>missing</i>")).code, 17);
    server.eventually(|| get(address, "/status").body.contains("&lt;i&gt;missing&lt;/i&gt;"));
    let page = get(address, "/status?topic=T");
    assert_eq!(page.status, 200);
    let policy = "\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; ";
    assert!(page.head.contains(policy) && page.head.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"));
    for state in ["READY", "1 broker in 1 cluster", "value=\"T\"", "<bdi>&lt;b&gt;</bdi>"] {
        assert!(page.body.contains(state), "{state}: {}", page.body);
    }
}
