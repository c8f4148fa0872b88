//! `wait`.

use crate::command::Output;
use crate::failure::Failure;
use crate::session::Session;
use std::thread;
use std::time::{Duration, Instant};

/// How long it waits by default.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The time limit of one look.
const LOOK: Duration = Duration::from_secs(3);
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Writes nothing once what it waits for is there.
pub(super) fn wait(session: &Session, _output: &mut Output<'_>) -> Result<u8, Failure> {
    if !session.options.ready && session.options.brokers.is_none() {
        return Err(Failure::Usage("wait needs --brokers N, --ready, or both".to_owned()));
    }
    // This command exists for servers that are not there yet.
    let session = Session { warn: |_| {}, ..session.clone() };
    let until = Instant::now() + session.options.timeout_or(TIMEOUT);
    let mut missing = None;
    loop {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        match look(&session.within(left.min(LOOK))) {
            Ok(None) => return Ok(0),
            Ok(Some(answer)) => missing = Some(answer),
            // A look that was cut short says nothing new about the server.
            Err(_) if left < LOOK && missing.is_some() => {}
            Err(failure) => missing = Some(failure.to_string()),
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::Late(format!("time is over: {}", missing.unwrap_or_default())));
        }
        thread::sleep(left.min(PAUSE));
    }
}

/// Returns what is still missing.
fn look(session: &Session) -> Result<Option<String>, Failure> {
    let mut server = session.connect()?;
    if session.options.ready {
        match &session.admin {
            // This page knows more than route queries tell.
            Some(admin) => admin.page("/readyz").map(drop).map_err(|error| admin.failure(error))?,
            None => server.ask(|client| client.check_health())?,
        }
    }
    let Some(wanted) = session.options.brokers else { return Ok(None) };
    let info = server.ask_cluster_info()?;
    let registered: usize = info.groups.values().map(|group| group.addresses.len()).sum();
    Ok((registered < wanted).then(|| format!("{}: {registered} of {wanted} brokers are registered", server.address)))
}
