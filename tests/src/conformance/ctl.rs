//! The command-line client inside the binary: against this server, Java's answers, and servers that mean harm.

use crate::admin_port::{ADMIN, address};
use crate::answer::Answer;
use crate::environment::clear;
use crate::golden::groups;
use crate::impostor;
use crate::peer::{Peer, broker, put};
use crate::process::{Folder, Process};
use crate::request::frame;
use crate::stream::read_frame;
use crate::suite::Target;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// What a command came to.
struct Outcome {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Outcome {
    /// What was written by a command that succeeds.
    #[track_caller]
    fn text(self) -> String {
        assert_eq!((self.status, &*self.stderr), (0, ""), "{}", self.stdout);
        self.stdout
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.text()).expect("JSON")
    }

    /// The line of a command that fails with this status.
    #[track_caller]
    fn line(self, status: i32) -> String {
        assert_eq!((self.status, &*self.stdout), (status, ""), "{}", self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert!(!self.stderr.trim_end().contains(char::is_control), "{:?}", self.stderr);
        self.stderr
    }
}

fn command(target: &Target, arguments: &[&str]) -> Command {
    let mut command = Command::new(target.binary());
    command.arg("ctl").args(arguments).stdin(Stdio::null());
    clear(&mut command);
    command.env_remove("NAMESRV_ADDR").env_remove("NO_COLOR");
    command
}

fn ctl(target: &Target, arguments: &[&str]) -> Outcome {
    outcome(&mut command(target, arguments))
}

fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let status = output.status.code().expect("no signal ends it");
    Outcome { status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Where a server is that answers as it likes.
fn serve(conversation: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    impostor::serve(conversation).to_string()
}

/// Two brokers of a group and a third, with the topics `T` and `one more`.
fn registered(server: &Process) -> Vec<Peer> {
    let brokers = [("broker-a", 0), ("broker-a", 1), ("broker-b", 0)];
    brokers.iter().map(|(name, id)| Peer::register(server, &broker(name, *id, &["T"]))).collect()
}

/// Every command in every format says what is registered, over the remoting port and over the second one.
pub(super) fn what_is_registered(target: &Target) {
    let server = target.start(&[ADMIN]);
    let mut brokers = registered(&server);
    assert_eq!(brokers[0].ask(&put("ORDER_TOPIC_CONFIG", "T", "broker-a:4")).code, 0);
    let (remoting, admin) = (server.address().to_string(), address(&server).to_string());
    let ask = |arguments: &[&str]| ctl(target, &[&["-n", &remoting], arguments].concat());

    let addresses: Vec<_> = [("broker-a", 0), ("broker-a", 1), ("broker-b", 0)]
        .map(|(name, id)| broker(name, id, &["T"]).address.expect("an address"))
        .into();
    let roles = ["master", "slave", "master"];
    let lines = ["broker-a\t0", "broker-a\t1", "broker-b\t0"].iter().zip(&addresses).zip(roles);
    let lines = lines.map(|((broker, address), role)| format!("DefaultCluster\t{broker}\t{address}\t{role}\t\t\t\n"));
    assert_eq!(ask(&["brokers"]).text(), lines.collect::<String>());
    let table = ask(&["brokers", "-o", "table"]).text();
    assert!(table.starts_with("CLUSTER         BROKER    ID  ADDRESS"), "{table}");
    assert!(!table.contains("HEARD"), "nobody knows it here: {table}");
    let wide = ask(&["brokers", "-o", "wide", "--admin", &admin]).text();
    assert!(wide.contains("HEARD") && wide.contains("CONNECTION"), "{wide}");
    let [plain, more] =
        [&[][..], &["--admin", &admin]].map(|admin| ask(&[&["brokers", "--json"], admin].concat()).json());
    for (one, other) in
        plain["brokers"].as_array().expect("a list").iter().zip(more["brokers"].as_array().expect("a list"))
    {
        let is_same = |(name, value): (&String, &Value)| other[name] == *value;
        assert!(one.as_object().expect("an object").iter().all(is_same), "{one} and {other}");
        assert!(other["secondsToEviction"].is_number());
    }

    assert_eq!(ask(&["clusters"]).text(), "DefaultCluster\t2\t3\n");
    assert_eq!(ask(&["topics"]).text(), "T\t\none more\t\n");
    assert_eq!(ask(&["topics", "--admin", &admin]).text(), "T\t2\none more\t2\n");
    let topic = ask(&["topic", "T"]).text();
    assert!(topic.contains("RW-\tDefaultCluster\t") && topic.lines().count() == 2, "{topic}");
    assert!(topic.contains(&format!("0={},1={}\n", addresses[0], addresses[1])), "{topic}");
    assert_eq!(ask(&["route", "T", "--json"]).json()["brokers"][1]["broker"], "broker-b");
    assert_eq!(ask(&["topic", "T", "--admin", &admin, "--json"]).json()["lackedBy"], json!([]));
    assert!(ask(&["topic", "no\u{1b}such"]).line(1).ends_with("there is no topic no\\u{1b}such\n"));
    assert!(ask(&["config"]).text().contains("\nlistenPort\t"));
    assert_eq!(
        ask(&["config", "--admin", &admin, "--json"]).json()["config"].as_array().map(Vec::is_empty),
        Some(false)
    );
    assert_eq!(ask(&["kv"]).text(), "T\tbroker-a:4\n");
    assert_eq!(ask(&["kv", "ORDER_TOPIC_CONFIG", "T", "--json"]).json()["entries"][0]["value"], "broker-a:4");
    assert!(ask(&["kv", "none"]).line(1).ends_with("there is no KV namespace none\n"));
    assert_eq!(ask(&["health"]).text(), format!("{remoting}\tyes\t\n"));
    assert!(ask(&["status", "--admin", &admin]).text().starts_with("brokers\t3\n"));
    let types = ask(&["events", "--type", "nope", "--admin", &admin]).line(1);
    assert!(types.ends_with(", save_failed, separated by commas\n"), "{types}");
    let rates = ask(&["top", "--admin", &admin, "--count", "2", "--interval", "10ms", "--json"]).text();
    let brokers: Vec<Value> =
        rates.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["brokers"].clone()).collect();
    assert_eq!(brokers, [3.0, 3.0]);

    let unreachable = format!("127.0.0.1:1;{remoting}");
    let next = outcome(command(target, &["clusters"]).env("NAMESRV_ADDR", unreachable));
    assert_eq!((next.status, &*next.stdout), (0, "DefaultCluster\t2\t3\n"));
    assert!(next.stderr.contains("127.0.0.1:1: cannot connect") && next.stderr.ends_with(": asking the next\n"));
}

/// `diff` names what differs and nothing else, and its status says so.
pub(super) fn servers_that_differ(target: &Target) {
    let [one, other] = [(); 2].map(|()| target.start(&[]));
    let brokers = [registered(&one), registered(&other)];
    let names = [one.address().to_string(), other.address().to_string()];
    let only = ["--only", "brokers,clusters,topics"];
    let diff = |more: &[&str]| ctl(target, &[&["diff", &names[0], &names[1]], more].concat());
    assert_eq!(diff(&only).text(), "");
    let _another = Peer::register(&other, &broker("broker-c", 0, &["T", "U"]));
    let different = diff(&[&only[..], &["--json"]].concat());
    assert_eq!((different.status, &*different.stderr), (3, ""));
    let report: Value = serde_json::from_str(&different.stdout).expect("JSON");
    let found = report["differences"].as_array().expect("a list");
    let found: Vec<_> = found.iter().map(|one| [&one["kind"], &one["name"], &one["part"], &one["values"][0]]).collect();
    let row = |kind: &str, name: &str, part: Value, value: Value| [json!(kind), json!(name), part, value];
    let expected = [
        row("cluster", "DefaultCluster", json!("groups"), json!("broker-a,broker-b")),
        row("broker", "broker-c", json!("address of 0"), Value::Null),
        row("broker", "broker-c", json!("cluster"), Value::Null),
        row("topic", "T", json!("broker-c"), Value::Null),
        row("topic", "U", Value::Null, json!("no")),
        row("topic", "one more", json!("broker-c"), Value::Null),
    ];
    assert_eq!(found, expected.iter().map(|row| row.each_ref()).collect::<Vec<_>>());
    let config = diff(&["--only", "config"]);
    assert_eq!(config.status, 3, "each has files of its own");
    assert!(config.stdout.contains("config\tkvConfigPath\t\t"), "{}", config.stdout);
    assert!(ctl(target, &["diff", &names[0], "127.0.0.1:1"]).line(1).contains("127.0.0.1:1: cannot connect"));
    drop(brokers);
}

/// `wait` ends with what it waits for, or with its time.
pub(super) fn what_is_waited_for(target: &Target) {
    let server = target.start(&[ADMIN]);
    let address = server.address().to_string();
    let mut waiting = command(target, &["wait", "-n", &address, "--brokers", "3", "--ready"]).spawn().expect("it runs");
    let _brokers = registered(&server);
    assert!(waiting.wait().expect("it ends").success());
    let late = ctl(target, &["wait", "-n", &address, "--brokers", "4", "--timeout", "3s"]).line(1);
    assert!(late.ends_with(&format!("time is over: {address}: 3 of 4 brokers are registered\n")), "{late}");
    let admin = crate::admin_port::address(&server).to_string();
    assert_eq!(ctl(target, &["wait", "-n", &address, "--ready", "--admin", &admin]).text(), "");
    let waits = target.start(&[("needWaitForService", "true"), ("waitSecondsForService", "3600")]);
    let late = ctl(target, &["wait", "-n", &waits.address().to_string(), "--ready", "--timeout", "3s"]).line(1);
    assert!(late.ends_with("the server is not ready\n"), "{late}");
    let none = ctl(target, &["health", "-n", &waits.address().to_string()]);
    assert_eq!((none.status, none.stdout), (1, format!("{}\tno\tthe server is not ready\n", waits.address())));
}

/// `watch` writes what there is, then each change, and ends after as many lines as are wanted.
pub(super) fn changes_of_a_route(target: &Target) {
    let server = target.start(&[]);
    let address = server.address().to_string();
    let watch = ["watch", "T", "-n", &address, "--interval", "10ms", "--count", "4", "--json"];
    let mut child = command(target, &watch).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| {
        let line: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        [&line["broker"], &line["before"], &line["after"]].map(|value| value.as_str().map(str::to_owned))
    });
    let is = |text: &str| Some(text.to_owned());
    assert_eq!(lines.next(), Some([None, None, is("no route")]));
    let first = Peer::register(&server, &broker("broker-a", 0, &["T"]));
    assert_eq!(lines.next(), Some([None, is("no route"), None]));
    let appeared = lines.next().expect("a line");
    assert_eq!((&appeared[0], &appeared[1]), (&is("broker-a"), &None));
    drop(first);
    // The route goes with its only broker.
    assert_eq!(lines.next(), Some([None, None, is("no route")]));
    assert!(child.wait().expect("it ends").success());
}

