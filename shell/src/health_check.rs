//! `--health`: asks a NameServer, this one or Java's, whether it serves.

use crate::environment::Environment;
use crate::keys::ProcessSettings;
use crate::start_error::StartError;
use crate::startup::Startup;
use namesrv_core::config::Limits;
use namesrv_core::connection::HEALTH_TOPIC;
use namesrv_core::wire::code::{request, response};
use namesrv_core::wire::{Framing, Request, next_frame};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long everything may take together.
const WITHIN: Duration = Duration::from_secs(2);
/// The address to ask: what the command line says, else the port of the configuration file on this host.
///
/// # Errors
/// The configuration cannot be read.
pub(crate) fn address(named: Option<String>, config_file: Option<&Path>) -> Result<String, StartError> {
    if let Some(address) = named {
        return Ok(address);
    }
    let startup = Startup::read(config_file, &Environment::of_process())?;
    let ProcessSettings { bind_address, listen_port, .. } = ProcessSettings::of(&startup.configuration);
    let host = match &*bind_address {
        "0.0.0.0" | "::" | "[::]" => Ipv4Addr::LOCALHOST.to_string(),
        address if address.contains(':') && !address.starts_with('[') => format!("[{address}]"),
        address => address.to_owned(),
    };
    Ok(format!("{host}:{listen_port}"))
}

/// Asks for the route of a topic that cannot exist: who answers that there is none would answer with a route.
///
/// # Errors
/// Why the server does not serve, in one line.
pub(crate) fn ask(address: &str) -> Result<(), String> {
    match exchange(address) {
        Ok(response::TOPIC_NOT_EXIST) => Ok(()),
        Ok(response::SYSTEM_ERROR) => Err(format!("{address}: the server is not ready")),
        Ok(response::GO_AWAY) => Err(format!("{address}: the server stops")),
        Ok(code) => Err(format!("{address}: the server answers with code {code}")),
        Err(error) => Err(format!("{address}: {error}")),
    }
}

/// Returns the code of the answer.
fn exchange(address: &str) -> io::Result<i32> {
    let deadline = Instant::now() + WITHIN;
    let mut stream = connect(address, deadline)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(&query())?;
    let mut input = Vec::new();
    let limits = Limits::default();
    loop {
        match next_frame(&input, &limits) {
            Ok(Framing::Complete { frame, .. }) => {
                return Request::decode(frame, &limits).map(|answer| answer.code).map_err(invalid);
            }
            Ok(Framing::Incomplete { .. }) => {}
            Err(error) => return Err(invalid(error)),
        }
        stream.set_read_timeout(Some(left(deadline)?))?;
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer) {
            Ok(0) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
            Ok(read) => input.extend_from_slice(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(late()),
            Err(error) => return Err(error),
        }
    }
}

/// Connects to the first address of the name that accepts.
fn connect(address: &str, deadline: Instant) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
    let mut result = Err(ErrorKind::AddrNotAvailable.into());
    for address in addresses {
        result = TcpStream::connect_timeout(&address, left(deadline)?);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// A route query as clients of 5.5.0 send it.
fn query() -> Vec<u8> {
    let code = request::GET_ROUTEINFO_BY_TOPIC;
    let header = format!(
        r#"{{"code":{code},"extFields":{{"topic":"{HEALTH_TOPIC}"}},"flag":0,"language":"JAVA","opaque":1,"version":513}}"#
    );
    frame(&header)
}

fn frame(header: &str) -> Vec<u8> {
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    [&(length + 4).to_be_bytes()[..], &length.to_be_bytes(), header.as_bytes()].concat()
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(late()) } else { Ok(left) }
}

fn late() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the server does not answer within 2 s")
}

fn invalid(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("this is no NameServer: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// What `ask` says to a server that answers with these bytes, and closes.
    fn asked(answer: &[u8]) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answer = answer.to_vec();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut query = vec![0; query().len()];
            stream.read_exact(&mut query).unwrap();
            stream.write_all(&answer).unwrap();
        });
        let result = ask(&address).map_err(|line| line.replace(&address, "ADDRESS"));
        server.join().unwrap();
        result
    }

    #[test]
    fn the_code_of_the_answer_decides() {
        assert_eq!(asked(&frame(r#"{"code":17,"flag":1}"#)), Ok(()));
        let not_ready = Err("ADDRESS: the server is not ready".to_owned());
        assert_eq!(asked(&frame(r#"{"code":1,"flag":1}"#)), not_ready);
        assert_eq!(asked(b"\0\0\0"), Err("ADDRESS: the server closed the connection".to_owned()));
        let other = asked(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap_err();
        assert!(other.starts_with("ADDRESS: this is no NameServer"), "{other}");
    }

    #[test]
    fn nobody_there_is_one_line() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        assert!(ask(&free).unwrap_err().contains("refused"));
        assert!(ask("nothing").is_err());
    }
}
