//! Answers.

use super::request::{Method, Refusal};
use super::status::Status;
use namesrv_core::time::WallTime;
use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

/// The last millisecond of the year 9999, after which there are no dates of HTTP.
const LAST_MILLISECOND: u64 = 253_402_300_799_999;

/// An answer. Every answer has a body, even an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: Status,
    /// The type of the body.
    pub content_type: &'static str,
    /// One additional header.
    pub header: Option<(&'static str, &'static str)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A text answer. Ends the last line.
    #[must_use]
    pub fn text(status: Status, text: impl Into<String>) -> Self {
        let body = text.into() + "\n";
        Self { status, content_type: "text/plain; charset=utf-8", header: None, body: body.into_bytes() }
    }

    /// A JSON answer.
    #[must_use]
    pub const fn json(body: Vec<u8>) -> Self {
        Self { status: Status::Ok, content_type: "application/json", header: None, body }
    }

    /// The answer to a refused request.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        let response = Self::text(refusal.status(), refusal.to_string());
        let header = (refusal == Refusal::Method).then_some(("Allow", "GET, HEAD"));
        Self { header, ..response }
    }

    /// Returns the bytes to send at this time: head and body, or only the head.
    #[must_use]
    pub(super) fn encode(&self, method: Method, keeps_alive: bool, time: WallTime) -> Vec<u8> {
        let close = if keeps_alive { "" } else { "Connection: close\r\n" };
        self.encode_with(&format!("Content-Length: {}\r\n{close}", self.body.len()), method, time)
    }

    /// The same of an answer that continues until the connection closes, so that nobody knows its length.
    #[must_use]
    pub(super) fn encode_endless(&self, method: Method, time: WallTime) -> Vec<u8> {
        self.encode_with("Connection: close\r\n", method, time)
    }

    fn encode_with(&self, length: &str, method: Method, time: WallTime) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512 + self.body.len());
        let Self { status, content_type, header, .. } = self;
        let (code, phrase) = (status.code(), status.phrase());
        let more = header.map(|(name, value)| format!("{name}: {value}\r\n")).unwrap_or_default();
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(time.as_millis().min(LAST_MILLISECOND)));
        // Writing to memory cannot fail.
        let _ = write!(
            bytes,
            "HTTP/1.1 {code} {phrase}\r\nDate: {date}\r\nContent-Type: {content_type}\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\n{more}{length}\r\n"
        );
        if method == Method::Get {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_look_as_http_says() {
        let time = WallTime::from_millis(784_111_777_999);
        let text = |response: &Response, method, keeps_alive| {
            String::from_utf8(response.encode(method, keeps_alive, time)).unwrap()
        };
        let ok = Response::text(Status::Ok, "ok");
        let head = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                    Content-Type: text/plain; charset=utf-8\r\n\
                    Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(text(&ok, Method::Get, true), format!("{head}ok\n"));
        assert_eq!(text(&ok, Method::Head, true), head);
        let refused = text(&Response::refused(Refusal::Method), Method::Get, false);
        let late = ok.encode(Method::Get, true, WallTime::from_millis(u64::MAX));
        assert!(String::from_utf8(late).unwrap().contains("\r\nDate: Fri, 31 Dec 9999 23:59:59 GMT\r\n"));
        assert!(refused.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{refused}");
        assert!(
            refused.contains("\r\nAllow: GET, HEAD\r\nContent-Length: 65\r\nConnection: close\r\n\r\nonly GET"),
            "{refused}"
        );
    }
}
