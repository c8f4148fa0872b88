//! Signs of life: BROKER_HEARTBEAT and QUERY_DATA_VERSION, which is one as well
//! (Java: `DefaultRequestProcessor.brokerHeartbeat`, `DefaultRequestProcessor.queryBrokerTopicConfig`).

use super::group::MemberKey;
use super::{Answer, Registry};
use crate::time::Now;
use crate::wire::Request;
use crate::wire::body::decode_data_version;
use crate::wire::code::response;
use crate::wire::json;
use crate::wire::register::DataVersion;
use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

impl Registry {
    pub(super) fn broker_heartbeat(&mut self, request: &Request<'_>, now: Now) -> Answer {
        match self.heard_from(request) {
            Ok(keys) => {
                self.refresh(&keys, now);
                Answer::success()
            }
            Err(answer) => answer,
        }
    }

    pub(super) fn query_data_version(&mut self, request: &Request<'_>, now: Now) -> Answer {
        let keys = match self.heard_from(request) {
            Ok(keys) => keys,
            Err(answer) => return answer,
        };
        let asked = match decode_data_version(request.body, now.wall) {
            Ok(version) => version,
            Err(error) => {
                return Answer::failure(response::SYSTEM_ERROR, format!("failed to decode the data version: {error}"));
            }
        };
        self.refresh(&keys, now);
        let member = keys.last().and_then(|key| self.tables.groups.member(*key));
        let known = member.and_then(|member| member.data_version);
        // A broker that sends its table only when it is asked for is asked for the one that it owes.
        let is_owed = member.is_some_and(|member| member.table_owed);
        let changed = known.is_none() || known != asked || is_owed;
        let answer = Answer::success().with_fields(vec![("changed", changed.to_string())]);
        answer.with_optional_body(known.map(write_data_version))
    }

    /// The registrations that a request names by cluster and address. Where several broker names share an address, the one
    /// that the request names is meant, else all of them, the latest last.
    fn heard_from(&self, request: &Request<'_>) -> Result<Vec<MemberKey>, Answer> {
        let fields = &request.fields;
        let (Some(cluster), Some(address)) = (fields.value("clusterName"), fields.value("brokerAddr")) else {
            return Err(Answer::failure(response::SYSTEM_ERROR, "clusterName or brokerAddr is missing"));
        };
        let keys = self.tables.liveness.at_address(&cluster, &address);
        let named = fields.value("brokerName").and_then(|name| self.tables.groups.id(&name));
        let of_name: Vec<_> = keys.iter().filter(|key| Some(key.group) == named).copied().collect();
        Ok(if of_name.is_empty() { keys.to_vec() } else { of_name })
    }

    fn refresh(&mut self, keys: &[MemberKey], now: Now) {
        for key in keys {
            self.tables.refresh(*key, None, now);
        }
    }
}

/// The body of QUERY_DATA_VERSION (Java: `DataVersion`).
fn write_data_version(version: DataVersion) -> Vec<u8> {
    let mut output = Vec::new();
    output.push(b'{');
    if let Some(counter) = version.counter {
        output.extend_from_slice(br#""counter":"#);
        json::integer(&mut output, counter);
        output.push(b',');
    }
    output.extend_from_slice(br#""stateVersion":"#);
    json::integer(&mut output, version.state_version);
    output.extend_from_slice(br#","timestamp":"#);
    json::integer(&mut output, version.timestamp);
    output.push(b'}');
    output
}
