//! Registrations: where they may come from, and which form a signed one must have.

use super::reach::ip_of_host;
use super::signed::{ACCESS_KEY, SIGNATURE};
use crate::address_list::AddressList;
use crate::wire::Request;

/// Fields that brokers send in a registration.
const FIELDS: &[&str] = &[
    "brokerName",
    "brokerAddr",
    "clusterName",
    "haServerAddr",
    "brokerId",
    "heartbeatTimeoutMillis",
    "enableActingMaster",
    "compressed",
    "bodyCrc32",
    "__ZONE_NAME",
    "__ZONE_MODE",
    ACCESS_KEY,
    SIGNATURE,
    "SecurityToken",
];

/// Whether the list has all IP addresses that a registration announces. Host names are not resolved.
pub(super) fn is_within(list: &AddressList, request: &Request<'_>) -> bool {
    ["brokerAddr", "haServerAddr"]
        .iter()
        .filter_map(|field| request.fields.value(field))
        .all(|address| ip_of_host(&address).is_none_or(|ip| list.contains(ip)))
}

/// Whether the signed text can be split into fields in only one way, as far as that matters.
///
/// A signature does not cover where one value ends and the next one begins. An attacker could put a field in front that
/// swallows the checksum and one digit: a recorded registration of 192.168.1.5 would then be a signed registration of
/// 92.168.1.5. The checksum fixes where the address behind it begins, and the flags fix where the replication address
/// begins.
pub(super) fn has_form(request: &Request<'_>) -> bool {
    let fields = &request.fields;
    let is_known = fields.by_name().iter().all(|(name, _)| FIELDS.iter().any(|field| field.as_bytes() == &**name));
    let is_flag = |name| fields.value(name).is_some_and(|value| matches!(&*value, "true" | "false"));
    let has_checksum = fields.value("bodyCrc32").is_some_and(|value| is_checksum(&value, request.body));
    let has_identifier =
        fields.value("brokerId").is_some_and(|value| is_decimal(value.strip_prefix('-').unwrap_or(&value)));
    let has_address = fields.value("brokerAddr").is_some_and(|value| is_host_and_port(&value));
    is_known && has_checksum && has_identifier && has_address && is_flag("compressed") && is_flag("enableActingMaster")
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
}

fn is_checksum(text: &str, body: &[u8]) -> bool {
    // Brokers send the checksum without its sign bit.
    is_decimal(text) && text.parse() == Ok(crc32fast::hash(body) & 0x7FFF_FFFF)
}

fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    !host.is_empty() && is_decimal(port) && port.parse::<u16>().is_ok_and(|port| port > 0)
}
