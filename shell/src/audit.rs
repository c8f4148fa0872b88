//! The audit: who changed the server, and whom it refused.
//!
//! Each change and refusal becomes a [`Record`], which goes to the log (target `audit`), to memory, and to the audit
//! file if there is one. Records that strangers can cause at will are limited to a few a second; counters include all
//! of them.

mod file;
mod hourly;
mod limit;
mod writer;

pub(crate) use file::AuditFile;
pub(crate) use writer::AuditWriter;

use crate::event_store::EventStore;
use crate::line_limit::LineLimit;
use crate::record::{EventType, Record};
use hourly::Hourly;
use limit::RefusalLimit;
use namesrv_core::ClientAddress;
use namesrv_core::Peer;
use namesrv_core::access::AllowedBy;
use namesrv_core::event::{AdminWrite, BrokerIdentity, RefusedRequest};
use namesrv_core::time::{Instant, Now};
use std::sync::Arc;

/// The most log lines in a burst about administrators' requests, where anyone may send them.
const OPEN_LINES: u64 = 100;

/// The destinations of records.
#[derive(Clone, Debug)]
pub(crate) struct AuditSink {
    store: Arc<EventStore>,
    file: Option<AuditWriter>,
}

/// The audit of the registry's events.
#[derive(Debug)]
pub(crate) struct Audit {
    sink: AuditSink,
    refusals: RefusalLimit,
    previous_secrets: Hourly,
    /// Limits lines about administrators' requests, where anyone may send them.
    open: LineLimit,
}

impl AuditSink {
    pub(crate) fn new(file: Option<AuditWriter>) -> Self {
        Self { store: Arc::default(), file }
    }

    /// Returns the newest events and their counts.
    pub(crate) fn store(&self) -> Arc<EventStore> {
        Arc::clone(&self.store)
    }

    /// Sends a record to all destinations.
    pub(crate) fn record(&self, record: Record) {
        record.log();
        self.keep(record);
    }

    /// Sends a record to all destinations except the log.
    pub(crate) fn keep(&self, record: Record) {
        if let Some(file) = &self.file {
            file.append(record.line());
        }
        self.store.keep(record);
    }
}

impl Audit {
    pub(crate) fn new(sink: AuditSink) -> Self {
        let (refusals, previous_secrets) = (RefusalLimit::default(), Hourly::default());
        Self { sink, refusals, previous_secrets, open: LineLimit::new("requests of administrators", OPEN_LINES) }
    }

    /// Records that an administrator's request was handled. The file has every such request. So does the log, unless
    /// anyone may send any number of them.
    pub(crate) fn record_write(&self, write: &AdminWrite, now: Now) {
        self.sink.store.count_write();
        let record = Record::write(write, now.wall);
        match write.grant.allowed_by {
            AllowedBy::Off | AllowedBy::Observe | AllowedBy::Whitelist => {
                self.open.admit(now.monotonic, || record.log());
            }
            AllowedBy::UnsignedAddress | AllowedBy::Signature | AllowedBy::PreviousSecret => record.log(),
        }
        self.sink.keep(record);
    }

    /// Records that a request was refused.
    pub(crate) fn record_refusal(&mut self, refused: &RefusedRequest, now: Now) {
        self.sink.store.count_refusal(refused.code, refused.refusal.cause);
        self.record_limited(Record::refusal(EventType::Denied, refused, now.wall), now.monotonic);
    }

    /// Records that a request would have been refused if the rules were enforced.
    pub(crate) fn record_observed_refusal(&mut self, refused: &RefusedRequest, now: Now) {
        self.sink.store.count_observed(refused.code, refused.refusal.cause);
        self.record_limited(Record::refusal(EventType::WouldBeDenied, refused, now.wall), now.monotonic);
    }

    /// Records that a registration took the identifier of another address.
    pub(crate) fn record_takeover(
        &mut self,
        broker: &BrokerIdentity,
        peer: Peer,
        from: &str,
        from_peer: ClientAddress,
        now: Now,
    ) {
        let record = Record::new(EventType::Takeover, now.wall).with_broker(broker).with_peer(peer);
        self.record_limited(record.with("from", from).with("from_peer", &from_peer.to_string()), now.monotonic);
    }

    /// Records that a broker was registered from a second network address.
    pub(crate) fn record_second_claim(&mut self, broker: &BrokerIdentity, holder: ClientAddress, peer: Peer, now: Now) {
        let record = Record::new(EventType::SecondClaim, now.wall).with_broker(broker).with_peer(peer);
        self.record_limited(record.with("from_peer", &holder.to_string()), now.monotonic);
    }

    /// Records that a user signed with its previous secret.
    pub(crate) fn record_previous_secret(&mut self, user: &Arc<str>, code: i32, peer: Peer, now: Now) {
        self.sink.store.count_previous_secret(user);
        if self.previous_secrets.admit(user, now.monotonic) {
            self.sink.record(Record::previous_secret(user, code, peer, now.wall));
        }
    }

