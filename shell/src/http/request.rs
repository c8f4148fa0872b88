//! Heads of requests.

use super::status::Status;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::net::Ipv6Addr;

/// The most bytes of one head, including the request line.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;
/// The most header lines of one head.
pub const HEADERS_MAX: usize = 64;

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Head and body.
    Get,
    /// Only the head.
    Head,
}

/// A request whose head is complete. No request has a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What the client wants of the path.
    pub method: Method,
    /// The path as received, percent-encoded; it begins with a slash.
    pub path: String,
    /// The text behind the question mark, as received.
    pub query: String,
    /// The `Host` header, which only a request of HTTP/1.0 may omit.
    pub host: Option<String>,
    /// The `Accept` headers, joined.
    pub accept: String,
    /// Whether the client may send another request over this connection.
    pub keeps_alive: bool,
}

/// What the front of the input holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// An incomplete head.
    Incomplete,
    /// A complete head.
    Complete {
        /// The request.
        request: Request,
        /// Bytes of its head.
        length: usize,
    },
}

/// Why a request is refused. The server closes the connection after the answer, because nobody knows where the next
/// request begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not a request of HTTP/1.0 or HTTP/1.1.
    #[error("this is not an HTTP/1.1 request")]
    Malformed,
    /// It is of another version of HTTP.
    #[error("only HTTP/1.0 and HTTP/1.1 are spoken here")]
    Version,
    /// It does not name exactly one host.
    #[error("a request names its host once")]
    Host,
    /// What it names as its host is none.
    #[error("a host is HOST or HOST:PORT")]
    HostForm,
    /// Its path cannot be read.
    #[error("the path is neither absolute nor percent-encoded UTF-8")]
    Path,
    /// Its head is longer than [`HEAD_BYTES_MAX`] or has more than [`HEADERS_MAX`] lines.
    #[error("the head of a request has at most {HEAD_BYTES_MAX} bytes and {HEADERS_MAX} header lines")]
    HeadTooLarge,
    /// It has a body.
    #[error("a request has no body here")]
    Body,
    /// It is neither GET nor HEAD.
    #[error("only GET and HEAD are allowed: nothing is changed over this port")]
    Method,
    /// Its head did not arrive in time.
    #[error("the request did not arrive in time")]
    Slow,
}

impl Refusal {
    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Malformed | Self::Host | Self::HostForm | Self::Path => Status::BadRequest,
            Self::Version => Status::VersionNotSupported,
            Self::HeadTooLarge => Status::HeadTooLarge,
            Self::Body => Status::ContentTooLarge,
            Self::Method => Status::MethodNotAllowed,
            Self::Slow => Status::RequestTimeout,
        }
    }
}

/// Reads the head at the front of `bytes`.
///
/// # Errors
/// The bytes are not a head, or ask for something that this server does not do.
pub fn parse(bytes: &[u8]) -> Result<Parsed, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= HEAD_BYTES_MAX => length,
        Ok(httparse::Status::Complete(_)) | Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
        Ok(httparse::Status::Partial) if bytes.len() >= HEAD_BYTES_MAX => return Err(Refusal::HeadTooLarge),
        Ok(httparse::Status::Partial) => return Ok(Parsed::Incomplete),
        Err(httparse::Error::Version) if names_version(bytes) => return Err(Refusal::Version),
        Err(_) => return Err(Refusal::Malformed),
    };
    let method = match head.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        Some(_) | None => return Err(Refusal::Method),
    };
    check_body(head.headers)?;
    let is_version_1_1 = head.version == Some(1);
    let (authority, target) = split_target(head.path.unwrap_or_default()).ok_or(Refusal::Path)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    decode(path).ok_or(Refusal::Path)?;
    let request = Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        host: host(head.headers, authority, is_version_1_1)?,
        accept: values(head.headers, "accept").collect::<Vec<_>>().join(","),
        keeps_alive: is_version_1_1 && !wants_close(head.headers),
    };
    Ok(Parsed::Complete { request, length })
}

impl Request {
    /// Returns the decoded rest of the path after `prefix`, unless it is empty.
    #[must_use]
    pub fn name_after(&self, prefix: &str) -> Option<Cow<'_, str>> {
        decode(self.path.strip_prefix(prefix).filter(|name| !name.is_empty())?)
    }

    /// Returns the decoded value of a query parameter; of a repeated one, the first.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// Whether the third word of the request line is a version of HTTP, as far as it has arrived when it is refused.
fn names_version(bytes: &[u8]) -> bool {
    let version = bytes.split(|byte| *byte == b' ').nth(2).and_then(|word| word.strip_prefix(b"HTTP/"));
    version.and_then(|version| version.first()).is_some_and(u8::is_ascii_digit)
}

/// The server reads nothing behind a head, so it would take a body for the next request.
fn check_body(headers: &[httparse::Header<'_>]) -> Result<(), Refusal> {
    if values(headers, "transfer-encoding").next().is_some() {
        return Err(Refusal::Body);
    }
    for length in values(headers, "content-length") {
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::Malformed);
        }
        if length.bytes().any(|byte| byte != b'0') {
            return Err(Refusal::Body);
        }
    }
    Ok(())
}

