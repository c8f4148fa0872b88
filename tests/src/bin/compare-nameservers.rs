//! Asks two NameServers that know the same brokers for everything that they show, and compares the answers byte for
//! byte: `compare-nameservers JAVA OURS CLUSTER TOPIC...`. Only the order of what Java keeps in hash tables may differ.

use namesrv_core::wire::code::request as code;
use namesrv_tests::golden::compare::{Likeness, compare};
use namesrv_tests::request::{Request, VERSION_4_9_7, VERSION_5_5_0};
use namesrv_tests::stream::{be_patient, read_frame};
use std::io::{self, Write};
use std::net::TcpStream;
use std::process::ExitCode;

/// Version of a client that reads maps with unquoted keys, in the order of Java's hash tables.
const VERSION_4_3_0: i32 = 273;

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [java, ours, cluster, topics @ ..] = arguments.as_slice() else {
        writeln!(io::stderr(), "usage: compare-nameservers JAVA OURS CLUSTER TOPIC...")?;
        return Ok(ExitCode::from(2));
    };
    let (mut java, mut ours) = (connect(java)?, connect(ours)?);
    let (mut count, mut different) = (0, 0);
    for (question, request) in questions(cluster, topics) {
        let request = request.encode();
        let (expected, got) = (ask(&mut java, &request)?, ask(&mut ours, &request)?);
        count += 1;
        if compare(&request, &expected, &got, &[]) > Likeness::UpToOrder {
            different += 1;
            let (expected, got) = (String::from_utf8_lossy(&expected), String::from_utf8_lossy(&got));
            writeln!(io::stdout(), "DIFFERENT {question}\n  Java: {expected}\n  ours: {got}")?;
        }
    }
    writeln!(io::stdout(), "{count} answers, {different} different")?;
    Ok(if different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn questions(cluster: &str, topics: &[String]) -> Vec<(String, Request)> {
    let mut questions = vec![
        ("brokers and clusters".to_owned(), Request::new(code::GET_BROKER_CLUSTER_INFO)),
        ("all topics".to_owned(), Request::new(code::GET_ALL_TOPIC_LIST_FROM_NAMESERVER)),
        ("system topics".to_owned(), Request::new(code::GET_SYSTEM_TOPIC_LIST_FROM_NS)),
        ("topics of the cluster".to_owned(), Request::new(code::GET_TOPICS_BY_CLUSTER).field("cluster", cluster)),
    ];
    for topic in topics {
        for version in [VERSION_5_5_0, VERSION_4_9_7, VERSION_4_3_0] {
            let request = Request::new(code::GET_ROUTEINFO_BY_TOPIC).version(version).field("topic", topic);
            questions.push((format!("route of {topic}, version {version}"), request));
        }
    }
    questions
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    be_patient(&stream);
    Ok(stream)
}

fn ask(server: &mut TcpStream, request: &[u8]) -> io::Result<Vec<u8>> {
    server.write_all(request)?;
    read_frame(server).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"))
}
