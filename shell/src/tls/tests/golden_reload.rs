//! Files that change while the server runs, in the same steps as with the Java server, with a look after each step.
//!
//! A look sees which certificate the server shows, whether it loaded something, and whether a client gets in. Where
//! this server differs from Java, [`DIFFERENT`] lists the observation and what this server does.

use super::golden::{Case, cases};
use super::handshake::{client, file, handshake, sources};
use super::observations::{Difference, Observations};
use crate::tls::files::Files;
use crate::tls::server;
use crate::tls::watch::Watch;
use rustls::ServerConfig;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::TempDir;

#[rustfmt::skip]
const DIFFERENT: &[Difference] = &[
    ("certificate renewed, same key", "loaded", "true", "renewal-works"),
    ("certificate renewed, same key", "still", "modern/server-rsa-renewed.pem", "renewal-works"),
    ("broken certificate with a new key, then the right certificate, then one line feed added to the key", "after_the_right_certificate", "modern/server-rsa2.pem", "renewal-works"),
    ("broken certificate with a new key, then the right certificate, then one line feed added to the key", "loaded", "true", "renewal-works"),
    ("certificate, then the key in two halves 1.5 s apart", "loaded", "true", "renewal-works"),
    ("certificate, then the key in two halves 1.5 s apart", "still", "modern/server-rsa2.pem", "renewal-works"),
    ("certificate and key both new, but they do not match", "handshake", "ok", "renewal-works"),
    ("certificate renewed (same key), then trust file changed", "between", "modern/server-rsa-renewed.pem", "renewal-works"),
    ("the line taken out of the properties file, certificate and key replaced", "then without client certificate", "answered", "renewal-works"),
    ("then the new files changed, then the old ones again", "loaded after the new files", "true", "renewal-works"),
    ("files missing at start, written later", "before", "does not start", "tls-or-no-start"),
    ("files missing at start, written later", "after", "does not start", "tls-or-no-start"),
];

/// Certificates that the server of a case may show.
const CERTIFICATES: [&str; 4] =
    ["modern/server-rsa.pem", "modern/server-rsa-renewed.pem", "modern/server-rsa2.pem", "modern/server-othername.pem"];
/// Properties of the cases with a trust file.
const CHECKED: &str = "tls.server.need.client.auth=require\ntls.server.authClient=true\n";
const GOOD: &str = "modern/client-good.pem";
const WRONG_CA: &str = "modern/client-wrong-ca.pem";

/// A server whose files a case changes, with the observations so far.
struct Play<'a> {
    case: &'a Case,
    folder: TempDir,
    watch: Option<Watch<ServerConfig>>,
    /// Reloads seen so far.
    seen: u64,
    observations: Observations,
}

impl<'a> Play<'a> {
    /// Starts a server with this pair of files, which the properties name, and more properties.
    fn start(case: &'a Case, certificate: &str, more: &str) -> Self {
        let mut play = Self::prepare(case);
        play.put("server.pem", certificate);
        play.put("server.key", &certificate.replace(".pem", ".key"));
        play.write_properties("server", more);
        play.watch();
        play
    }

    fn prepare(case: &'a Case) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { case, folder, watch: None, seen: 0, observations: Observations::new(DIFFERENT) }
    }

    fn watch(&mut self) {
        let properties = self.path("tls.properties").display().to_string();
        let sources = sources(&[("tls.config.file", &properties)]);
        let settings = sources.read().unwrap().0;
        let load = Box::new(|settings: &_, files| server::load(settings, files, "0.0.0.0"));
        self.watch =
            Watch::start(sources, settings, Files::of_server, load, SystemTime::now()).ok().map(|(watch, _)| watch);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, contents: &str) {
        fs::copy(file(contents), self.path(name)).unwrap();
    }

    /// Replaces the server's certificate and key.
    fn put_pair(&mut self, name: &str, certificate: &str) {
        self.put(&format!("{name}.pem"), certificate);
        self.look();
        self.put(&format!("{name}.key"), &certificate.replace(".pem", ".key"));
        self.look();
    }

    /// Replaces one file and then the other, and observes the result of each.
    fn put_in_turn(&mut self, [first, second]: [(&str, &str); 2]) {
        self.put(first.0, first.1);
        self.look();
        self.see_shown("between", "");
        self.put(second.0, second.1);
        self.look();
        self.see_loaded("after_seconds");
    }

    fn append_line_feed(&self, name: &str) {
        let contents = fs::read(self.path(name)).unwrap();
        fs::write(self.path(name), [&contents[..], b"\n"].concat()).unwrap();
    }