/// A server that has answered and stops is not one that wants TLS.
pub(super) fn a_watched_server_that_stops(target: &Target) {
    let mut server = target.start(&[]);
    let watch = ["watch", "T", "-n", &server.address().to_string(), "--interval", "10ms"];
    let mut child = command(target, &watch).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    server.kill();
    line.clear();
    BufReader::new(child.stderr.take().expect("a pipe")).read_line(&mut line).expect("a line");
    child.kill().expect("it still watches");
    child.wait().expect("it ends");
    assert!(line.contains(watch[3]) && !line.contains("--tls"), "{line}");
}

/// A key or certificate for tests.
fn file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tls/modern").join(name).display().to_string()
}

/// TLS with a CA, with any certificate, and with a certificate of the client's own.
pub(super) fn servers_with_tls(target: &Target) {
    let [certificate, key, ca] = ["server-rsa.pem", "server-rsa.key", "ca.pem"].map(file);
    let server = target.start(&[
        ("tls.server.mode", "enforcing"),
        ("tls.test.mode.enable", "false"),
        ("tls.server.certPath", &certificate),
        ("tls.server.keyPath", &key),
        ("tls.server.need.client.auth", "require"),
        ("tls.server.authClient", "true"),
        ("tls.server.trustCertPath", &ca),
    ]);
    let address = server.address().to_string();
    let [own, own_key, other_ca] = ["client-good.pem", "client-good.key", "other-ca.pem"].map(file);
    let clusters = |more: &[&str]| ctl(target, &[&["clusters", "-n", &address], more].concat());
    assert_eq!(clusters(&["--tls", "--ca", &ca, "--cert", &own, "--key", &own_key]).text(), "");
    assert_eq!(clusters(&["--tls", "--insecure", "--cert", &own, "--key", &own_key]).text(), "");
    let unknown = clusters(&["--tls", "--ca", &other_ca, "--cert", &own, "--key", &own_key]).line(1);
    assert!(unknown.ends_with("is not trusted: no certificate in --ca vouches for it\n"), "{unknown}");
    let self_signed = target.start(&[]);
    let unknown = ctl(target, &["clusters", "-n", &self_signed.address().to_string(), "--tls", "--ca", &ca]).line(1);
    assert!(unknown.ends_with("is not trusted: no certificate in --ca vouches for it\n"), "{unknown}");
    let plain = serve(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let no_tls = ctl(target, &["clusters", "-n", &plain, "--tls", "--insecure"]).line(1);
    assert!(no_tls.ends_with("the server does not speak TLS here: leave out --tls\n"), "{no_tls}");
    clusters(&["--tls", "--ca", &ca]).line(1);
    assert!(clusters(&[]).line(1).contains("if it wants TLS, add --tls"));
    assert!(clusters(&["--tls"]).line(2).contains("--tls needs --ca FILE"));
    assert!(clusters(&["--tls", "--ca", "/none"]).line(1).contains("--ca: /none: cannot be read"));
    assert!(clusters(&["--tls", "--insecure", "--cert", &own]).line(1).contains("--key is not set"));
    let mismatch = clusters(&["--tls", "--insecure", "--cert", &own, "--key", &key]).line(1);
    assert!(mismatch.contains("does not belong to the certificate"), "{mismatch}");
}

/// mqadmin's file signs what a server does not answer to everybody; its secret is shown nowhere.
pub(super) fn servers_that_want_signatures(target: &Target) {
    let user = r#"{"username":"ops","password":"Fq7wLx2vTn9c"}"#;
    let signed = [("authenticationEnabled", "true"), ("readsNeedSignature", "true"), ("initAuthenticationUser", user)];
    let server = target.start(&signed);
    let address = server.address().to_string();
    let home = Folder::plain();
    fs::create_dir(home.path("conf")).expect("a folder");
    let write = |name: &str, text: &str| -> PathBuf {
        fs::write(home.path(name), text).expect("a file");
        home.path(name)
    };
    let good = write("good.yml", "accessKey: ops\nsecretKey: Fq7wLx2vTn9c\n").display().to_string();
    let bad = write("bad.yml", "accessKey: ops\nsecretKey: \"Zz7wLx2vTn9c\"\n").display().to_string();
    let clusters = |more: &[&str]| ctl(target, &[&["clusters", "-n", &address], more].concat());
    assert_eq!(clusters(&["--tools", &good]).text(), "");
    assert!(clusters(&["--tools", &bad]).line(1).contains("the server refuses: check signature failed: --tools"));
    clusters(&[]).line(1);
    assert!(clusters(&["--tools", "/none"]).line(1).contains("/none: cannot be read"));
    let with_home = || outcome(command(target, &["clusters", "-n", &address]).env("ROCKETMQ_HOME", home.path("")));
    with_home().line(1);
    write("conf/tools.yml", "accessKey: ops\nsecretKey: Fq7wLx2vTn9c\n");
    assert_eq!(with_home().text(), "");
    write("conf/tools.yml", "accessKey: ops\nsecret: Fq7wLx2vTn9c\n");
    let incomplete = with_home();
    assert_eq!(incomplete.status, 1);
    assert!(incomplete.stderr.contains("secretKey is not there") && incomplete.stderr.contains("nothing is signed"));
    assert!(!incomplete.stderr.contains("Fq7wLx2vTn9c"), "{}", incomplete.stderr);
    assert!(!ctl(target, &["config", "-n", &address, "--tools", &good]).text().contains("Fq7wLx2vTn9c"));
}

/// What the Java server answered to a request of this code in a conversation, with the number of another request.
fn answer_of_java(name: &str, opaque: i32) -> Vec<u8> {
    let lines = groups().into_iter().filter(|group| ["base", "config"].contains(&&*group.name));
    let line = lines.flat_map(|group| group.lines).find(|line| line.name == name);
    let line = line.unwrap_or_else(|| panic!("no frame {name}"));
    let response = line.bytes(line.response.as_ref());
    let length = u32::from_be_bytes([0, response[5], response[6], response[7]]) as usize;
    let (header, body) = response[8..].split_at(length);
    let header = String::from_utf8(header.to_vec()).expect("UTF-8");
    let (before, after) = header.split_once("\"opaque\":").expect("a number");
    let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
    frame(0, format!("{before}\"opaque\":{opaque}{after}").as_bytes(), body)
}

/// The answers of the released Java server, keys without quotes included.
pub(super) fn answers_of_java(target: &Target) {
    let java = serve(|mut stream| {
        while let Some(request) = read_frame(&mut stream) {
            let request = Answer::decode(&request).expect("a request");
            let name = match (request.code, request.field("topic")) {
                (105, Some("TopicTest")) => "route, client version 400",
                (105, _) => "route, unknown topic",
                (106, _) => "cluster info (contains the empty broker-z ghost)",
                (206, _) => "all topics",
                (219, _) => "kv list",
                (101, _) => "get kv",
                (319, _) => "get config",
                (code, _) => panic!("nobody asks for {code}"),
            };
            stream.write_all(&answer_of_java(name, request.opaque)).expect("the client reads");
        }
    });
    let ask = |arguments: &[&str]| ctl(target, &[&["-n", &java], arguments].concat());
    let expected = "DefaultCluster\tbroker-a\t0\t10.0.0.1:10911\tmaster\t\t\t\nDefaultCluster\tbroker-a\t1\t10.0.0.2:10911\tslave\t\t\t\n";
    assert_eq!(ask(&["brokers"]).text(), expected);
    assert_eq!(ask(&["clusters", "--json"]).json()["clusters"][0]["brokers"], json!(["broker-a", "broker-z"]));
    assert_eq!(ask(&["topics"]).text(), "OnlySub\t\nTBW102\t\nTopicTest\t\nUnitSub\t\nUnitTopic\t\n");
    let route = "broker-a\t8\t8\tRW-\tDefaultCluster\t0=10.0.0.1:10911,1=10.0.0.2:10911\n";
    assert_eq!(ask(&["topic", "TopicTest"]).text(), route);
    ask(&["topic", "Other"]).line(1);
    assert_eq!(ask(&["kv"]).text(), "TopicTest\tbroker-a:8\n");
    assert_eq!(ask(&["kv", "ORDER_TOPIC_CONFIG", "TopicTest"]).text(), "TopicTest\tbroker-a:8\n");
    assert!(ask(&["config"]).text().contains("\nclusterTest\tfalse\n"));
    assert_eq!(ask(&["health"]).text(), format!("{java}\tyes\t\n"));
}

/// Answers a request of HTTP with these bytes, whatever it asks for.
fn http(answer: &'static str) -> String {
    serve(move |mut stream| {
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
            request.push(byte[0]);
        }
        // The client may have seen enough.
        let _ = stream.write_all(answer.as_bytes());
    })
}

