//! The load generator over TLS, against the echo server and against servers that spoil it.

// A panic is how a test fails.
#![allow(clippy::unwrap_used)]

use namesrv_bench::certificate::Certificate;
use namesrv_bench::clients::{Clients, Handshake};
use namesrv_bench::echo::{Arguments, Service, Session, constant_answer};
use namesrv_bench::load::{Load, Outcome, Plan};
use namesrv_bench::question::{Ask, Expected, Mix};
use namesrv_bench::workload::Pace;
use namesrv_tests::impostor;
use namesrv_tests::tls::{Version, client};
use namesrv_tests::transport::{incoming, outgoing};
use rustls::ClientConnection;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

const ANSWER_BYTES: usize = 332;

/// What becomes of the bytes of a session before they are sent.
type Spoil = fn(&[u8]) -> Vec<u8>;

fn service(certificate: Certificate) -> Service {
    let files = certificate.files();
    Service::new(ANSWER_BYTES, Some(files.each_ref().map(PathBuf::as_path))).unwrap()
}

/// An echo server. What its sessions have to say is spoiled before it is sent.
fn serve(service: Service, spoil: Spoil) -> SocketAddr {
    impostor::serve(move |stream| echo(stream, service.session().unwrap(), spoil))
}

fn echo(mut stream: TcpStream, mut session: Session, spoil: Spoil) {
    let mut scratch = vec![0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut scratch) {
        // Both fail when the client has gone.
        if session.handle_input(&mut scratch[..read]).is_err() || stream.write_all(&spoil(session.output())).is_err() {
            return;
        }
        session.handle_written(session.output().len());
    }
}

fn load(address: SocketAddr, clients: &Clients) -> Load {
    let expected = Expected::Constant(constant_answer(ANSWER_BYTES).unwrap());
    Load::connect(&[address], 5, (Mix::Only(Ask::Route), 100), expected, Some(clients)).unwrap()
}

fn run(load: &mut Load, pace: Pace, requests_max: u64) -> anyhow::Result<Outcome> {
    let plan = Plan { pace, lasts: Duration::from_secs(30), requests_max };
    load.run(plan, &mut [], &AtomicBool::new(false))
}

#[test]
fn every_answer_over_tls_is_counted() {
    for certificate in Certificate::ALL {
        let address = serve(service(certificate), <[u8]>::to_vec);
        let clients = Clients::new(Handshake::Full).unwrap();
        for pace in [Pace::Closed { depth: 1 }, Pace::Rounds { depth: 1 }, Pace::Rounds { depth: 100 }] {
            let mut load = load(address, &clients);
            assert_eq!(run(&mut load, pace, 1000).unwrap().requests, 1000, "{pace:?}");
            // A second run goes on with the same sessions.
            assert_eq!(run(&mut load, pace, 1000).unwrap().requests, 1000, "{pace:?}");
            load.check_handshakes(Handshake::Full).unwrap();
        }
    }
}

#[test]
fn sessions_are_resumed_by_clients_that_are_meant_to() {
    let address = serve(service(Certificate::EcdsaP256), <[u8]>::to_vec);
    let clients = Clients::new(Handshake::Resumed).unwrap();
    let begin = || {
        let mut load = load(address, &clients);
        run(&mut load, Pace::Closed { depth: 1 }, 5).unwrap();
        load
    };
    let first = begin();
    first.check_handshakes(Handshake::Full).unwrap();
    first.close();
    for _ in 0..3 {
        let next = begin();
        next.check_handshakes(Handshake::Resumed).unwrap();
        assert!(next.check_handshakes(Handshake::Full).is_err());
        next.close();
    }
}

#[test]
fn spoiled_tls_ends_the_run() {
    let spoiled: [Spoil; 2] =
        [|output| output.iter().map(|byte| !byte).collect(), |_| constant_answer(ANSWER_BYTES).unwrap()];
    for spoil in spoiled {
        let address = serve(service(Certificate::EcdsaP256), spoil);
        let mut load = load(address, &Clients::new(Handshake::Full).unwrap());
        let error = run(&mut load, Pace::Rounds { depth: 1 }, 10).unwrap_err();
        assert!(format!("{error:#}").contains("the server breaks the TLS protocol"), "{error:#}");
    }
}

/// Hands a session what a client has to send, in pieces, and the client what it answers. Returns the plaintext of that.
fn exchange(client: &mut ClientConnection, session: &mut Session, piece: usize) -> Vec<u8> {
    for bytes in outgoing(client).chunks(piece) {
        session.handle_input(&mut bytes.to_vec()).unwrap();
    }
    let mut plaintext = Vec::new();
    while !session.output().is_empty() {
        // The socket takes some of it.
        let some = session.output().len().min(1000);
        plaintext.extend(incoming(client, &session.output()[..some]).unwrap());
        session.handle_written(some);
    }
    plaintext
}

#[test]
fn echo_session_answers_however_its_input_is_cut() {
    let service = service(Certificate::EcdsaP256);
    let answer = constant_answer(ANSWER_BYTES).unwrap();
    for version in Version::ALL {
        for piece in [1, 2, 7, 100, 5000, 1 << 20] {
            let (mut client, mut session) = (client(version), service.session().unwrap());
            while client.is_handshaking() {
                assert_eq!(exchange(&mut client, &mut session, piece), b"");
            }
            for frames in [1, 16, 200] {
                client.writer().write_all(&[0, 0, 0, 3, 1, 2, 3].repeat(frames)).unwrap();
                let answers = exchange(&mut client, &mut session, piece);
                assert!(answers == answer.repeat(frames), "{frames} frames over {version} in pieces of {piece}");
            }
            client.send_close_notify();
            let mut last = outgoing(&mut client);
            assert!(session.handle_input(&mut last).is_err(), "it goes on after the end");
        }
    }
}

#[test]
fn echo_takes_a_certificate_with_its_key() {
    let parse = |words: &[&str]| Arguments::parse(words.iter().map(|word| (*word).to_owned()));
    let [certificate, key] = Certificate::Rsa2048.files().map(|path| path.display().to_string());
    let [_, other] = Certificate::EcdsaP256.files().map(|path| path.display().to_string());
    assert!(parse(&["1", "40"]).is_ok() && parse(&["1", "40", &certificate, &key]).is_ok());
    for words in [
        &["1"] as &[&str],
        &["x", "40"],
        &["1", "7"],
        &["1", "40", &certificate],
        &["1", "40", &key, &key],
        &["1", "40", &certificate, &certificate],
        &["1", "40", &certificate, &other],
        &["1", "40", "no-such-file", &key],
    ] {
        assert!(parse(words).is_err(), "{words:?}");
    }
}