    /// Writes a properties file with the paths of this name, and more properties.
    fn write_properties(&self, name: &str, more: &str) {
        let folder = self.folder.path().display();
        let trust = if more.contains("authClient") {
            format!("tls.server.trustCertPath={folder}/trust.pem\n")
        } else {
            String::new()
        };
        let paths = format!("tls.server.certPath={folder}/{name}.pem\ntls.server.keyPath={folder}/{name}.key\n");
        fs::write(self.path("tls.properties"), format!("{paths}{trust}{more}")).unwrap();
    }

    /// Waits until a change that is not used would be reported.
    fn look(&mut self) {
        for _ in 0..2 {
            if let Some(watch) = &mut self.watch {
                watch.poll(SystemTime::now());
            }
        }
    }

    /// Returns what a client with this certificate sees: the server's file, `self-signed`, or `closed`.
    fn shown(&self, certificate: &str) -> String {
        let Some(watch) = &self.watch else { return "does not start".to_owned() };
        let key = certificate.replace(".pem", ".key");
        let client = client(&[("tls.client.certPath", certificate), ("tls.client.keyPath", &key)]);
        let done = handshake(watch.current().config(), client);
        if done.server.is_err() {
            return "closed".to_owned();
        }
        let shown = done.server_certificate.unwrap();
        let is_shown = |name: &&&str| pem::parse(fs::read(file(name)).unwrap()).unwrap().contents() == shown;
        CERTIFICATES.iter().find(is_shown).map_or("self-signed", |name| *name).to_owned()
    }

    /// Whether something was loaded since the last call.
    fn is_loaded(&mut self) -> bool {
        let reloads = self.watch.as_ref().map_or(0, |watch| watch.current().figures().reloads);
        std::mem::replace(&mut self.seen, reloads) != reloads
    }

    /// Compares with Java's observation of this name: a text, or whether something was loaded and after how long.
    fn see(&mut self, name: &'static str, ours: impl ToString) {
        let java = match &self.case.outcome[name] {
            Value::String(text) => text.clone(),
            Value::Bool(is_loaded) => is_loaded.to_string(),
            Value::Number(_) | Value::Array(_) => "true".to_owned(),
            missing @ (Value::Null | Value::Object(_)) => panic!("{}: {name}: {missing}", self.case.case),
        };
        self.observations.see(self.case, name, &java, &ours.to_string());
    }

    fn see_loaded(&mut self, name: &'static str) {
        let is_loaded = self.is_loaded();
        self.see(name, is_loaded);
    }

    fn see_shown(&mut self, name: &'static str, certificate: &str) {
        let shown = self.shown(certificate);
        self.see(name, shown);
    }

    /// As [`Self::see_shown`], for cases that only record whether the client got in.
    fn see_access(&mut self, name: &'static str, certificate: &str) {
        let shown = self.shown(certificate);
        self.see(name, if shown == "closed" || shown == "does not start" { shown.as_str() } else { "answered" });
    }
}

/// Plays the cases with only certificates and keys. Returns `None` for any other case.
fn play_pair(case: &Case) -> Option<Play<'_>> {
    let mut play = Play::start(case, "modern/server-rsa.pem", "");
    let renewed = "modern/server-rsa-renewed.pem";
    let (other, other_key) = ("modern/server-rsa2.pem", "modern/server-rsa2.key");
    match case.case.as_str() {
        "certificate, then key replaced at once (six times)" => {
            play.put_pair("server", other);
            play.see_loaded("new_handshakes_use_it_after_seconds");
        }
        "key, 1.5 s, then certificate" => {
            play.put_in_turn([("server.key", other_key), ("server.pem", other)]);
        }
        "certificate renewed, same key" => {
            play.put("server.pem", renewed);
            play.look();
            play.see_loaded("loaded");
            play.see_shown("still", "");
        }
        "then the key file touched (same bytes)" => {
            play.put("server.key", "modern/server-rsa.key");
            play.look();
            play.see_loaded("loaded");
        }
        "then one line feed added to the key file" => {
            play.append_line_feed("server.key");
            play.look();
            play.see_loaded("loaded");
        }
        "certificate of another key, 2.5 s, then its key" => {
            play.put_in_turn([("server.pem", other), ("server.key", other_key)]);
        }
        "renamed into place" => {
            for (name, contents) in [("server.pem", other), ("server.key", other_key)] {
                play.put("new", contents);
                fs::rename(play.path("new"), play.path(name)).unwrap();
            }
            play.look();
            play.see_loaded("after_seconds");
        }
        _ => return None,
    }
    Some(play)
}

