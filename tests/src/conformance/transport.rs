//! PROXY headers and TLS in front of frames, over sockets.

use super::Target;
use super::peer::{Peer, route};
use crate::process::Process;
use crate::stream::read_frame;
use crate::tls::{Version, relay};
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::{Command, Stdio};

const HEADERS: [&[u8]; 2] = [
    b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x04\x57\x08\xae",
];
const TRUSTING: &[(&str, &str)] = &[("trustedProxies", "127.0.0.0/8"), ("logLevel", "debug")];
/// Python's `ssl`: a handshake, the request, the answer, and the end of TLS in both directions.
const PYTHON: &str = r"
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, sys.argv[2])
stream = context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1]))), suppress_ragged_eofs=False)
stream.sendall(bytes.fromhex(sys.argv[3]))
answer = stream.recv(4)
while len(answer) < 4 + int.from_bytes(answer[:4], 'big'):
    answer += stream.recv(65536)
assert stream.unwrap().recv(1) == b''
sys.stdout.buffer.write(answer)
";

/// A PROXY header of either version, whole or byte by byte, in front of plain text and of TLS, and with much behind it.
/// The log names the client and the proxy.
pub(super) fn proxy_headers(target: &Target) {
    let server = target.start(TRUSTING);
    for header in HEADERS {
        for piece in [1, header.len()] {
            let headed = || {
                let mut stream = server.connect();
                header.chunks(piece).for_each(|piece| stream.write_all(piece).expect("the server reads"));
                stream
            };
            let plain = headed();
            let secure = Version::ALL.map(|version| relay(headed(), version));
            for mut stream in [plain].into_iter().chain(secure) {
                stream.write_all(&route("T").encode()).expect("the server reads");
                assert!(read_frame(&mut stream).is_some(), "a header of {} bytes", header.len());
            }
        }
    }
    // More than one read of the server arrives at once.
    let large = route("T").field("padding", "x".repeat(100_000)).encode();
    for header in HEADERS {
        let mut stream = server.connect();
        server.freeze();
        stream.write_all(&[header, &large].concat()).expect("the system takes it");
        server.signal(Signal::CONT);
        assert!(read_frame(&mut stream).is_some(), "{} bytes behind a header", large.len());
    }
    let mut stream = server.connect();
    stream.write_all(&[HEADERS[0], b"GET / HTTP/1.1\r\n\r\n"].concat()).expect("the server reads");
    assert_eq!(read_frame(&mut stream), None);
    server.eventually(|| server.log().contains("192.0.2.1:1111 via 127.0.0.1:"));
}

/// A header of somebody who is not trusted is skipped, and the log says so.
pub(super) fn claims_are_not_believed(target: &Target) {
    let server = target.start(&[]);
    let mut stream = server.connect();
    stream.write_all(&[HEADERS[0], &route("T").encode()].concat()).expect("the server reads");
    assert!(read_frame(&mut stream).is_some());
    server.eventually(|| server.log().contains("PROXY header not believed"));
    assert!(!server.log().contains(" via "));
}

/// Handshakes that fail, and connections that end in the middle of one, are one line each.
pub(super) fn failed_handshakes_are_told(target: &Target) {
    let server = target.start(&[]);
    let mut stream = server.connect();
    stream.write_all(b"\x16\x03\x01\0\x04\x63\0\0\0").expect("the server reads");
    let mut alert = Vec::new();
    stream.read_to_end(&mut alert).expect("an alert and the end");
    assert_eq!(alert.first_chunk(), Some(b"\x15\x03\x03\0\x02\x02"), "{alert:?}");
    server.eventually(|| server.log().contains("TLS handshake failed: "));

    let mut stream = server.connect();
    stream.write_all(b"\x16\x03\x01").expect("the server reads");
    stream.shutdown(Shutdown::Write).expect("the connection is open");
    assert_eq!(read_frame(&mut stream), None);
    server.eventually(|| server.log().contains("TLS handshake failed: the client closed the connection"));
}

