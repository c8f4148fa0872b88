//! Certificates that are renewed while the server runs.

use crate::admin_port::{ADMIN, address, events, get, json};
use crate::exposition::Metrics;
use crate::peer::{Peer, route};
use crate::process::{Folder, Process};
use crate::set_on_drop::SetOnDrop;
use crate::suite::Target;
use crate::tls::{Version, client};
use rustix::process::Signal;
use rustls::Stream;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A key or certificate for tests.
pub(super) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tls/modern").join(name)
}

/// A server with these files, which are named by the properties file.
fn start(target: &Target, certificate: &str, key: &str) -> Process {
    let folder = Folder::new(&[("tls.server.mode", "enforcing"), ADMIN]);
    let [certificate_path, key_path, properties] =
        ["cert.pem", "key.pem", "tls.properties"].map(|name| folder.path(name));
    fs::copy(file(certificate), &certificate_path).expect("a copy");
    fs::copy(file(key), &key_path).expect("a copy");
    let text =
        format!("tls.server.certPath={}\ntls.server.keyPath={}\n", certificate_path.display(), key_path.display());
    fs::write(&properties, text).expect("a file");
    folder.with_property("tls.config.file", &properties.display().to_string()).start(target.binary())
}

/// The certificate that a new connection is shown.
fn shown(server: &Process) -> Vec<u8> {
    let mut connection = client(Version::Tls13);
    let mut stream = server.connect();
    // The first byte of a request makes the handshake complete.
    Stream::new(&mut connection, &mut stream).write_all(&[0]).expect("a handshake");
    connection.peer_certificates().and_then(|chain| chain.first()).expect("a certificate").to_vec()
}

/// New handshakes use what replaced the files, and connections that are there already go on. Metrics show both.
pub(super) fn renewed_files_are_used(target: &Target) {
    let server = start(target, "server-rsa.pem", "server-rsa.key");
    let second_port = address(&server);
    let metric = |name: &str| {
        let metrics = Metrics::read(&get(second_port, "/metrics").body);
        metrics.value(&format!("rocketmq_namesrv_tls_{name}"))
    };
    assert!(metric("certificate_expiry_timestamp_seconds") > 1e9);
    let before = shown(&server);
    let server = server.over(Some(Version::Tls12));
    let mut kept = Peer::connect(&server);
    assert_eq!(kept.ask(&route("T")).code, 17);
    let server = server.over(None);

    let [cert, key] = ["cert.pem", "key.pem"].map(|name| server.folder().path(name));
    replace(&cert, "server-ecdsa.pem");
    server.eventually(|| server.log().contains("TLS files cannot be used"));
    server.eventually(|| !reloads(&server).is_empty());
    let [event, reason, path, error] = &reloads(&server)[0];
    assert_eq!([event.as_str(), reason, path], ["reload_failed", "changed", &key.display().to_string()]);
    assert!(error.starts_with("tls.server.keyPath: ") && error.contains("the key does not belong to"), "{error}");
    assert_eq!(shown(&server), before, "a certificate without its key is not used");
    assert!(metric("reloads_total{result=\"failed\"}") >= 1.0);
    assert_eq!(metric("reloads_total{result=\"ok\"}"), 0.0);
    replace(&key, "server-ecdsa.key");
    server.eventually(|| shown(&server) != before);
    assert_eq!(kept.ask(&route("T")).code, 17);
    server.eventually(|| metric("reloads_total{result=\"ok\"}") >= 1.0);
    let renewed = ["reload", "changed", &cert.display().to_string(), ""].map(str::to_owned);
    server.eventually(|| reloads(&server).last() == Some(&renewed));
    assert!(metric("certificate_expiry_timestamp_seconds") > 1e9);
}