/// Pages that only the second port has, whatever is in them, and servers without them.
pub(super) fn pages_of_the_second_port(target: &Target) {
    let ask = |admin: &str, arguments: &[&str]| ctl(target, &[&["--admin", admin], arguments].concat());
    let connections = http(
        "HTTP/1.1 200 OK\r\n\r\n{\"connections\":[{\"peer\":\"10.0.0.9:4\",\"language\":\"GO\\u001b\",\"version\":\"5.5.0\",\
         \"ageSeconds\":2.04,\"requests\":3,\"brokers\":[\"a/0\",\"b/1\"]}],\"total\":1}",
    );
    assert_eq!(
        ask(&connections, &["connections"]).text(),
        "10.0.0.9:4\tGO\\u{1b}\t5.5.0\t2.0\t\t3\t\t\t\ta/0,b/1\t\t\n"
    );
    let errors = http("HTTP/1.1 200 OK\r\n\r\n{\"errors\":[{\"kind\":\"frame\",\"count\":2,\"reason\":\"x\\ny\"}]}");
    assert_eq!(ask(&errors, &["errors"]).text(), "frame\t2\t\t\tx\\ny\n");
    let misses = http("HTTP/1.1 200 OK\r\n\r\n{\"misses\":[{\"topic\":\"T\",\"count\":7}]}");
    assert_eq!(ask(&misses, &["misses"]).text(), "T\t7\t\t\n");
    let events =
        http("HTTP/1.1 200 OK\r\n\r\n{\"events\":[{\"seq\":1,\"type\":\"kv_put\",\"key\":\"K\"}],\"next\":null}");
    assert_eq!(ask(&events, &["events"]).text(), "1\t\tkv_put\t\t\t\tkey=K\n");
    let endless = http("HTTP/1.1 200 OK\r\n\r\n{\"seq\":1,\"type\":\"a\"}\n{\"seq\":2,\"type\":\"b\"}\n");
    assert_eq!(ask(&endless, &["events", "--follow", "-o", "json"]).text().lines().count(), 2);
    let without = http("HTTP/1.1 404 Not Found\r\n\r\nthere is no such path");
    for page in ["connections", "errors", "misses", "events", "status", "top", "brokers"] {
        assert!(ask(&without, &[page]).line(1).contains("adminListen"), "{page}");
    }
    assert!(ask("127.0.0.1:1", &["status"]).line(1).contains("the key adminListen"));
    assert!(ask("https://localhost:1", &["status"]).line(2).contains("plain HTTP"));
}

