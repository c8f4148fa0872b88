//! Saves that fail or crash at each step, in both ways of saving.
//!
//! In every case the file has no refused change and every acknowledged one; after a crash it has the contents from
//! before or after the save. The next start leaves nothing beside the file, and the next save works.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use namesrv_core::config::Configuration;
use namesrv_core::initial_state::InitialState;
use namesrv_core::node::{Input, Node, Output};
use namesrv_core::save::SaveFile;
use namesrv_core::snapshot::Written;
use namesrv_core::time::{Instant, Now, WallTime};
use namesrv_shell::files::{FileError, KeptFile, prepare, read, save};
use namesrv_shell::saved_files::SavedFiles;
use namesrv_tests::disk::{ERRORS, FileSystem, Loss, ModelDisk, Trouble};
use rustix::io::Errno;
use std::path::Path;

const PATH: &str = "/folder/kvConfig.json";
const BACKUP: &str = "/folder/kvConfig.json.bak";
/// Another name of the file.
const SECOND: &str = "/folder/second";

/// A disk with one file, and what is saved to it.
#[derive(Clone, Debug)]
struct Case {
    title: &'static str,
    disk: ModelDisk,
    old: &'static [u8],
    new: &'static [u8],
}

/// Contents that get shorter, longer, begin with nothing, and end with little. Longer ones overlap what is kept behind
/// them. Snapshots have NULs, texts have none.
fn contents() -> [(&'static [u8], &'static [u8]); 7] {
    let (short, long) = (snapshot("boot"), snapshot("a much longer name of a boot"));
    [
        (b"the old contents", b"the new"),
        (b"old", b"the new contents, which are longer"),
        (b"", b"new"),
        (b"old", b"n"),
        (short, long),
        (long, short),
        (b"", short),
    ]
}

/// A snapshot of a server that knows no broker.
fn snapshot(boot: &str) -> &'static [u8] {
    let now = Now { monotonic: Instant::from_millis(0), wall: WallTime::from_millis(0) };
    let initial = InitialState { saves_snapshots: true, ..InitialState::new([0; 16], Configuration::default()) };
    let mut node = Node::new(initial, now);
    node.handle(Input::Attached, now);
    node.handle(Input::Stop, now);
    let source = std::iter::from_fn(|| node.poll_output()).find_map(|output| {
        let Output::SaveSnapshot { source, .. } = output else { return None };
        Some(source)
    });
    source.unwrap().encode(&Written { boot: boot.to_owned(), ..Written::default() }).leak()
}

fn cases() -> Vec<Case> {
    let plain = FileSystem::PLAIN;
    let mount = FileSystem { is_mount_point: true, ..plain };
    let file_systems: [(&str, FileSystem, &[&str]); 7] = [
        ("by rename", plain, &[PATH]),
        ("by rename without links", FileSystem { links: false, ..plain }, &[PATH]),
        ("in place: two names", plain, &[PATH, SECOND]),
        ("in place: mount point", mount, &[PATH]),
        ("in place: mount point on an old kernel", FileSystem { tells_mount_points: false, ..mount }, &[PATH]),
        ("in place: read-only folder", FileSystem { folder_is_writable: false, ..plain }, &[PATH]),
        ("in place: another owner", FileSystem { keeps_owners: false, ..plain }, &[PATH]),
    ];
    let with_contents = |(title, file_system, names): (&'static str, FileSystem, &[&str])| {
        contents().map(|(old, new)| Case { title, disk: ModelDisk::new(file_system, names, old), old, new })
    };
    file_systems.into_iter().flat_map(with_contents).collect()
}

fn file() -> KeptFile {
    KeptFile::new("kvConfigPath", PATH.into(), true)
}

fn found(disk: &ModelDisk) -> Vec<u8> {
    read(disk, Path::new(PATH)).unwrap().unwrap_or_default()
}

/// A machine crash during the first write to an empty file may leave nothing but NULs, as with other programs. The
/// start refuses such a file, because nobody knows what it held.
fn is_nothing_but_nuls(found: &[u8]) -> bool {
    !found.is_empty() && found.iter().all(|byte| *byte == 0)
}

/// A crash before each step and after the last one, with each kind of loss.
fn crashes(steps: usize) -> impl Iterator<Item = (usize, Loss)> {
    (0..=steps).flat_map(|step| Loss::all().map(move |loss| (step, loss)))
}

impl Case {
    /// Number of steps of an undisturbed save.
    fn steps(&self) -> usize {
        let disk = self.disk.clone();
        save(&disk, &file(), self.new).unwrap();
        assert_eq!(found(&disk), self.new, "{}", self.title);
        disk.steps() - self.disk.steps()
    }

