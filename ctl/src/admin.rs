//! Asks the second port of this project's NameServers over HTTP, with one connection for each request.

use crate::escape::escape;
use crate::timed::{Timed, advice, in_words};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// The address of the second port in packages and images.
pub(crate) const DEFAULT_ADDRESS: &str = "127.0.0.1:5557";

/// The most bytes of one answer. The server's own pages have at most 1 MiB.
const BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The most bytes of an answer's head.
const HEAD_BYTES_MAX: u64 = 16 * 1024;
/// The most bytes of one line in a page without end.
const LINE_BYTES_MAX: u64 = 256 * 1024;
/// The most header lines of an answer.
const HEADERS_MAX: usize = 64;
/// The most characters of an error that are shown. The list of all types of events has fewer.
const ERROR_CHARACTERS_MAX: usize = 2000;

/// Characters that paths and queries may contain unescaped.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The second port of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admin {
    /// `HOST:PORT`.
    pub(crate) address: String,
    /// How long one answer may take.
    pub(crate) within: Duration,
}

/// Why the second port gives no usable answer. The caller reports the address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    #[error("cannot connect: {}", in_words(.0))]
    Connect(io::Error),
    #[error("{}", in_words(.0))]
    Stream(io::Error),
    #[error("this is not the second port of a NameServer")]
    NoHttp,
    #[error("an answer of more than {} MiB is not read", BODY_BYTES_MAX >> 20)]
    TooLong,
    #[error("{path} is not served here")]
    NoSuchPath { path: String },
    #[error("there is no such topic")]
    NoSuchTopic,
    #[error("the server answers with status {status}{}{}", if .text.is_empty() { "" } else { ": " }, shown(.text))]
    Status { status: u16, text: String },
    #[error("the server's answer is not what was asked for")]
    Body,
}

/// An answer whose head has been read.
struct Answer {
    status: u16,
    length: Option<u64>,
    body: BufReader<Timed>,
}

impl AdminError {
    /// Returns the key or option that may help.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Connect(error) => advice(error).or(Some("a server opens its second port with the key adminListen")),
            Self::Stream(error) => advice(error),
            Self::NoHttp => Some("--admin names the address in the key adminListen"),
            Self::NoSuchPath { .. } => {
                Some("an older server lacks it, and only the address in the key adminListen shows everything")
            }
            Self::TooLong | Self::NoSuchTopic | Self::Status { .. } | Self::Body => None,
        }
    }
}