    /// Returns when to call [`Audit::handle_timeout`].
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.refusals.poll_timeout()
    }

    /// Records how many refusals were left out, unless a later record has said so.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        if let Some(count) = self.refusals.handle_timeout(now.monotonic) {
            self.sink.record(Record::left_out(count, now.wall));
        }
    }

    fn record_limited(&mut self, record: Record, now: Instant) {
        match self.refusals.admit(record.limited_by(), now) {
            Some(left_out) => self.sink.record(record.after(left_out)),
            None => self.sink.store.count_left_out(record.event()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use namesrv_core::ConnId;
    use namesrv_core::access::{Grant, Refusal, RefusalCause};
    use namesrv_core::event::Change;
    use namesrv_core::time::WallTime;
    use std::net::IpAddr;

    fn at(millis: u64) -> Now {
        Now { monotonic: Instant::from_millis(millis), wall: WallTime::from_millis(1_764_299_520_000 + millis) }
    }

    fn peer(host: u8) -> Peer {
        Peer { conn: ConnId::new(1, 7), address: ([10, 0, 0, host], 4000).into() }
    }

    fn refused(host: u8, user: Option<&str>) -> RefusedRequest {
        let refusal = Refusal {
            cause: RefusalCause::UnknownUser,
            user: user.map(str::to_owned),
            address: IpAddr::from([10, 0, 0, host]),
        };
        let subject = vec![("brokerName", "broker-a".to_owned())];
        RefusedRequest { code: 205, peer: peer(host), refusal, subject }
    }

    fn write(allowed_by: AllowedBy, user: Option<&str>) -> AdminWrite {
        let subject = vec![("namespace", "n".to_owned()), ("key", "k\n\"".to_owned())];
        let grant = Grant { user: user.map(Into::into), allowed_by, would_refuse: None };
        let change = Change::Kv { before: None, after: Some("v".to_owned()) };
        AdminWrite { code: 100, peer: peer(1), grant, subject, change, result: 0 }
    }

    /// The lines for an audit file.
    fn lines(audit: &Audit) -> Vec<String> {
        let line = |record: &Record| String::from_utf8(record.line()).unwrap().trim_end().to_owned();
        audit.sink.store().after(0, &[], usize::MAX).iter().map(|event| line(&event.record)).collect()
    }

    #[test]
    fn a_change_is_one_line_of_json() {
        let audit = Audit::new(AuditSink::new(None));
        audit.record_write(&write(AllowedBy::Signature, Some("ops")), at(123));
        let expected = concat!(
            r#"{"time":"2025-11-28T03:12:00.123Z","type":"kv_put","command":"PUT_KV_CONFIG","request_code":100,"user":"ops","#,
            r#""allowed_by":"signature","peer":"10.0.0.1:4000","connection":"1/7","namespace":"n","key":"k\n\"","#,
            r#""after":"v","result":0}"#
        );
        assert_eq!(lines(&audit), [expected]);
    }

    #[test]
    fn a_refusal_names_its_cause_and_no_more_of_a_name_than_a_line_needs() {
        let mut audit = Audit::new(AuditSink::new(None));
        audit.record_refusal(&refused(9, Some(&"x".repeat(100))), at(0));
        let expected = format!(
            r#"{{"time":"2025-11-28T03:12:00.000Z","type":"denied","command":"WIPE_WRITE_PERM_OF_BROKER","request_code":205,"class":"admin","reason":"unknown-user","user":"{}","peer":"10.0.0.9:4000","connection":"1/7","broker":"broker-a"}}"#,
            "x".repeat(64)
        );
        assert_eq!(lines(&audit), [expected]);
    }

    #[test]
    fn a_flood_is_told_a_few_times_and_counted_as_a_whole() {
        let mut audit = Audit::new(AuditSink::new(None));
        for number in 0..1000u64 {
            audit.record_refusal(&refused((number % 2) as u8, None), at(number));
            audit.record_observed_refusal(&refused(5, None), at(number));
        }
        let counts = audit.sink.store().counts();
        assert_eq!(counts.refusals, [((205, RefusalCause::UnknownUser), 1000)].into());
        assert_eq!(counts.observed, [((205, RefusalCause::UnknownUser), 1000)].into());
        assert_eq!(lines(&audit).len(), 3);
        assert_eq!(audit.poll_timeout().map(Instant::as_millis), Some(2001));
        audit.handle_timeout(at(2001));
        assert!(lines(&audit)[3].ends_with(r#""type":"left_out","left_out":1997}"#), "{:?}", lines(&audit));
    }

    #[test]
    fn a_wrong_clock_is_no_reason_to_end() {
        let audit = Audit::new(AuditSink::new(None));
        let now = Now { wall: WallTime::from_millis(u64::MAX), ..at(0) };
        audit.record_write(&write(AllowedBy::Off, None), now);
        assert!(lines(&audit)[0].starts_with(r#"{"time":"9999-12-31T23:59:59.999Z""#), "{:?}", lines(&audit));
    }
}