    /// Starts on what is left: no files lie around, the contents stay the same, and saves work.
    fn assert_goes_on(&self, disk: &ModelDisk, what: &str) {
        let before = found(disk);
        prepare(disk, &mut file()).unwrap();
        assert_eq!(found(disk), before, "{what}: {}", self.title);
        assert_eq!(disk.contents(PATH).unwrap_or_default(), before, "{what}: {}: nothing is behind it", self.title);
        let names = disk.names();
        let others = names.iter().filter(|name| ![PATH, BACKUP, SECOND].contains(&name.as_str())).collect::<Vec<_>>();
        assert!(others.is_empty(), "{what}: {}: {others:?}", self.title);
        assert_eq!(names.contains(&SECOND.to_owned()), self.disk.names().contains(&SECOND.to_owned()));
        save(disk, &file(), b"next").unwrap();
        disk.lose(Loss::Everything);
        assert_eq!(found(disk), b"next", "{what}: {}", self.title);
    }
}

#[test]
fn what_fails_once_is_refused_and_undone_and_no_loss_of_power_brings_it_back() {
    for case in cases() {
        // The error decides what is tried next, but not what may be lost.
        for (step, error) in (0..case.steps()).flat_map(|step| ERRORS.map(|error| (step, error))) {
            for loss in
                Loss::all().skip(if error == Errno::IO { 0 } else { 3 }).take(if error == Errno::IO { 99 } else { 2 })
            {
                let disk = case.disk.clone();
                disk.add_trouble(step, Trouble::Error(error));
                let result = save(&disk, &file(), case.new);
                disk.lose(loss);
                let what = format!("{error} at step {step}, {loss:?}: {result:?}");
                let expected = if result.is_ok() { case.new } else { case.old };
                assert_eq!(found(&disk), expected, "{what}: {}", case.title);
                case.assert_goes_on(&disk, &what);
            }
        }
    }
}

#[test]
fn what_fails_for_ever_is_refused_and_undone_or_said_to_be_undecided() {
    for case in cases() {
        let mut undecided = 0;
        for (step, error) in (0..case.steps()).flat_map(|step| ERRORS.map(|error| (step, error))) {
            let disk = case.disk.clone();
            disk.add_trouble(step, Trouble::ErrorForEver(error));
            let result = save(&disk, &file(), case.new);
            disk.lose(Loss::Nothing);
            let found = found(&disk);
            let what = format!("{error} from step {step}: {result:?}");
            match result {
                Ok(_) => assert_eq!(found, case.new, "{what}: {}", case.title),
                Err(FileError::Undecided(_)) => {
                    undecided += 1;
                    assert!([case.old, case.new].contains(&&*found), "{what}: {}: {found:?}", case.title);
                }
                Err(_) => assert_eq!(found, case.old, "{what}: {}", case.title),
            }
            case.assert_goes_on(&disk, &what);
        }
        assert_eq!(undecided, ERRORS.len(), "{}: one step decides, and nothing can follow it", case.title);
    }
}

/// Without a start between them, which would clear up.
#[test]
fn what_is_acknowledged_after_failed_saves_lasts() {
    let contents = self::contents()[0];
    for case in cases().into_iter().filter(|case| (case.old, case.new) == contents) {
        let steps = case.steps();
        for (first, second) in (0..=steps).flat_map(|first| (0..=steps).map(move |second| (first, second))) {
            let disk = case.disk.clone();
            let mut possible = vec![case.old];
            for (step, new) in [(first, &b"first"[..]), (second, b"second")] {
                disk.add_trouble(step, Trouble::ErrorForEver(Errno::NOSPC));
                match save(&disk, &file(), new) {
                    Ok(_) => possible = vec![new],
                    Err(FileError::Undecided(_)) => possible.push(new),
                    Err(_) => {}
                }
                disk.end_trouble();
            }
            let what = format!("full from steps {first} and {second}");
            let lost = disk.clone();
            lost.lose(Loss::Everything);
            assert!(possible.contains(&&*found(&lost)), "{what}: {}: {possible:?}", case.title);
            let way = save(&disk, &file(), b"third").unwrap();
            assert_eq!(way, save(&case.disk.clone(), &file(), b"third").unwrap(), "{what}: {}", case.title);
            disk.lose(Loss::Everything);
            assert_eq!(found(&disk), b"third", "{what}: {}", case.title);
            case.assert_goes_on(&disk, &what);
        }
    }
}

#[test]
fn a_crash_leaves_the_old_contents_or_the_new_ones_and_never_loses_what_was_acknowledged() {
    for case in cases() {
        for (step, loss) in crashes(case.steps()) {
            let disk = case.disk.clone();
            disk.add_trouble(step, Trouble::Crash);
            let acknowledged = save(&disk, &file(), case.new).is_ok();
            disk.lose(loss);
            let what = format!("a crash at step {step}, {loss:?}");
            let found = found(&disk);
            if case.old.is_empty() && is_nothing_but_nuls(&found) {
                assert!(!acknowledged);
                continue;
            }
            assert!([case.old, case.new].contains(&&*found), "{what}: {}: {found:?}", case.title);
            assert!(!acknowledged || found == case.new, "{what}: {}: lost", case.title);
            case.assert_goes_on(&disk, &what);
        }
    }
}