/// Plays the cases whose certificate and key do not match for a while. Returns `None` for any other case.
fn play_misfits(case: &Case) -> Option<Play<'_>> {
    let mut play = Play::start(case, "modern/server-rsa.pem", "");
    let (other, other_key) = ("modern/server-rsa2.pem", "modern/server-rsa2.key");
    match case.case.as_str() {
        "broken certificate with a new key, then the right certificate, then one line feed added to the key" => {
            play.put("server.pem", "modern/garbage.pem");
            play.put("server.key", other_key);
            play.look();
            play.see_shown("after_the_broken_pair", "");
            play.put("server.pem", other);
            play.look();
            play.see_shown("after_the_right_certificate", "");
            play.see_loaded("loaded");
            play.append_line_feed("server.key");
            play.look();
            play.see_loaded("after_the_line_feed_seconds");
        }
        "certificate, then the key in two halves 1.5 s apart" => {
            play.put("server.pem", other);
            fs::write(play.path("server.key"), &fs::read(file(other_key)).unwrap()[..800]).unwrap();
            play.look();
            play.put("server.key", other_key);
            play.look();
            play.see_loaded("loaded");
            play.see_shown("still", "");
        }
        "certificate and key both new, but they do not match" => {
            play.put("server.pem", other);
            play.put("server.key", "modern/server-othername.key");
            play.look();
            let is_done = play.shown("") == "modern/server-rsa.pem";
            play.see("handshake", if is_done { "ok" } else { "failed" });
        }
        "both files removed, 2 s, new ones written" => {
            fs::remove_file(play.path("server.pem")).unwrap();
            fs::remove_file(play.path("server.key")).unwrap();
            play.look();
            play.see_shown("while_missing", "");
            play.put_pair("server", other);
            play.see_loaded("after_seconds");
        }
        _ => return None,
    }
    Some(play)
}

/// Plays the cases whose files are not a simple pair. Returns `None` for any other case.
fn play_places(case: &Case) -> Option<Play<'_>> {
    let mut play = Play::prepare(case);
    match case.case.as_str() {
        "symbolic link swapped (Kubernetes secret)" => {
            swap_link(&mut play);
        }
        "certificate and key in one file, replaced" => {
            let folder = play.folder.path().display();
            let text = format!("tls.server.certPath={folder}/both.pem\ntls.server.keyPath={folder}/both.pem\n");
            fs::write(play.path("tls.properties"), text).unwrap();
            write_both(&play.path("both.pem"), "modern/server-rsa");
            play.watch();
            play.see_shown("before", "");
            write_both(&play.path("both.pem"), "modern/server-rsa2");
            play.look();
            play.see_shown("after", "");
        }
        "files missing at start, written later" => {
            play.write_properties("server", "");
            play.watch();
            play.see_access("before", "");
            play.put_pair("server", "modern/server-rsa.pem");
            play.see_access("after", "");
        }
        "test mode, certPath and keyPath given and both files replaced" => {
            play.put("server.pem", "modern/server-rsa.pem");
            play.put("server.key", "modern/server-rsa.key");
            play.write_properties("server", "tls.test.mode.enable=true\n");
            play.watch();
            let before = play.watch.as_ref().unwrap().current().config();
            assert_eq!(play.shown(""), "self-signed");
            play.put_pair("server", "modern/server-rsa2.pem");
            let after = play.watch.as_ref().unwrap().current().config();
            let is_new = !std::sync::Arc::ptr_eq(&before, &after) && play.shown("") == "self-signed";
            play.see("self-signed certificate", if is_new { "new one" } else { "old one" });
            play.see_loaded("after_seconds");
        }
        _ => return None,
    }
    Some(play)
}

fn swap_link(play: &mut Play<'_>) {
    for (version, name) in [("v1", "server-rsa"), ("v2", "server-rsa2")] {
        fs::create_dir(play.path(version)).unwrap();
        play.put(&format!("{version}/server.pem"), &format!("modern/{name}.pem"));
        play.put(&format!("{version}/server.key"), &format!("modern/{name}.key"));
    }
    symlink("v1", play.path("..data")).unwrap();
    for name in ["server.pem", "server.key"] {
        symlink(format!("..data/{name}"), play.path(name)).unwrap();
    }
    play.write_properties("server", "");
    play.watch();
    play.see_shown("before", "");
    symlink("v2", play.path("..new")).unwrap();
    fs::rename(play.path("..new"), play.path("..data")).unwrap();
    play.look();
    play.see_loaded("after_seconds");
}

fn write_both(path: &Path, name: &str) {
    let [certificate, key] = ["pem", "key"].map(|extension| fs::read(file(&format!("{name}.{extension}"))).unwrap());
    fs::write(path, [certificate, key].concat()).unwrap();
}

