//! What the fuzzers check. A target is a function of bytes that panics when something is not as it must be; `fuzz/`
//! calls it with what libFuzzer makes up, an ordinary test with the committed corpora.

mod first_bytes;
mod frame;
mod header;
mod http;
mod limits;
mod register_body;
mod registry;
mod session;
mod signature;
mod snapshot;
mod text;
mod transport;

pub use registry::check_twins;

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name of the target and of the folder of its corpus.
    pub name: &'static str,
    /// Checks everything that is to be said about these bytes; panics when it finds something.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "frame", run: frame::frame },
    Target { name: "json_header", run: header::json_header },
    Target { name: "binary_header", run: header::binary_header },
    Target { name: "register_body", run: register_body::register_body },
    Target { name: "properties", run: text::properties },
    Target { name: "kv_file", run: text::kv_file },
    Target { name: "users_file", run: text::users_file },
    Target { name: "first_bytes", run: first_bytes::first_bytes },
    Target { name: "proxy_header", run: transport::proxy_header_of },
    Target { name: "transport", run: transport::transport },
    Target { name: "session", run: session::session },
    Target { name: "http", run: http::http },
    Target { name: "registry", run: registry::registry },
    Target { name: "signature", run: signature::signature },
    Target { name: "snapshot", run: snapshot::snapshot },
];

/// Runs one target.
///
/// # Panics
/// It finds something, or there is no target of that name.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of that name");
    (target.run)(data);
}