/// Splits an absolute target into its authority and its path with query.
fn split_target(target: &str) -> Option<(Option<&str>, &str)> {
    if target.starts_with('/') {
        return Some((None, target));
    }
    let rest = target.strip_prefix("http://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Some((Some(authority), if path.is_empty() { "/" } else { path }))
}

/// Returns the host. An absolute target takes precedence over the header, which must still be there.
fn host(
    headers: &[httparse::Header<'_>],
    authority: Option<&str>,
    is_version_1_1: bool,
) -> Result<Option<String>, Refusal> {
    let mut hosts = values(headers, "host");
    match (hosts.next(), hosts.next()) {
        (None, _) if is_version_1_1 => Err(Refusal::Host),
        (_, Some(_)) => Err(Refusal::Host),
        (host, None) if ![authority, host].into_iter().flatten().all(has_port_or_none) => Err(Refusal::HostForm),
        (host, None) => Ok(authority.or(host).map(str::to_owned)),
    }
}

/// Whether nothing or a port is behind the name. An IPv6 address has colons of its own.
fn has_port_or_none(host: &str) -> bool {
    host.rsplit_once(':').is_none_or(|(_, port)| {
        port.bytes().all(|byte| byte.is_ascii_digit()) || port.ends_with(']') || host.parse::<Ipv6Addr>().is_ok()
    })
}

fn wants_close(headers: &[httparse::Header<'_>]) -> bool {
    let mut options = values(headers, "connection").flat_map(|value| value.split(','));
    options.any(|option| option.trim().eq_ignore_ascii_case("close"))
}

/// Returns the values of a header. A value that is not text counts as empty.
fn values<'a>(headers: &'a [httparse::Header<'_>], name: &'static str) -> impl Iterator<Item = &'a str> {
    let named = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| str::from_utf8(header.value).unwrap_or_default().trim())
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    let is_escape =
        |rest: &str| rest.get(..2).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if !text.split('%').skip(1).all(is_escape) {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<Request, Refusal> {
        match parse(head.as_bytes())? {
            Parsed::Complete { request, length } => {
                assert_eq!(length, head.len());
                Ok(request)
            }
            Parsed::Incomplete => panic!("{head:?} is incomplete"),
        }
    }

    #[test]
    fn a_request_is_taken_apart() {
        let request = read(
            "GET /api/v1/topics/a%2Fb?after=x+y&limit=%32 HTTP/1.1\r\nHost: ns:5557\r\naccept: a/b\r\nAccept: c\r\n\r\n",
        )
        .unwrap();
        assert_eq!((request.method, request.keeps_alive), (Method::Get, true));
        assert_eq!((request.host.as_deref(), &*request.accept), (Some("ns:5557"), "a/b,c"));
        assert_eq!(request.name_after("/api/v1/topics/").as_deref(), Some("a/b"));
        assert_eq!(request.name_after("/api/v1/topics/a%2Fb"), None);
        assert_eq!(request.parameter("after").as_deref(), Some("x y"));
        assert_eq!(request.parameter("limit").as_deref(), Some("2"));
        assert_eq!(request.parameter("none"), None);
    }

    #[test]
    fn the_host_and_the_end_of_the_connection_are_read_as_http_says() {
        let table = [
            ("GET / HTTP/1.0\r\n\r\n", None, false),
            ("HEAD / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", Some("a"), false),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", Some("a"), false),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", Some("a"), true),
            ("GET http://localhost:1/x HTTP/1.1\r\nHost: a\r\n\r\n", Some("localhost:1"), true),
            ("GET http://localhost HTTP/1.1\r\nHost: a\r\n\r\n", Some("localhost"), true),
            ("GET / HTTP/1.1\r\nHost: [::a]\r\n\r\n", Some("[::a]"), true),
            ("GET / HTTP/1.1\r\nHost: ::a\r\n\r\n", Some("::a"), true),
            ("GET / HTTP/1.1\r\nHost: a:\r\n\r\n", Some("a:"), true),
        ];
        for (head, host, keeps_alive) in table {
            let request = read(head).unwrap();
            assert_eq!((request.host.as_deref(), request.keeps_alive), (host, keeps_alive), "{head:?}");
        }
    }

    #[test]
    fn what_is_not_served_is_refused() {
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX));
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(HEAD_BYTES_MAX));
        let table = [
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", Refusal::Method),
            ("get / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Method),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", Refusal::Body),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n", Refusal::Body),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", Refusal::Malformed),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", Refusal::Body),
            ("GET / HTTP/1.1\r\n\r\n", Refusal::Host),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", Refusal::Host),
            ("GET / HTTP/1.1\r\nHost: 127.0.0.1:abc\r\n\r\n", Refusal::HostForm),
            ("GET http://localhost:b/ HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::HostForm),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", Refusal::Version),
            ("GET / HTTP/2", Refusal::Version),
            ("GET / HTTP/x.1\r\n\r\n", Refusal::Malformed),
            ("GET /\r\n\r\n", Refusal::Malformed),
            ("\u{16}\u{3}\u{1}\u{2}", Refusal::Malformed),
            ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Path),
            ("GET /%f HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Path),
            ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Path),
            (&many, Refusal::HeadTooLarge),
            (&long, Refusal::HeadTooLarge),
            (long.get(..HEAD_BYTES_MAX).unwrap(), Refusal::HeadTooLarge),
        ];
        for (head, refusal) in table {
            assert_eq!(parse(head.as_bytes()), Err(refusal), "{head:.60?}");
        }
    }

    #[test]
    fn a_head_in_pieces_is_incomplete_until_it_is_complete() {
        let head = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
        for length in 0..head.len() {
            assert_eq!(parse(&head[..length]), Ok(Parsed::Incomplete), "{length}");
        }
        assert!(
            matches!(parse(&[head, &b"more"[..]].concat()), Ok(Parsed::Complete { length, .. }) if length == head.len())
        );
    }
}