impl Admin {
    /// The second port at this URL, or at `HOST:PORT`.
    ///
    /// # Errors
    /// In words: the text is neither.
    pub(crate) fn new(url: &str, within: Duration) -> Result<Self, String> {
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some(_) => return Err(format!("--admin {}: the second port speaks plain HTTP", escape(url))),
            None => url,
        };
        let address = rest.strip_suffix('/').unwrap_or(rest);
        let has_port =
            address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        let is_plain = address.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@".contains(&byte));
        if has_port && is_plain {
            Ok(Self { address: address.to_owned(), within })
        } else {
            Err(format!("--admin {}: write HOST:PORT", escape(url)))
        }
    }

    /// Requests a page of JSON.
    ///
    /// # Errors
    /// There is no such page, or no answer in time.
    pub(crate) fn json(&self, path: &str) -> Result<Value, AdminError> {
        serde_json::from_slice(&self.page(path)?).map_err(|_| AdminError::Body)
    }

    /// Requests a page.
    ///
    /// # Errors
    /// There is no such page, or no answer in time.
    pub(crate) fn page(&self, path: &str) -> Result<Vec<u8>, AdminError> {
        let mut answer = self.get(path)?;
        let body = answer.read_body()?;
        match answer.status {
            200 => Ok(body),
            status => Err(refusal(path, status, &body)),
        }
    }

    /// Requests a page without end and passes on its lines, until `take` returns false or the server ends the page.
    ///
    /// # Errors
    /// There is no such page, or the connection breaks.
    pub(crate) fn follow(&self, path: &str, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), AdminError> {
        let mut answer = self.get(path)?;
        if answer.status != 200 {
            return Err(refusal(path, answer.status, &answer.read_body()?));
        }
        answer.body.get_mut().set_deadline(None);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read =
                (&mut answer.body).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(AdminError::Stream)?;
            match line.strip_suffix(b"\n") {
                None if read == 0 => return Ok(()),
                None => return Err(AdminError::Body),
                Some([]) => {}
                Some(text) if take(text) => {}
                Some(_) => return Ok(()),
            }
        }
    }

    /// Uses HTTP/1.0, so that the answer ends with the connection and has no chunks.
    fn get(&self, path: &str) -> Result<Answer, AdminError> {
        let until = Instant::now() + self.within;
        let mut timed = Timed::connect(&self.address, until).map_err(AdminError::Connect)?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\nAccept: */*\r\n\r\n", self.address);
        timed.write_all(request.as_bytes()).map_err(AdminError::Stream)?;
        let mut body = BufReader::new(timed);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let left = HEAD_BYTES_MAX - head.len() as u64;
            let read = (&mut body).take(left).read_until(b'\n', &mut head).map_err(AdminError::Stream)?;
            // A server of another protocol sends no line, or too long a line.
            if read == 0 || !head.starts_with(b"HTTP/1.") {
                return Err(AdminError::NoHttp);
            }
        }
        let (status, length) = parse_head(&head).ok_or(AdminError::NoHttp)?;
        Ok(Answer { status, length, body })
    }
}

impl Answer {
    fn read_body(&mut self) -> Result<Vec<u8>, AdminError> {
        let max = self.length.unwrap_or(u64::MAX).min(BODY_BYTES_MAX + 1);
        let mut body = Vec::new();
        (&mut self.body).take(max).read_to_end(&mut body).map_err(AdminError::Stream)?;
        match self.length {
            _ if body.len() as u64 > BODY_BYTES_MAX => Err(AdminError::TooLong),
            Some(length) if body.len() as u64 != length => Err(AdminError::Stream(ErrorKind::UnexpectedEof.into())),
            _ => Ok(body),
        }
    }
}

/// Returns the status, and the length of the body if the head has it.
fn parse_head(head: &[u8]) -> Option<(u16, Option<u64>)> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(head).ok()?;
    let mut lengths = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = lengths.next().map(|header| str::from_utf8(header.value).ok()?.trim().parse().ok());
    Some((response.code?, length.flatten()))
}

/// Converts an unsuccessful answer. Errors of the API are JSON with a member `error`.
fn refusal(path: &str, status: u16, body: &[u8]) -> AdminError {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let error = json.as_ref().and_then(|json| json.get("error")?.as_str());
    match (status, error) {
        (404, Some(_)) => AdminError::NoSuchTopic,
        (404, None) => AdminError::NoSuchPath { path: path.split('?').next().unwrap_or(path).to_owned() },
        (status, Some(error)) => AdminError::Status { status, text: error.to_owned() },
        (status, None) => AdminError::Status { status, text: String::from_utf8_lossy(body).into_owned() },
    }
}

/// Returns the first line of a text from the server.
fn shown(text: &str) -> String {
    let line: String = text.lines().next().unwrap_or_default().chars().take(ERROR_CHARACTERS_MAX).collect();
    escape(&line).into_owned()
}

/// Encodes a text as part of a path, or as the value of a query.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// Calls `ask` on a server that answers with these bytes.
    fn asked<T>(answer: &[u8], ask: impl FnOnce(&Admin) -> T) -> T {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let within = Duration::from_secs(60);
        let admin = Admin::new(&format!("http://{}/", listener.local_addr().unwrap()), within).unwrap();
        let answer = answer.to_vec();
        let server = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            // The client may stop reading early.
            let _ = stream.write_all(&answer);
            String::from_utf8(request).unwrap()
        });
        let result = ask(&admin);
        assert!(server.join().unwrap().starts_with("GET /p?q HTTP/1.0\r\nHost: 127.0.0.1:"));
        result
    }

    fn page(answer: &[u8]) -> Result<Vec<u8>, String> {
        asked(answer, |admin| admin.page("/p?q").map_err(|error| error.to_string()))
    }

    #[test]
    fn answers_of_http_are_taken_apart() {
        assert_eq!(page(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok more"), Ok(b"ok".to_vec()));
        assert_eq!(page(b"HTTP/1.0 200 OK\r\n\r\nto the end"), Ok(b"to the end".to_vec()));
        assert!(page(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok").unwrap_err().contains("in the middle"));
        assert!(page(b"HTTP/1.1 404 Not Found\r\n\r\nno such path").unwrap_err().starts_with("/p is not served here"));
        let topic = page(b"HTTP/1.1 404 Not Found\r\n\r\n{\"error\":\"there is no such topic\"}");
        assert_eq!(topic.unwrap_err(), "there is no such topic");
        let error = page(b"HTTP/1.1 503 Busy\r\n\r\n{\"error\":\"the \\u001bserver starts\"}").unwrap_err();
        assert_eq!(error, "the server answers with status 503: the \\u{1b}server starts");
        assert_eq!(page(b"HTTP/1.1 500 Oops\r\n\r\n").unwrap_err(), "the server answers with status 500");
    }

    #[test]
    fn what_is_no_answer_of_http_is_told() {
        for answer in [&b""[..], b"\0\0\0\x04", b"SSH-2.0-x\r\n", b"HTTP/1.1 x\r\n\r\n", &[b'a'; 100_000]] {
            assert!(page(answer).unwrap_err().starts_with("this is not the second port"), "{answer:.20?}");
        }
        let endless = [&b"HTTP/1.1 200 OK\r\n"[..], &b"a: b\r\n".repeat(10_000)].concat();
        assert!(page(&endless).is_err());
        let huge = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'x'; BODY_BYTES_MAX as usize + 1]].concat();
        assert_eq!(page(&huge).unwrap_err(), "an answer of more than 16 MiB is not read");
    }

    #[test]
    fn lines_are_followed_until_their_end() {
        let lines = |answer: &[u8], max: usize| {
            asked(answer, |admin| {
                let mut lines = Vec::new();
                let result = admin.follow("/p?q", |line| {
                    lines.push(String::from_utf8(line.to_vec()).unwrap());
                    lines.len() < max
                });
                (lines, result.map_err(|error| error.to_string()))
            })
        };
        let stream = b"HTTP/1.1 200 OK\r\n\r\none\n\ntwo\nthree\n";
        assert_eq!(lines(stream, 9), (vec!["one".into(), "two".into(), "three".into()], Ok(())));
        assert_eq!(lines(stream, 1), (vec!["one".into()], Ok(())));
        assert!(lines(b"HTTP/1.1 200 OK\r\n\r\nhalf", 9).1.is_err());
        let long = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &vec![b'x'; 1 << 20]].concat();
        assert!(lines(&long, 9).1.is_err());
        assert!(lines(b"HTTP/1.1 404 Not Found\r\n\r\n", 9).1.unwrap_err().starts_with("/p is not served"));
    }

    #[test]
    fn only_addresses_of_plain_http_are_taken() {
        let address = |url| Admin::new(url, Duration::ZERO).map(|admin| admin.address);
        for (url, expected) in [
            ("http://localhost:5557", "localhost:5557"),
            ("http://127.0.0.1:5557/", "127.0.0.1:5557"),
            ("[::1]:5557", "[::1]:5557"),
        ] {
            assert_eq!(address(url).as_deref(), Ok(expected));
        }
        assert!(address("https://localhost:5557").unwrap_err().contains("plain HTTP"));
        for url in ["", "ns", "http://localhost", "ns:x", ":5557", "a@ns:1", "ns:1/x", "n s:1", "ns\r\n:1"] {
            assert!(address(url).unwrap_err().ends_with("write HOST:PORT"), "{url}");
        }
        assert_eq!(encode("a/b?%中 ~"), "a%2Fb%3F%25%E4%B8%AD%20~");
    }
}
