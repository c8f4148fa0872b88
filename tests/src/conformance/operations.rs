//! The second port: what operators and their tools read.

use super::Target;
use super::certificates::file;
use super::peer::{Peer, broker, route};
use crate::admin_port::{ADMIN, address, address_of, connect, exchange, get};
use crate::impostor::serve;
use crate::process::{CONFIG, Folder, Process, RUNTIME_CONFIG};
use crate::stream::{PATIENCE, read_frame};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use tempfile::TempDir;

/// A server that serves is live, started and ready, and says so under every name that tools ask for.
pub(super) fn health_of_a_server_that_serves(target: &Target) {
    let (_server, address) = target.start_with_admin(&[("ioThreads", "2")]);
    for (path, body) in [
        ("/livez", "ok\n"),
        ("/readyz", "ready\n"),
        ("/startupz", "started\n"),
        ("/health", "ready\n"),
        ("/healthz", "ready\n"),
        ("/livez?verbose", "[+]registry ok\n[+]io-0 ok\n[+]io-1 ok\nok\n"),
        ("/readyz?verbose", "[+]listeners ok\n[+]kv ok\n[+]routes ok\n[+]draining ok\nready\n"),
        ("/readyz/kv", "[+]kv ok\nready\n"),
    ] {
        let page = get(address, path);
        assert_eq!((page.status, &*page.body), (200, body), "{path}");
        assert!(page.head.contains("\r\nCache-Control: no-store\r\n"), "{}", page.head);
    }
    assert_eq!(get(address, "/readyz/nothing").status, 404);
    let missing = get(address, "/nothing");
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("\n/livez\n"), "{}", missing.body);
}

/// A server that answers route queries with "not ready" says so to probes and to the command as well.
pub(super) fn health_of_a_server_that_waits(target: &Target) {
    let waits = [ADMIN, ("needWaitForService", "true"), ("waitSecondsForService", "3600")];
    let server = target.start(&waits);
    let address = address(&server);
    assert_eq!(get(address, "/livez").status, 200, "a restart would not help");
    let page = get(address, "/readyz");
    assert_eq!(page.status, 503);
    assert!(page.body.starts_with("route queries are answered with `name server not ready`"), "{}", page.body);
    let (status, stderr) = health(target, &server.address().to_string());
    assert_eq!((status, &*stderr), (Some(1), &*format!("{}: the server is not ready\n", server.address())));
}

/// `--health` says nothing about a server that serves, in both forms of headers.
pub(super) fn health_by_command(target: &Target) {
    for form in ["JSON", "ROCKETMQ"] {
        let mut server = target.start(&[("rocketmq.serialize.type", form)]);
        let address = server.address().to_string();
        let boot_line = format!("The Name Server boot success. serializeType={form}, address {address}\n");
        assert!(server.log_of_start().contains(&boot_line), "{}", server.log());
        assert_eq!(health(target, &address), (Some(0), String::new()), "{form}");
        server.kill();
        let (status, stderr) = health(target, &address);
        assert_eq!(status, Some(1));
        assert!(stderr.starts_with(&address) && stderr.lines().count() == 1, "{stderr}");
    }
    for (answer, words) in [
        (&b"\0\0\0"[..], "the server closed the connection without an answer"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "this is not a NameServer"),
    ] {
        let other = serve(move |mut stream| read_frame(&mut stream).map_or((), |_| drop(stream.write_all(answer))));
        let (status, stderr) = health(target, &other.to_string());
        assert!(status == Some(1) && stderr.starts_with(&format!("{other}: {words}")), "{stderr}");
    }
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("an address").to_string();
    let late = format!("{address}: the server does not answer within 2 s\n");
    assert_eq!(health(target, &address), (Some(1), late));
    let folder = Folder::new::<&str, &str>(&[("listenPort", "1")]);
    let config = folder.path(CONFIG).display().to_string();
    let (_, stderr) = health_with(target, &["-c", &config]);
    assert!(stderr.starts_with("127.0.0.1:1: "), "{stderr}");
}