/// A properties file with a new setting counts at SIGHUP, and one with an error changes nothing.
pub(super) fn a_signal_reads_the_properties_again(target: &Target) {
    let server = start(target, "server-rsa.pem", "server-rsa.key");
    let before = shown(&server);
    let properties = server.folder().path("tls.properties");
    let [certificate, key] = ["server-ecdsa.pem", "server-ecdsa.key"].map(|name| file(name).display().to_string());
    fs::write(&properties, format!("tls.server.certPath={certificate}\ntls.server.keypath={key}\n")).expect("a file");
    server.signal(Signal::HUP);
    server.eventually(|| server.log().contains("tls.server.keypath: no such key: write tls.server.keyPath"));
    assert_eq!(shown(&server), before);
    fs::write(&properties, format!("tls.server.certPath={certificate}\ntls.server.keyPath={key}\n")).expect("a file");
    server.signal(Signal::HUP);
    server.eventually(|| shown(&server) != before);
    let asked = ["reload", "asked", &certificate, ""].map(str::to_owned);
    server.eventually(|| reloads(&server).last() == Some(&asked));
}

/// A certificate that is renewed a thousand times, as Kubernetes swaps a secret, leaves the memory as it is, while
/// clients ask over TLS all the while and new ones come. SIGHUP asks for each reload, so that none waits for the watch.
pub(super) fn a_thousand_reloads_leave_memory_flat(target: &Target) {
    /// What events and the allocator may take. If the configuration of each reload were kept, it would be 11 MiB.
    const KIB_MAX: u64 = 4 * 1024;
    let folder = Folder::new(&[("tls.server.mode", "enforcing"), ADMIN]);
    for (version, name) in ["server-rsa", "server-ecdsa"].into_iter().enumerate() {
        fs::create_dir(folder.path(&format!("v{version}"))).expect("a folder");
        for extension in ["pem", "key"] {
            let path = folder.path(&format!("v{version}/server.{extension}"));
            fs::copy(file(&format!("{name}.{extension}")), path).expect("a copy");
        }
    }
    symlink("v0", folder.path("..data")).expect("a link");
    let path = |extension: &str| folder.path(&format!("..data/server.{extension}")).display().to_string();
    let (certificate, key) = (path("pem"), path("key"));
    let folder = folder.with_property("tls.server.certPath", &certificate).with_property("tls.server.keyPath", &key);
    let server = folder.start(target.binary()).over(Some(Version::Tls13));
    let is_over = AtomicBool::new(false);
    let reload = |round: usize| {
        let (data, new) = (server.folder().path("..data"), server.folder().path("..new"));
        symlink(format!("v{}", round % 2), &new).expect("a link");
        fs::rename(new, data).expect("a link in its place");
        server.signal(Signal::HUP);
        server.eventually(|| reloads_counted(&server) >= round);
    };
    thread::scope(|scope| {
        let _end = SetOnDrop(&is_over);
        for _ in 0..2 {
            let mut peer = Peer::connect(&server);
            let (server, is_over) = (&server, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(peer.ask(&route("T")).code, 17);
                    assert_eq!(Peer::connect(server).ask(&route("T")).code, 17, "a new handshake");
                }
            });
        }
        (1..=200).for_each(reload);
        let before = server.resident_kib();
        (201..=1000).for_each(reload);
        let grown = server.resident_kib().saturating_sub(before);
        target.figure("800 reloads of TLS", &format!("{grown} KiB"));
        assert!(grown <= KIB_MAX, "{grown} KiB for 800 reloads");
    });
}

/// How often the server took its files of TLS.
fn reloads_counted(server: &Process) -> usize {
    server.log().matches("TLS files were read again").count()
}

/// Puts a whole file in the place of another.
fn replace(path: &Path, name: &str) {
    let new = path.with_extension("new");
    fs::copy(file(name), &new).expect("a copy");
    fs::rename(new, path).expect("a file in its place");
}

/// The events about the server's files: type, reason, file and error.
fn reloads(server: &Process) -> Vec<[String; 4]> {
    let page = json(address(server), "/api/v1/events?type=reload,reload_failed&after=0");
    let events = events(&page).iter().filter(|event| event["side"] == "server");
    let text = |event: &Value, name| event[name].as_str().unwrap_or_default().to_owned();
    events.map(|event| ["type", "reason", "file", "error"].map(|name| text(event, name))).collect()
}
