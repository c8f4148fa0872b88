//! Which snapshots are served.

use super::*;
use namesrv_core::config::properties;
use namesrv_core::initial_state::InitialState;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::route::RouteView;
use namesrv_core::time::{Instant, Now};
use std::path::PathBuf;
use tempfile::TempDir;

fn configuration(file: &str) -> Configuration {
    let entries = properties::parse(file.as_bytes()).unwrap();
    Configuration::with_keys(&[WarmStartSettings::KEYS], &entries).unwrap().0
}

/// The snapshot of a server without brokers, as if it was written at that time.
fn contents(written: &Written) -> Vec<u8> {
    let initial = InitialState { saves_snapshots: true, ..InitialState::new([0; 16], Configuration::default()) };
    let mut node = Node::new(initial, Now::default());
    node.handle(Input::Attached, Now::default());
    node.handle(Input::Stop, Now::default());
    let mut outputs = std::iter::from_fn(|| node.poll_output());
    let encode =
        |output| if let Output::SaveSnapshot { source, .. } = output { Some(source.encode(written)) } else { None };
    outputs.find_map(encode).unwrap()
}

fn saved(contents: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routes.snapshot");
    fs::write(&path, contents).unwrap();
    (folder, path)
}

/// Whether a file is served, and whether it was read.
fn served(path: &Path) -> (bool, bool) {
    let file = KeptFile::new(SNAPSHOT_KEY, path.to_owned(), false);
    let warmth = Warmth::read(Some(&file), &configuration(""), Clock::start());
    (warmth.start.is_some(), warmth.file.is_some())
}

fn written_ago(seconds: u64) -> Written {
    let now = boot::written_now(Clock::start());
    Written { since_boot: now.since_boot.saturating_sub(Duration::from_secs(seconds)), ..now }
}

#[test]
fn a_fresh_snapshot_is_served_and_an_old_one_is_not() {
    let (_folder, fresh) = saved(&contents(&written_ago(0)));
    assert_eq!(served(&fresh), (true, true));
    let (_folder, old) = saved(&contents(&Written { boot: "another".to_owned(), ..written_ago(0) }));
    assert_eq!(served(&old), (true, true), "the wall clock says that it is fresh");
    let epoch = Written { boot: "another".to_owned(), wall: WallTime::UNIX_EPOCH, ..written_ago(0) };
    let (_folder, old) = saved(&contents(&epoch));
    assert_eq!(served(&old), (false, true));
}

#[test]
fn a_file_that_cannot_be_used_does_not_stop_the_start() {
    let good = contents(&written_ago(0));
    let (folder, path) = saved(&good[..good.len() - 1]);
    assert_eq!(served(&path), (false, false));
    assert_eq!(served(folder.path()), (false, false), "a folder");
    assert_eq!(served(&folder.path().join("none")), (false, false));
    let file = KeptFile::new(SNAPSHOT_KEY, path, false);
    let small = Limits { registry_bytes_max: 8, ..Limits::default() };
    assert!(matches!(read(&file.path, &small), Err(Unusable::Large { .. })));
}

#[test]
fn brokers_of_a_snapshot_that_is_too_old_are_waited_for() {
    let fault = |settings: &str, file: Option<&KeptFile>| {
        let warmth = Warmth::read(file, &configuration(settings), Clock::start());
        warmth.expectation.fault(&view(), Instant::START)
    };
    assert_eq!(fault("", None), None, "there is nothing to expect");
    let wait = "readyWaitSeconds=10";
    assert!(fault(wait, None).unwrap().starts_with("waiting for brokers, 1"));
    let epoch = Written { boot: "another".to_owned(), wall: WallTime::UNIX_EPOCH, ..written_ago(0) };
    let (_folder, old) = saved(&contents(&epoch));
    let file = KeptFile::new(SNAPSHOT_KEY, old, false);
    assert_eq!(fault(wait, Some(&file)), None, "there were no brokers");
}

fn view() -> std::sync::Arc<RouteView> {
    let initial = InitialState::new([0; 16], Configuration::default());
    let Some(Output::Publish(view)) = Node::new(initial, Now::default()).poll_output() else { panic!("no view") };
    view
}
