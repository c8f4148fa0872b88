//! Answers.

use super::request::{Method, Refusal};
use super::status::Status;
use std::io::Write;

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

    /// Returns the bytes to send: head and body, or only the head.
    #[must_use]
    pub(super) fn encode(&self, method: Method, keeps_alive: bool) -> Vec<u8> {
        let close = if keeps_alive { "" } else { "Connection: close\r\n" };
        let mut bytes = self.head(&format!("Content-Length: {}\r\n{close}", self.body.len()));
        if method == Method::Get {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }

    /// Returns head and body of an answer that continues until the connection closes.
    #[must_use]
    pub(super) fn encode_endless(&self) -> Vec<u8> {
        let mut bytes = self.head("Connection: close\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    fn head(&self, length: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512 + self.body.len());
        let Self { status, content_type, header, .. } = self;
        let (code, phrase) = (status.code(), status.phrase());
        let more = header.map(|(name, value)| format!("{name}: {value}\r\n")).unwrap_or_default();
        // Writing to memory cannot fail.
        let _ = write!(
            bytes,
            "HTTP/1.1 {code} {phrase}\r\nContent-Type: {content_type}\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\n{more}{length}\r\n"
        );
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_look_as_http_says() {
        let text =
            |response: &Response, method, keeps_alive| String::from_utf8(response.encode(method, keeps_alive)).unwrap();
        let ok = Response::text(Status::Ok, "ok");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\
                    Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(text(&ok, Method::Get, true), format!("{head}ok\n"));
        assert_eq!(text(&ok, Method::Head, true), head);
        let refused = text(&Response::refused(Refusal::Method), Method::Get, false);
        assert!(refused.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{refused}");
        assert!(
            refused.contains("\r\nAllow: GET, HEAD\r\nContent-Length: 65\r\nConnection: close\r\n\r\nonly GET"),
            "{refused}"
        );
    }
}
