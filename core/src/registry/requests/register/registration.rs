//! A registration whose header has all mandatory fields.

use crate::event::BrokerIdentity;
use crate::wire::Release;
use crate::wire::register::RegisterHeader;
use alloc::borrow::Cow;
use alloc::string::{String, ToString};

/// Milliseconds of silence that a broker is granted if it asks for none.
const DEFAULT_TIMEOUT_MILLIS: i64 = 120_000;

/// The header of a registration, with all mandatory fields.
#[derive(Debug)]
pub(super) struct Registration<'a> {
    pub(super) name: &'a str,
    pub(super) cluster: &'a str,
    pub(super) address: &'a str,
    pub(super) id: i64,
    /// Milliseconds of silence that the broker asks for.
    pub(super) timeout: i64,
    pub(super) release: Release,
    pub(super) header: &'a RegisterHeader<'a>,
}

impl<'a> Registration<'a> {
    /// The registration with this header.
    ///
    /// # Errors
    /// The first field that is missing or malformed.
    pub(super) fn new(header: &'a RegisterHeader<'a>, release: Release) -> Result<Self, &'static str> {
        Ok(Self {
            id: header.broker_id.ok_or("brokerId")?,
            name: header.broker_name.as_deref().ok_or("brokerName")?,
            cluster: header.cluster_name.as_deref().ok_or("clusterName")?,
            address: header.broker_addr.as_deref().ok_or("brokerAddr")?,
            timeout: header.heartbeat_timeout_millis.unwrap_or(DEFAULT_TIMEOUT_MILLIS),
            release,
            header,
        })
    }

    pub(super) fn allows_acting_master(&self) -> bool {
        self.header.enable_acting_master == Some(true)
    }

    /// Brokers before 5.0 do not say whether they allow an acting master.
    pub(super) const fn is_before_5_0(&self) -> bool {
        self.header.enable_acting_master.is_none()
    }
}

/// Returns the broker's name for events, as far as the header tells it.
pub(super) fn identity(header: &RegisterHeader<'_>) -> BrokerIdentity {
    let text = |field: &Option<Cow<'_, str>>| -> String { field.as_deref().unwrap_or_default().to_string() };
    BrokerIdentity {
        cluster: text(&header.cluster_name),
        name: text(&header.broker_name),
        id: header.broker_id.unwrap_or_default(),
        address: text(&header.broker_addr),
    }
}