/// Plays the cases with a trust file. Returns `None` for any other case.
fn play_trust(case: &Case) -> Option<Play<'_>> {
    let mut play = Play::prepare(case);
    let first = if case.case == "trust file replaced" { "modern/other-ca.pem" } else { "modern/ca.pem" };
    play.put("trust.pem", first);
    play.put("server.pem", "modern/server-rsa.pem");
    play.put("server.key", "modern/server-rsa.key");
    play.write_properties("server", CHECKED);
    play.watch();
    match case.case.as_str() {
        "trust file replaced" => {
            play.see_access("client-good before", GOOD);
            assert_ne!(play.shown(WRONG_CA), "closed");
            play.put("trust.pem", "modern/ca.pem");
            play.look();
            play.see("client-good accepted after_seconds", play.shown(GOOD) != "closed");
            play.see_access("client-wrong-ca then", WRONG_CA);
        }
        "trust file broken, then good again" => {
            play.put("trust.pem", "modern/garbage.pem");
            play.look();
            play.see_shown("while_broken", GOOD);
            play.put("trust.pem", "modern/both-cas.pem");
            play.look();
            play.see_loaded("after_seconds");
        }
        "certificate renewed (same key), then trust file changed" => {
            play.put("server.pem", "modern/server-rsa-renewed.pem");
            play.look();
            play.see_shown("between", GOOD);
            play.put("trust.pem", "modern/both-cas.pem");
            play.look();
            let is_used = play.shown(GOOD) == "modern/server-rsa-renewed.pem";
            play.see("renewed_certificate_in_use_after_seconds", is_used);
        }
        "trust file removed" => {
            play.put("server.pem", "modern/server-rsa-renewed.pem");
            play.look();
            fs::remove_file(play.path("trust.pem")).unwrap();
            play.look();
            play.see_shown("then", GOOD);
        }
        _ => return None,
    }
    Some(play)
}

/// Plays the cases whose properties file changes. Returns `None` for any other case.
fn play_properties(case: &Case) -> Option<Play<'_>> {
    let mut play = Play::start(case, "modern/server-rsa.pem", "");
    let asks = "tls.server.need.client.auth=require\n";
    match case.case.as_str() {
        "need.client.auth=require written to the properties file, then certificate and key replaced" => {
            play.write_properties("server", asks);
            play.look();
            play.see_shown("after_the_properties_file_alone", "");
            play.put_pair("server", "modern/server-rsa2.pem");
            play.see_access("then without client certificate", "");
            play.see_shown("then with one", GOOD);
        }
        "the line taken out of the properties file, certificate and key replaced" => {
            play.write_properties("server", asks);
            play.watch();
            play.write_properties("server", "");
            play.put_pair("server", "modern/server-rsa2.pem");
            play.see_loaded("new_certificate_in_use");
            play.see_access("then without client certificate", "");
        }
        "other paths written to the properties file, then the old files changed" => {
            play.put_pair("other", "modern/server-othername.pem");
            play.write_properties("other", "");
            play.look();
            play.see_shown("after_the_properties_file", "");
            play.put_pair("server", "modern/server-rsa2.pem");
            play.see("new_paths_in_use", play.shown("") == "modern/server-othername.pem");
        }
        "then the new files changed, then the old ones again" => {
            play.put_pair("other", "modern/server-othername.pem");
            play.write_properties("other", "");
            play.put_pair("server", "modern/server-rsa2.pem");
            assert!(play.is_loaded());
            play.put_pair("other", "modern/server-rsa.pem");
            play.see_loaded("loaded after the new files");
            play.put_pair("server", "modern/server-rsa.pem");
            play.see_loaded("loaded after the old files");
        }
        "password written to the properties file, then certificate and an encrypted key" => {
            play.write_properties("server", "tls.server.keyPassword=123456\n");
            play.put("server.pem", "modern/server-rsa-renewed.pem");
            play.put("server.key", "modern/server-rsa.pbes2-aes256.key");
            play.look();
            play.see_loaded("after_seconds");
        }
        _ => return None,
    }
    Some(play)
}

#[test]
#[expect(clippy::print_stdout, reason = "the summary is for whoever runs the test with --nocapture")]
fn files_are_taken_as_in_java_or_earlier() {
    for provider in ["jdk", "openssl"] {
        let mut observations = Observations::new(DIFFERENT);
        let cases = cases("reload", provider);
        assert_eq!(cases.len(), 24);
        for case in &cases {
            let plays = [play_pair, play_misfits, play_places, play_trust, play_properties];
            let play = plays.iter().find_map(|play| play(case)).unwrap_or_else(|| panic!("{}", case.case));
            observations.extend(play.observations);
        }
        let (same, different) = observations.conclude();
        println!("reload ({provider}): {same} observations as Java, {different} on purpose otherwise");
    }
}