/// Idle TLS connections are told the end of TLS before that of the stream.
pub(super) fn idle_connections_end_in_order(target: &Target) {
    let server = target.start(&[("serverChannelMaxIdleTimeSeconds", "1")]);
    for version in Version::ALL {
        // The relay resets a stream that ends without the end of TLS.
        let mut stream = relay(server.connect(), version);
        assert_eq!(stream.read(&mut [0]).expect("an end in order"), 0, "{version:?}");
    }
}

/// What an idle TLS connection costs the process.
pub(super) fn idle_tls_connections(target: &Target) {
    const CONNECTIONS: usize = 400;
    let server = target.start(&[("ioThreads", "1")]);
    let connect = || relay(server.connect(), Version::Tls13);
    let mut first = Peer::over(connect());
    first.ask(&route("T"));
    let before = server.resident_kib();
    let mut peers: Vec<Peer> = (0..CONNECTIONS).map(|_| Peer::over(connect())).collect();
    peers.iter_mut().for_each(|peer| drop(peer.ask(&route("T"))));
    let kib = server.resident_kib().saturating_sub(before);
    target.figure("idle TLS connection", &format!("{} bytes", kib * 1024 / CONNECTIONS as u64));
    assert!(kib <= 64 * CONNECTIONS as u64, "{kib} KiB for {CONNECTIONS} connections");
}

/// OpenSSL's client.
pub(super) fn openssl(target: &Target) {
    if !is_there(target, "openssl", "version") {
        return;
    }
    let server = target.start(&[]);
    for version in ["-tls1_2", "-tls1_3"] {
        let address = server.address().to_string();
        let mut client = Command::new("openssl")
            .args(["s_client", "-quiet", "-no_ign_eof", "-connect", &address, version])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl runs");
        client.stdin.as_mut().expect("it is piped").write_all(&route("T").encode()).expect("it reads");
        let mut answer = [0; 4];
        client.stdout.as_mut().expect("it is piped").read_exact(&mut answer).expect("an answer");
        let mut rest = vec![0; u32::from_be_bytes(answer) as usize];
        client.stdout.as_mut().expect("it is piped").read_exact(&mut rest).expect("a whole answer");
        assert_eq!([&answer[..], &rest].concat(), plain_answer(&server), "{version}");
        drop(client.stdin.take());
        assert!(client.wait().expect("it ends").success(), "{version}");
    }
}

/// OpenSSL's client asks for a new handshake on its connection, which TLS 1.2 has and this server does not do.
pub(super) fn renegotiation(target: &Target) {
    if !is_there(target, "openssl", "version") {
        return;
    }
    let server = target.start(&[]);
    let mut client = Command::new("openssl")
        .args(["s_client", "-connect", &server.address().to_string(), "-tls1_2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    client.stdin.as_mut().expect("it is piped").write_all(b"R\n").expect("it reads");
    let output = client.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("no renegotiation"), "{said}");
    assert_eq!(Peer::connect(&server).ask(&route("T")).code, 17, "others are served");
}

/// Python's client.
pub(super) fn python(target: &Target) {
    if !is_there(target, "python3", "--version") {
        return;
    }
    let server = target.start(&[]);
    for version in ["TLSv1_2", "TLSv1_3"] {
        let port = server.address().port().to_string();
        let request = hex::encode(route("T").encode());
        let output = Command::new("python3").args(["-c", PYTHON, &port, version, &request]).output();
        let output = output.expect("python3 runs");
        assert!(output.status.success(), "{version}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, plain_answer(&server), "{version}");
    }
}

fn plain_answer(server: &Process) -> Vec<u8> {
    let mut stream = server.connect();
    stream.write_all(&route("T").encode()).expect("the server reads");
    read_frame(&mut stream).expect("an answer")
}

/// Whether a program is installed. Where it is not, the run says so; `.ci/run` needs it.
fn is_there(target: &Target, program: &str, argument: &str) -> bool {
    let is_there = Command::new(program).arg(argument).output().is_ok();
    if !is_there {
        target.figure(program, "skipped: it is not installed");
    }
    is_there
}