/// Servers that send garbage, too much, nothing, or something without end: one line, and an end.
pub(super) fn servers_that_mean_harm(target: &Target) {
    let header = br#"{"code":0,"flag":1,"opaque":1}"#;
    let remark = "{\"code\":9,\"flag\":1,\"opaque\":1,\"remark\":\"\\u001b[2J\u{9b}x\\nmore\"}";
    let cases = [
        ("without an answer", vec![]),
        ("without an answer", vec![0, 0, 1]),
        ("it speaks HTTP: --admin names the second port", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ("is more than the 67108864 that are read", u32::MAX.to_be_bytes().to_vec()),
        ("this is not a NameServer", frame(0, b"{\x1b", b"")),
        ("answers question 77", frame(0, br#"{"code":0,"flag":1,"opaque":77}"#, b"")),
        ("it sends requests", frame(0, br#"{"code":0,"opaque":1}"#, b"")),
        ("not cluster information", frame(0, header, b"\x1b[2J")),
        ("not cluster information", frame(0, header, b"")),
        ("code 9: \\u{1b}[2J\\u{9b}x", frame(0, remark.as_bytes(), b"")),
    ];
    for (expected, answer) in cases {
        let server = serve(move |mut stream| {
            read_frame(&mut stream);
            // The client may have seen enough.
            let _ = stream.write_all(&answer);
        });
        let line = ctl(target, &["clusters", "-n", &server]).line(1);
        assert!(line.contains(expected), "{line}, not {expected}");
    }
    // A client that goes away ends them.
    let endless: [fn(TcpStream); 3] = [
        |mut stream| while stream.read(&mut [0; 64]).is_ok_and(|bytes| bytes > 0) {},
        |mut stream| {
            while stream.write_all(&[0]).is_ok() {
                thread::sleep(Duration::from_millis(10));
            }
        },
        |mut stream| while stream.write_all(&frame(0, br#"{"code":0,"flag":1,"opaque":1}"#, &[b' '; 4096])).is_ok() {},
    ];
    for attack in endless {
        let server = serve(attack);
        ctl(target, &["clusters", "-n", &server, "--timeout", "100ms"]).line(1);
        ctl(target, &["status", "--admin", &server, "--timeout", "100ms"]).line(1);
    }
    let hostile = frame(
        0,
        br#"{"code":0,"flag":1,"opaque":1}"#,
        "{\"topicList\":[\"\u{1b}]0;x\u{7}\",\"\u{202e}T\"]}".as_bytes(),
    );
    let names = serve(move |mut stream| {
        read_frame(&mut stream);
        let _ = stream.write_all(&hostile);
    });
    // Control characters in strings are no JSON.
    ctl(target, &["topics", "-n", &names]).line(1);
}

/// What cannot be done is told before anybody is asked, with status 2.
pub(super) fn wrong_command_lines(target: &Target) {
    for (arguments, expected) in [
        (&[][..], "there is no command"),
        (&["diff", "127.0.0.1:1"], "diff compares two or more servers"),
        (&["diff", "127.0.0.1:1", "127.0.0.1:2", "--only", "queues"], "--only queues: write clusters, brokers"),
        (&["wait"], "wait needs --brokers N, --ready, or both"),
        (&["status", "--ca", "x"], "are for --tls"),
    ] {
        let line = ctl(target, arguments).line(2);
        assert!(line.contains(" ctl: ") && line.contains(expected), "{line}, not {expected}");
    }
    assert!(ctl(target, &["--help"]).text().contains("\n  brokers "));
    assert!(ctl(target, &["topics", "--help"]).text().starts_with("usage: "));
    assert!(ctl(target, &["man"]).text().starts_with(".TH NAMESRVCTL 1"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(ctl(target, &["completions", shell]).text().contains("namesrvctl"));
    }
    let folder = Folder::plain();
    let link = folder.path("namesrvctl");
    std::os::unix::fs::symlink(target.binary(), &link).expect("a link");
    let version = outcome(Command::new(&link).arg("--version")).text();
    assert_eq!(version, format!("namesrvctl {}\n", env!("CARGO_PKG_VERSION")));
}
