//! The second port of a server under test, asked over sockets as a probe asks it.

use crate::process::Process;
use crate::stream::be_patient;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Opens the second port on a free port of the loopback address.
pub(crate) const ADMIN: (&str, &str) = ("adminListen", "127.0.0.1:0");

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Page {
    /// Takes an answer apart.
    pub(crate) fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer of HTTP: {answer:?}"));
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {head:?}"));
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }
}

/// Where the second port of a server is.
pub(crate) fn address(server: &Process) -> SocketAddr {
    address_of(server, "everything else is read here")
}

/// The address in the line of the log that ends a sentence with these words.
pub(crate) fn address_of(server: &Process, words: &str) -> SocketAddr {
    let log = server.log_of_start();
    let line = log.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no {words}: {log}"));
    let address = line.split_whitespace().find_map(|word| word.strip_prefix("address=")?.parse().ok());
    address.unwrap_or_else(|| panic!("no address: {line}"))
}

/// Opens a connection.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the second port accepts");
    be_patient(&stream);
    stream
}

/// Asks for a path.
pub(crate) fn get(address: SocketAddr, path: &str) -> Page {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"))
}

/// Asks for a page of JSON.
pub(crate) fn json(address: SocketAddr, path: &str) -> Value {
    let page = get(address, path);
    assert_eq!(page.status, 200, "{path}: {}", page.body);
    serde_json::from_str(&page.body).unwrap_or_else(|error| panic!("{path}: {error}: {}", page.body))
}

/// The events of a page of them.
pub(crate) fn events(page: &Value) -> &[Value] {
    page["events"].as_array().expect("a list")
}

/// Sends these bytes and reads to the end.
pub(crate) fn exchange(address: SocketAddr, request: &str) -> Page {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).expect("the second port reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the second port answers and closes");
    Page::parse(&answer)
}