#[test]
fn a_crash_while_a_failed_save_is_undone_leaves_the_old_contents_or_the_new_ones() {
    let titles = ["by rename", "in place: two names"];
    for case in cases().into_iter().filter(|case| titles.contains(&case.title)) {
        let mut losses = Loss::all().cycle();
        for fails in 0..case.steps() {
            for crashes in fails + 1.. {
                let disk = case.disk.clone();
                disk.add_trouble(fails, Trouble::Error(Errno::IO));
                disk.add_trouble(crashes, Trouble::Crash);
                let before = disk.steps();
                let _ = save(&disk, &file(), case.new);
                let is_over = disk.steps() - before <= crashes;
                let loss = losses.next().unwrap();
                disk.lose(loss);
                let what = format!("an error at step {fails}, a crash at {crashes}, {loss:?}");
                let found = found(&disk);
                if !(case.old.is_empty() && is_nothing_but_nuls(&found)) {
                    assert!([case.old, case.new].contains(&&*found), "{what}: {}: {found:?}", case.title);
                    case.assert_goes_on(&disk, &what);
                }
                if is_over {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_crash_of_the_start_that_mends_a_file_changes_nothing() {
    let titles = ["by rename", "in place: two names"];
    for case in cases().into_iter().filter(|case| titles.contains(&case.title)) {
        for step in 0..=case.steps() {
            let crashed = case.disk.clone();
            crashed.add_trouble(step, Trouble::Crash);
            let _ = save(&crashed, &file(), case.new);
            crashed.lose(Loss::Nothing);
            let before = found(&crashed);
            let whole = crashed.clone();
            prepare(&whole, &mut file()).unwrap();
            let steps = whole.steps() - crashed.steps();
            for (again, loss) in crashes(steps) {
                let disk = crashed.clone();
                disk.add_trouble(again, Trouble::Crash);
                let _ = prepare(&disk, &mut file());
                disk.lose(loss);
                let what = format!("crashes at step {step} and {again}, {loss:?}");
                if before.is_empty() && is_nothing_but_nuls(&found(&disk)) {
                    continue;
                }
                assert_eq!(found(&disk), before, "{what}: {}", case.title);
                case.assert_goes_on(&disk, &what);
            }
        }
    }
}

#[test]
fn what_a_killed_server_left_lasts_from_the_next_start_on() {
    for case in cases() {
        for (step, loss) in crashes(case.steps()) {
            let disk = case.disk.clone();
            disk.add_trouble(step, Trouble::Crash);
            let _ = save(&disk, &file(), case.new);
            disk.end_trouble();
            prepare(&disk, &mut file()).unwrap();
            let shown = found(&disk);
            disk.lose(loss);
            let what = format!("killed at step {step}, then {loss:?}");
            assert_eq!(found(&disk), shown, "{what}: {}", case.title);
            case.assert_goes_on(&disk, &what);
        }
    }
}

#[test]
fn the_first_save_is_whole_or_not_there() {
    let empty = ModelDisk::new(FileSystem::PLAIN, &[], b"");
    let case = Case { title: "the first save", disk: empty, old: b"", new: b"new" };
    for (step, loss) in crashes(case.steps()) {
        for trouble in ERRORS.map(Trouble::Error).into_iter().chain([Trouble::Crash]) {
            let disk = case.disk.clone();
            disk.add_trouble(step, trouble);
            let result = save(&disk, &file(), case.new);
            disk.lose(loss);
            let what = format!("{trouble:?} at step {step}, {loss:?}: {result:?}");
            let found = disk.contents(PATH);
            match (&result, trouble) {
                (Ok(_), _) => assert_eq!(found.as_deref(), Some(case.new), "{what}"),
                (Err(_), Trouble::Crash) => assert!(found.is_none_or(|found| found == case.new), "{what}"),
                (Err(_), Trouble::Error(_) | Trouble::ErrorForEver(_) | Trouble::Full) => {
                    assert_eq!(found, None, "{what}")
                }
            }
            case.assert_goes_on(&disk, &what);
        }
    }
}

#[test]
fn what_a_person_wrote_is_kept_although_the_first_save_fails() {
    let disk = ModelDisk::new(FileSystem::PLAIN, &[PATH], b"// mine");
    let runtime = KeptFile::new("runtimeConfigPath", "/folder/runtime".into(), false);
    let mut files = SavedFiles { kv: file(), runtime, kv_is_original: true, kv_checksum: None, snapshot: None };
    disk.add_trouble(0, Trouble::Full);
    files.save(&disk, SaveFile::KvConfig, b"one").unwrap_err();
    disk.end_trouble();
    for contents in [b"two", b"new"] {
        files.save(&disk, SaveFile::KvConfig, contents).unwrap();
    }
    assert_eq!(disk.contents("/folder/kvConfig.json.original.bak").as_deref(), Some(&b"// mine"[..]));
    assert_eq!(disk.names().len(), 3, "{:?}", disk.names());
}

#[test]
fn the_backup_is_what_was_there_before_the_last_save() {
    for case in cases() {
        let disk = case.disk;
        save(&disk, &file(), b"one").unwrap();
        save(&disk, &file(), b"two").unwrap();
        let is_written = disk.contents(BACKUP).is_some_and(|found| found == b"one");
        assert_eq!(is_written, case.title != "in place: read-only folder", "{}", case.title);
    }
}
