//! The configuration keys of the second port.

use super::error::AdminError;
use namesrv_core::config::Configuration;
use namesrv_core::key::Kind::Integer;
use namesrv_core::key::{LIMIT, Word, boolean, integer, text, word};
use std::collections::BTreeSet;

namesrv_core::keys! {
    /// What the second port serves, and where.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct AdminSettings {
        /// `HOST:PORT` that serves health, metrics and all other pages over HTTP; closed if empty.
        admin_listen: String = text("adminListen", "");
        /// Additional names, separated by commas, for which `adminListen` answers on a loopback address.
        admin_hosts: String = text("adminHosts", "");
        /// With `PROM`, the address of the next two keys serves metrics and health; with `DISABLE` it does not.
        metrics_exporter: MetricsExporter = word("metricsExporterType", "DISABLE");
        /// The host name, IPv4 or IPv6 address to serve metrics on; if empty, all addresses.
        metrics_host: String = text("metricsPromExporterHost", "");
        /// The port to serve metrics on.
        metrics_port: u16 = integer("metricsPromExporterPort", Integer(0, 65_535), "5557");
        /// Labels of all metrics, as `name:value,name:value`.
        metrics_label: String = text("metricsLabel", "");
        /// The most brokers with their own metrics; if there are more, no broker has any.
        metrics_brokers_max: usize = integer("metricsBrokersMax", LIMIT, "1000");
        /// `HOST:PORT` that serves only `/rocketmq/nsaddr`; closed if empty.
        nsaddr_listen: String = text("nsaddrListen", "");
        /// NameServers that `/rocketmq/nsaddr` lists, as `HOST:PORT;HOST:PORT`; the server resolves names.
        nsaddr_members: String = text("nsaddrMembers", "");
        /// Separate lists for clients with a unit name, as `UNIT=HOST:PORT;HOST:PORT,UNIT=...`.
        nsaddr_units: String = text("nsaddrUnits", "");
        /// Whether these lists omit NameServers that do not answer; the server probes them every 5 s.
        nsaddr_probe: bool = boolean("nsaddrProbe", "false");
    }
}

/// Which clients get the metrics, with the names and numbers of Java's brokers and proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricsExporter {
    /// Clients that may connect to `adminListen`.
    Disabled,
    /// Prometheus, at a separate address.
    Prometheus,
}

impl Word for MetricsExporter {
    const NAMES: &'static [&'static str] = &["DISABLE", "PROM", "0", "2"];

    fn from_name(name: &str) -> Self {
        if matches!(name, "PROM" | "2") { Self::Prometheus } else { Self::Disabled }
    }
}

impl AdminSettings {
    /// Reads the configuration.
    pub(crate) fn of(configuration: &Configuration) -> Self {
        Self::read(|key| configuration.effective(key))
    }

    /// Returns the labels of all metrics, which [`check_labels`](Self::check_labels) has checked.
    pub(super) fn common_labels(&self) -> Vec<(String, String)> {
        self.labels().flatten().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Checks the labels of all metrics.
    ///
    /// # Errors
    /// The first label that is not `name:value`, or whose name is taken or there twice.
    pub(super) fn check_labels(&self) -> Result<(), AdminError> {
        let key = Self::metrics_label.key.name;
        let mut names = BTreeSet::new();
        self.labels().try_for_each(|label| match label {
            Err(value) => Err(AdminError::Label { key, value: value.to_owned() }),
            Ok((name, _)) if OWN_LABELS.contains(&name) => Err(AdminError::LabelTaken { key, name: name.to_owned() }),
            Ok((name, _)) if !names.insert(name) => Err(AdminError::LabelTwice { key, name: name.to_owned() }),
            Ok(_) => Ok(()),
        })
    }

    /// Returns each label, or as an error the text that is not one.
    fn labels(&self) -> impl Iterator<Item = Result<(&str, &str), &str>> {
        let parts = self.metrics_label.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| {
            let label = part.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
            label.filter(|(name, _)| is_label_name(name)).ok_or(part)
        })
    }
}

/// Names of labels that some series already have.
const OWN_LABELS: [&str; 25] = [
    "broker",
    "broker_id",
    "cluster",
    "code",
    "file",
    "is_long_polling",
    "kind",
    "le",
    "limit",
    "node_id",
    "node_type",
    "path",
    "protocol_type",
    "reason",
    "request_code",
    "response_code",
    "result",
    "revision",
    "role",
    "runtime",
    "state",
    "thread",
    "type",
    "user",
    "version",
];

/// Whether Prometheus accepts it as the name of a label. It keeps those with two underscores for itself.
fn is_label_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins_well = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    begins_well && name.bytes().all(is_inner) && !name.starts_with("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_all_metrics_are_read_or_refused() {
        let of = |text: &str| AdminSettings { metrics_label: text.to_owned(), ..AdminSettings::default() };
        let good = of(" dc:east, rack : 7 ,,url:a:b");
        assert!(good.check_labels().is_ok());
        let labels = [("dc", "east"), ("rack", "7"), ("url", "a:b")];
        assert_eq!(good.common_labels(), labels.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for bad in ["dc", ":x", "1a:x", "a-b:x", "__a:x", "cluster:x", "user:x", "dc:east,b\u{e9}:x", "dc:a, dc :b"] {
            assert!(of(bad).check_labels().is_err(), "{bad}");
        }
    }
}