/// `--health` with a configuration file speaks as the server in that file wants, and with an address alone it says what
/// may be missing. The server logs nothing about the questions with a file.
pub(super) fn health_as_the_file_says(target: &Target) {
    let [enforcing, require] = [("tls.server.mode", "enforcing"), ("proxyProtocol", "require")];
    let require_trusted = ("trustedProxies", "127.0.0.1");
    for properties in [&[enforcing][..], &[require, require_trusted], &[enforcing, require, require_trusted]] {
        let server = target.start(properties);
        let address = server.address().to_string();
        let port = server.address().port().to_string();
        let folder = Folder::new(&[properties, &[("listenPort", &*port)]].concat());
        let config = folder.path(CONFIG).display().to_string();
        for question in [&["-c", &*config][..], &[&*address, "-c", &*config]] {
            assert_eq!(health_with(target, question), (Some(0), String::new()), "{properties:?}");
        }
        assert!(!server.log().contains("connection closed"), "{}", server.log());
        let (status, stderr) = health(target, &address);
        assert_eq!(status, Some(1));
        assert!(stderr.ends_with("name its configuration file with -c\n") && stderr.lines().count() == 1, "{stderr}");
    }
    let strict = [enforcing, ("tls.test.mode.enable", "false"), ("tls.server.need.client.auth", "require")];
    let [certificate, key] = ["server-rsa.pem", "server-rsa.key"].map(|name| file(name).display().to_string());
    let files = [("tls.server.certPath", &*certificate), ("tls.server.keyPath", &*key)];
    let server = target.start(&[&strict[..], &files].concat());
    let config = server.folder().path(CONFIG).display().to_string();
    let (status, stderr) = health_with(target, &[&server.address().to_string(), "-c", &config]);
    assert!(status == Some(1) && stderr.ends_with("--health has none: ask /readyz of adminListen\n"), "{stderr}");
}

fn health(target: &Target, address: &str) -> (Option<i32>, String) {
    health_with(target, &[address])
}

