//! `--health`: asks a NameServer, this implementation or Java's, whether it serves.

use crate::environment::Environment;
use crate::keys::ProcessSettings;
use crate::start_error::StartError;
use crate::startup::Startup;
use namesrv_ctl::{Way, check_health};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

/// The time limit for the whole check.
const WITHIN: Duration = Duration::from_secs(2);

/// Returns the address to ask: the one on the command line, or else this host with the port of the configuration file.
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

/// Asks whether a server answers route queries.
///
/// # Errors
/// Why it does not, in one line.
pub(crate) fn ask(address: &str) -> Result<(), String> {
    check_health(address, &Way::new(WITHIN)).map_err(|error| {
        if error.is_late() {
            format!("{address}: the server does not answer within {} s", WITHIN.as_secs())
        } else {
            format!("{address}: {error}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    /// What `ask` returns for a server that answers with these bytes and then closes.
    fn asked(answer: &[u8]) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answer = answer.to_vec();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut prefix = [0; 4];
            stream.read_exact(&mut prefix).unwrap();
            let mut query = vec![0; u32::from_be_bytes(prefix) as usize];
            stream.read_exact(&mut query).unwrap();
            stream.write_all(&answer).unwrap();
        });
        let result = ask(&address).map_err(|line| line.replace(&address, "ADDRESS"));
        server.join().unwrap();
        result
    }

    fn frame(header: &str) -> Vec<u8> {
        let length = u32::try_from(header.len()).unwrap();
        [&(length + 4).to_be_bytes()[..], &length.to_be_bytes(), header.as_bytes()].concat()
    }

    #[test]
    fn the_code_of_the_answer_decides() {
        assert_eq!(asked(&frame(r#"{"code":17,"flag":1,"opaque":1}"#)), Ok(()));
        let not_ready = Err("ADDRESS: the server is not ready".to_owned());
        assert_eq!(asked(&frame(r#"{"code":1,"flag":1,"opaque":1,"remark":"name server not ready"}"#)), not_ready);
        assert_eq!(asked(b"\0\0\0"), Err("ADDRESS: the server closed the connection without an answer".to_owned()));
        let other = asked(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap_err();
        assert!(other.starts_with("ADDRESS: this is not a NameServer"), "{other}");
    }

    #[test]
    fn nobody_there_is_one_line() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        assert!(ask(&free).unwrap_err().contains("refused"));
        assert!(ask("nothing").is_err());
    }
}