fn health_with(target: &Target, question: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(target.binary()).arg("--health").args(question).output().expect("the binary runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A server one of whose threads hangs is not live and feeds no watchdog, so that it is restarted. It says which thread
/// hangs.
pub(super) fn health_of_a_server_that_hangs(target: &Target) {
    let (server, _folder, socket) = start_under_systemd(target, Folder::new(&[ADMIN, ("ioThreads", "2")]));
    socket.set_nonblocking(true).expect("a socket that does not block");
    let address = address(&server);
    let is_fed = || {
        std::iter::from_fn(|| {
            let mut buffer = [0; 1024];
            let length = socket.recv(&mut buffer).ok()?;
            Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
        })
        .any(|message| message.contains("WATCHDOG=1"))
    };
    server.eventually(is_fed);
    let _thread = match server.stop_thread("io-1") {
        Ok(thread) => thread,
        Err(error) => return target.figure("a thread that hangs", &format!("SKIPPED: it cannot be traced: {error}")),
    };
    // Others may hang with it: with async-std, the thread that waits for all.
    server.eventually(|| get(address, "/livez?verbose").body.contains("[-]io-1 io-1 made no progress for 1"));
    let page = get(address, "/livez?verbose");
    assert!(page.status == 503 && page.body.starts_with("[+]registry ok\n"), "{}", page.body);
    assert_eq!(get(address, "/readyz").status, 200);
    while is_fed() {}
    let silent_seconds = || {
        let page = get(address, "/livez?verbose").body;
        let (_, seconds) = page.split_once("made no progress for ").expect("a thread that hangs");
        seconds.split_once(' ').and_then(|(seconds, _)| seconds.parse::<f64>().ok()).expect("a number")
    };
    // The watchdog wants to hear every second.
    let since = silent_seconds();
    server.eventually(|| silent_seconds() >= since + 3.0);
    assert!(!is_fed());
}

/// The log shows the configuration, wherever it comes from, and is JSON to the end if that is asked for.
pub(super) fn the_log_shows_the_configuration(target: &Target) {
    let variables = ["env", "ROCKETMQ_HOME=/opt/rocketmq", "ROCKETMQ_SERIALIZE_TYPE=ROCKETMQ"];
    let folder = Folder::new(&[("logFormat", "json")]).with_wrapper(&variables);
    fs::write(folder.path(RUNTIME_CONFIG), "enableTopicList=false\n").expect("a file");
    let mut server = folder.start(target.binary());
    server.terminate();
    assert!(server.wait().success());
    let log = server.log();
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
    for text in [
        r#""message":"enableTopicList","value":"false""#,
        r#""message":"rocketmqHome","value":"/opt/rocketmq""#,
        "boot success. serializeType=ROCKETMQ, ",
        r#""message":"stopped""#,
        RUNTIME_CONFIG,
    ] {
        assert!(log.contains(text), "{text}: {log}");
    }
}

/// While it stops, a server is live and not ready; the second port answers to the end.
pub(super) fn health_of_a_server_that_stops(target: &Target) {
    let (mut server, address) =
        target.start_with_admin(&[("enableShutdownGracefully", "true"), ("shutdownWaitTimeSeconds", "3600")]);
    server.terminate();
    server.eventually(|| get(address, "/readyz").status == 503);
    assert_eq!(get(address, "/readyz").body, "the server stops\n");
    assert_eq!(get(address, "/livez").status, 200);
    assert_eq!(get(address, "/startupz").status, 200);
    server.kill();
}

/// The address of metrics shows nothing else; one address that is asked for twice is bound once.
pub(super) fn addresses_show_what_their_key_says(target: &Target) {
    let metrics =
        [("metricsExporterType", "PROM"), ("metricsPromExporterHost", "127.0.0.1"), ("metricsPromExporterPort", "0")];
    let server = target.start(&metrics);
    let address = address_of(&server, "metrics and health are read here");
    assert_eq!(get(address, "/livez").status, 200);
    assert_eq!(get(address, "/api/v1/config").status, 404);
}

/// What is no request of a probe is refused, each in the way that HTTP has for it.
pub(super) fn requests_that_are_refused(target: &Target) {
    let (_server, address) = target.start_with_admin(&[("adminHosts", "ns.example")]);
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(9000));
    for (request, status) in [
        ("POST /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx", 413),
        ("GET /livez HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 421),
        ("GET /livez HTTP/1.1\r\nHost: ns.example\r\nConnection: close\r\n\r\n", 200),
        ("GET /livez HTTP/1.1\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}\r\n\r\n", 400),
        ("GET /livez HTTP/1.1\r\nHost: 127.0.0.1:abc\r\n\r\n", 400),
        ("GET /livez HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
        (&long, 431),
    ] {
        let page = exchange(address, request);
        assert_eq!(page.status, status, "{request:.60?}");
        assert!(!page.body.is_empty(), "{request:.60?}");
    }
    let head = exchange(address, "HEAD /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!((head.status, &*head.body), (200, ""));
    assert!(head.head.contains("\r\nDate: ") && head.head.contains(" GMT\r\n"), "{}", head.head);
    let endless = exchange(address, "HEAD /api/v1/events?follow HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(endless.status == 200 && !endless.head.contains("Content-Length"), "{}", endless.head);
}

/// Peers that hold connections open, send half a head or read nothing keep no probe out, and cost little memory.
pub(super) fn slow_clients_hold_up_nobody(target: &Target) {
    let (_server, address) = target.start_with_admin(&[]);
    let mut slow: Vec<_> = (0..200).map(|_| connect(address)).collect();
    for stream in &mut slow {
        // Those that had to give way are closed already.
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nHost: ");
    }
    for _ in 0..10 {
        assert_eq!(get(address, "/livez").status, 200);
    }
    let closed = slow.iter_mut().map(|stream| {
        stream.set_nonblocking(true).expect("a socket that does not wait");
        let read = stream.read(&mut [0; 1]);
        usize::from(!matches!(&read, Err(error) if error.kind() == ErrorKind::WouldBlock))
    });
    assert!(closed.sum::<usize>() >= 200 - 64, "only so many are kept");
}

/// Requests that are sent at once are answered in order over one connection.
pub(super) fn pipelined_probes(target: &Target) {
    let (_server, address) = target.start_with_admin(&[]);
    let one = format!("GET /livez HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let last = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut stream = connect(address);
    stream.write_all((one.repeat(100) + &last).as_bytes()).expect("the second port reads");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("the second port answers and closes");
    assert_eq!(answers.matches("\r\n\r\nok\n").count(), 100);
    assert!(answers.ends_with("\r\n\r\nready\n"), "{answers}");
}

/// What is registered and how the server is set, as JSON that any reader takes, whatever peers call themselves.
pub(super) fn pages_of_json(target: &Target) {
    let user = r#"{"username":"ops","password":"0123456789abcdef"}"#;
    let (server, address) = target.start_with_admin(&[("initAuthenticationUser", user)]);
    let name = "b\"<script>\\\u{7}é";
    let _peers: Vec<_> = [name, "broker-a", "broker-b"]
        .into_iter()
        .map(|name| Peer::register(&server, &broker(name, 0, &["T", "<b>U\"/%"])))
        .collect();
    let json = |path: &str| {
        let page = get(address, path);
        assert!(page.head.contains("\r\nContent-Type: application/json\r\n"), "{}", page.head);
        let value: Value = serde_json::from_str(&page.body).unwrap_or_else(|error| panic!("{path}: {error}"));
        (page.status, value)
    };
    let (_, summary) = json("/api/v1/summary");
    assert_eq!((&summary["state"], &summary["brokers"], &summary["topics"]), (&"ready".into(), &3.into(), &3.into()));
    let revision = summary["revision"].as_str().expect("a revision");
    let label = format!(",revision=\"{revision}\",runtime=");
    assert!(!revision.is_empty() && get(address, "/metrics").body.contains(&label), "{revision}");

    let mut names = Vec::new();
    let mut next = String::new();
    loop {
        let (_, page) = json(&format!("/api/v1/brokers?limit=1&after={}", encoded(&next)));
        let brokers = page["brokers"].as_array().expect("a list");
        assert_eq!(brokers.len(), 1);
        assert_eq!(brokers[0]["role"], "master");
        assert!(brokers[0]["secondsToEviction"].as_f64().is_some_and(|seconds| seconds > 100.0), "{page}");
        names.push(brokers[0]["name"].as_str().expect("a name").to_owned());
        let Some(more) = page["next"].as_str() else { break };
        more.clone_into(&mut next);
    }
    assert_eq!(names, [name, "broker-a", "broker-b"]);
    let (_, none) = json("/api/v1/brokers?cluster=another");
    assert_eq!(none["brokers"], Value::Array(Vec::new()));

    for limit in ["abc", "-5", "0", ""] {
        assert_eq!(
            ["topics", "brokers"].map(|list| json(&format!("/api/v1/{list}?limit={limit}")).0),
            [400; 2],
            "{limit}"
        );
    }
    let (_, topics) = json("/api/v1/topics?limit=2");
    assert_eq!(topics["topics"][0]["name"], "<b>U\"/%");
    assert_eq!((&topics["topics"][1]["brokers"], &topics["next"]), (&3.into(), &"T".into()));
    let (status, topic) = json(&format!("/api/v1/topics/{}", encoded("<b>U\"/%")));
    assert_eq!((status, &topic["differs"], &topic["brokers"][1]["broker"]), (200, &false.into(), &"broker-a".into()));
    assert_eq!(json("/api/v1/topics/unknown").0, 404);

    let (_, config) = json("/api/v1/config");
    let keys = config["config"].as_array().expect("a list");
    assert!(!config.to_string().contains("0123456789abcdef"), "secrets are never shown");
    let listen = keys.iter().find(|key| key["key"] == "adminListen").expect("every key");
    assert_eq!((&listen["value"], &listen["default"]), (&"127.0.0.1:0".into(), &"".into()));
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// The list of NameServers is one line, and this server is not in it while it stops.
pub(super) fn name_servers_are_listed(target: &Target) {
    let lists = [
        ("nsaddrListen", "127.0.0.1:0"),
        ("nsaddrMembers", "192.0.2.2:9876;192.0.2.1:9876;"),
        ("nsaddrUnits", "blue=192.0.2.9:9876"),
        ("enableShutdownGracefully", "true"),
        ("shutdownWaitTimeSeconds", "3600"),
    ];
    let server = target.start(&lists);
    let address = address_of(&server, "addresses of NameServers are read here");
    let page = get(address, "/rocketmq/nsaddr");
    assert_eq!((page.status, &*page.body), (200, "192.0.2.1:9876;192.0.2.2:9876\n"));
    assert_eq!(get(address, "/rocketmq/nsaddr-blue?nofix=1").body, "192.0.2.9:9876\n");
    assert_eq!(get(address, "/rocketmq/nsaddr-green?nofix=1").body, page.body);
    assert_eq!(get(address, "/livez").status, 404, "this address shows nothing else");

    let port = free_port();
    let members = format!("127.0.0.1:{port};192.0.2.1:9876");
    let own = [("listenPort", &*port.to_string()), ("nsaddrMembers", &members), lists[0], lists[3], lists[4]];
    let mut server = target.start(&own);
    let address = address_of(&server, "addresses of NameServers are read here");
    assert_eq!(get(address, "/rocketmq/nsaddr").body, format!("{members}\n"));
    server.terminate();
    server.eventually(|| get(address, "/rocketmq/nsaddr").body == "192.0.2.1:9876\n");
    server.kill();

    let server = target.start(&[lists[0]]);
    let address = address_of(&server, "addresses of NameServers are read here");
    let page = get(address, "/rocketmq/nsaddr");
    assert_eq!((page.status, page.body.contains("nsaddrMembers")), (404, true));
}

/// NameServers that are listed are asked whether they serve, and what they say is shown; the line is as before until a
/// second question fails.
pub(super) fn listed_name_servers_are_probed(target: &Target) {
    let other = target.start(&[]);
    let silent = serve(drop);
    let members = format!("{};{silent}", other.address());
    let server = target.start(&[ADMIN, ("nsaddrMembers", &members), ("nsaddrProbe", "true")]);
    let address = address(&server);
    let probed = || {
        let page: Value = serde_json::from_str(&get(address, "/api/v1/nsaddr").body).expect("JSON");
        assert_eq!(page["probed"], true);
        let members = page["members"].as_array().expect("a list");
        let is_good = |member: &Value| member["address"] == other.address().to_string();
        let (good, bad): (Vec<_>, Vec<_>) = members.iter().cloned().partition(is_good);
        assert_eq!((good.len(), bad.len()), (1, 1));
        (good[0].clone(), bad[0].clone())
    };
    server.eventually(|| {
        let (good, bad) = probed();
        good["failures"] == 0 && good["error"].is_null() && bad["error"].is_string()
    });
    assert!(get(address, "/metrics").body.contains("rocketmq_namesrv_nsaddr_members{state=\"listed\"} "));
    server.eventually(|| get(address, "/rocketmq/nsaddr").body == format!("{}\n", other.address()));
    server.eventually(|| server.log().contains("/rocketmq/nsaddr leaves it out"));
}

/// A server that knows others shows where they differ from it, and one that does not answer is in nobody's way.
pub(super) fn drift_is_shown(target: &Target) {
    let [same, differing] = [(); 2].map(|()| target.start(&[]));
    let (closing, silent) = (serve(drop).to_string(), TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let silent_address = silent.local_addr().expect("an address").to_string();
    let members = format!("{};{};{closing};{silent_address}", same.address(), differing.address());
    let server = target.start(&[ADMIN, ("nsaddrMembers", &members)]);
    let address = address(&server);
    let _brokers: Vec<_> = [&server, &same, &differing]
        .into_iter()
        .map(|server| Peer::register(server, &broker("broker-a", 0, &["T"])))
        .collect();
    let _another = Peer::register(&differing, &broker("<b>", 0, &["U"]));

    let drift = || -> Value { serde_json::from_str(&get(address, "/api/v1/drift").body).expect("JSON") };
    let of = |page: &Value, address: &str| {
        let members = page["members"].as_array().expect("a list");
        members.iter().find(|member| member["address"] == address).expect("every member").clone()
    };
    let [same, differing] = [&same, &differing].map(|server| server.address().to_string());
    server.eventually(|| {
        assert_eq!(get(address, "/livez").status, 200);
        let page = drift();
        let [same, differing] = [of(&page, &same), of(&page, &differing)];
        let failed = [&closing, &silent_address].iter().all(|address| of(&page, address)["error"].is_string());
        same["count"] == 0 && same["error"].is_null() && differing["count"] == 5 && failed
    });
    let found = of(&drift(), &differing);
    let found = found["differences"].as_array().expect("a list");
    let found: Vec<_> =
        found.iter().map(|one| ["kind", "name", "part", "here"].map(|name| one[name].as_str())).collect();
    let expected = [
        [Some("cluster"), Some("DefaultCluster"), Some("groups"), Some("broker-a")],
        [Some("broker"), Some("<b>"), Some("address of 0"), None],
        [Some("broker"), Some("<b>"), Some("cluster"), None],
        [Some("topic"), Some("U"), None, Some("no")],
        [Some("topic"), Some("one more"), Some("<b>"), None],
    ];
    assert_eq!(found, expected);
    let page = get(address, "/status").body;
    assert!(page.contains("<h2>Other NameServers") && page.contains("<bdi>&lt;b&gt;</bdi>"), "{page}");
    assert_eq!(of(&drift(), &silent_address)["error"], "no answer in time");
    let misses: Value = serde_json::from_str(&get(address, "/api/v1/misses").body).expect("JSON");
    assert_eq!(misses["total"], 0, "it asks for no topic in vain");
}

/// A port that nobody listens on; it was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a listener has an address").port()
}

/// Starts a server as systemd does, with a watchdog of two seconds. Returns the socket for its messages too, and the
/// folder in which that is.
fn start_under_systemd(target: &Target, server: Folder) -> (Process, TempDir, UnixDatagram) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let variable = format!("NOTIFY_SOCKET={}", path.display());
    let server = server.with_wrapper(&["env", &variable, "WATCHDOG_USEC=2000000"]).start(target.binary());
    (server, folder, socket)
}

/// systemd is told that the server is up, what it does, that it lives, that it stops, and how long that takes.
pub(super) fn systemd_is_told(target: &Target) {
    let waits = [("enableShutdownGracefully", "true"), ("shutdownWaitTimeSeconds", "100"), ("drainSeconds", "200")];
    let (server, _folder, socket) = start_under_systemd(target, Folder::new(&waits));
    socket.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
    let mut told = String::new();
    let wait_for = |told: &mut String, line: &str| {
        while !told.lines().any(|known| known == line) {
            let mut buffer = [0; 1024];
            let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{line}: {error}: {told}"));
            told.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    };
    wait_for(&mut told, "READY=1");
    wait_for(&mut told, "WATCHDOG=1");
    wait_for(&mut told, "STATUS=ready, 0 brokers, 0 topics");
    let _broker = Peer::register(&server, &broker("broker-a", 0, &["T", "U"]));
    wait_for(&mut told, "STATUS=ready, 1 brokers, 3 topics");
    told.clear();
    server.signal(Signal::HUP);
    wait_for(&mut told, "READY=1");
    let reload = told.split_once("RELOADING=1\nMONOTONIC_USEC=").map(|(_, rest)| rest.lines().collect::<Vec<_>>());
    let reload = reload.unwrap_or_else(|| panic!("{told}"));
    assert!(
        reload.first().is_some_and(|micros| micros.parse::<u64>().is_ok()) && reload.contains(&"READY=1"),
        "{told}"
    );
    server.terminate();
    wait_for(&mut told, "STOPPING=1");
    wait_for(&mut told, "EXTEND_TIMEOUT_USEC=260000000");
    server.terminate();
    wait_for(&mut told, "EXTEND_TIMEOUT_USEC=160000000");
}

/// A server that drains says so, and serves everything until the time is over or it is told to stop again.
pub(super) fn a_server_that_drains_serves_everything(target: &Target) {
    let (mut server, address) = target.start_with_admin(&[("drainSeconds", "3600")]);
    let mut peer = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    server.terminate();
    server.eventually(|| get(address, "/readyz").status == 503);
    assert_eq!(get(address, "/readyz/draining").body, "[-]draining the server stops\n");
    assert_eq!(get(address, "/livez").status, 200);
    let _broker = Peer::register(&server, &broker("broker-b", 0, &["T"]));
    assert_eq!(Peer::connect(&server).ask(&route("T")).code, 0);
    assert_eq!(peer.ask(&route("T")).code, 0);
    server.terminate();
    assert!(server.wait().success());

    let mut server = target.start(&[("drainSeconds", "1")]);
    server.terminate();
    assert!(server.wait().success());
    assert!(server.log().contains("draining: everything is served until then"), "{}", server.log());
}
