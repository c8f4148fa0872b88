//! Saves that succeed, that fail at each step, and that a crash ends at each step.

mod model;

use super::*;
use crate::queue::tests::default_queue;
use model::{Loss, ModelDisk, Trouble};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

#[test]
fn folders_are_made_and_the_previous_contents_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/kvConfig.json");
    replace_with_backup(&RealDisk, &path, b"one").unwrap();
    assert!(!with_suffix(&path, ".bak").exists());
    replace_with_backup(&RealDisk, &path, b"two").unwrap();
    replace_with_backup(&RealDisk, &path, b"three").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"three");
    assert_eq!(fs::read(with_suffix(&path, ".bak")).unwrap(), b"two");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn links_and_permissions_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::write(&real, "old").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&real, &link).unwrap();
    replace(&RealDisk, &link, b"new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&real).unwrap(), b"new");
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_a_crash_left_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(with_suffix(&path, ".tmp"), "half").unwrap();
    fs::write(with_suffix(&path, ".bak.tmp"), "half").unwrap();
    replace_with_backup(&RealDisk, &path, b"one").unwrap();
    replace_with_backup(&RealDisk, &path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(fs::read(with_suffix(&path, ".bak")).unwrap(), b"one");
}

#[test]
fn the_end_of_each_save_is_told_and_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("a file");
    fs::write(&blocked, "").unwrap();
    let paths = SavePaths { kv_config: folder.path().join("kv.json"), runtime_config: blocked.join("runtime") };
    let (sender, receiver) = default_queue();
    let (saver, thread) = Saver::start(paths.clone(), sender).unwrap();
    let first = SaveTicket { file: SaveFile::KvConfig, number: 1 };
    let second = SaveTicket { file: SaveFile::RuntimeConfig, number: 2 };
    saver.save(first, b"{}".to_vec());
    saver.save(second, b"a=1".to_vec());
    drop(saver);
    thread.join().unwrap();
    assert_eq!(receiver.receive(None), Some(Input::Saved { ticket: first, result: Ok(()) }));
    let Some(Input::Saved { ticket, result: Err(SaveError::Io { path, .. }) }) = receiver.receive(None) else {
        panic!()
    };
    assert_eq!((ticket, path), (second, paths.runtime_config.display().to_string()));
    assert_eq!(fs::read(paths.kv_config).unwrap(), b"{}");
}

/// Where the model has its file.
const PATH: &str = "/folder/kvConfig.json";
const TEMPORARIES: [&str; 2] = ["/folder/kvConfig.json.tmp", "/folder/kvConfig.json.bak.tmp"];

/// A disk on which a file was saved twice, the second time with `old`, with and without links.
fn disks() -> impl Iterator<Item = ModelDisk> {
    [true, false].into_iter().map(|links| {
        let disk = ModelDisk::new(links);
        replace_with_backup(&disk, Path::new(PATH), b"older").unwrap();
        replace_with_backup(&disk, Path::new(PATH), b"old").unwrap();
        disk
    })
}

fn steps(disk: &ModelDisk) -> usize {
    let disk = disk.clone();
    let before = disk.steps();
    replace_with_backup(&disk, Path::new(PATH), b"new").unwrap();
    disk.steps() - before
}

#[test]
fn a_save_that_fails_at_any_step_leaves_the_old_file_or_the_new_one_and_the_next_one_works() {
    for disk in disks() {
        for (step, trouble) in (0..steps(&disk)).flat_map(|step| Trouble::ERRORS.map(|trouble| (step, trouble))) {
            let disk = disk.clone();
            disk.set_trouble(step, trouble);
            let result = replace_with_backup(&disk, Path::new(PATH), b"new");
            let found = disk.read(PATH);
            match result {
                Ok(()) => assert_eq!(found.as_deref(), Some(&b"new"[..]), "step {step}, {trouble:?}"),
                Err(_) => assert!(is_old_or_new(found.as_deref()), "step {step}, {trouble:?}: {found:?}"),
            }
            replace_with_backup(&disk, Path::new(PATH), b"next").unwrap();
            disk.lose(Loss::Everything);
            assert_eq!(disk.read(PATH).as_deref(), Some(&b"next"[..]), "step {step}, {trouble:?}");
            assert!(TEMPORARIES.iter().all(|path| disk.read(path).is_none()), "step {step}, {trouble:?}");
        }
    }
}

#[test]
fn a_crash_at_any_step_leaves_the_old_file_or_the_new_one_and_the_next_save_works() {
    for disk in disks() {
        for (step, loss) in (0..=steps(&disk)).flat_map(|step| Loss::ALL.map(|loss| (step, loss))) {
            let disk = disk.clone();
            disk.set_trouble(step, Trouble::Crash);
            let answered = replace_with_backup(&disk, Path::new(PATH), b"new").is_ok();
            disk.lose(loss);
            let found = disk.read(PATH);
            assert!(is_old_or_new(found.as_deref()), "step {step}, {loss:?}: {found:?}");
            assert!(!answered || found.as_deref() == Some(b"new"), "step {step}, {loss:?}: an answered change is lost");
            replace_with_backup(&disk, Path::new(PATH), b"next").unwrap();
            assert_eq!(disk.read(PATH).as_deref(), Some(&b"next"[..]), "step {step}, {loss:?}");
        }
    }
}

#[test]
fn the_first_save_is_whole_or_not_there() {
    let count = steps(&ModelDisk::new(true));
    for (step, loss) in (0..=count).flat_map(|step| Loss::ALL.map(|loss| (step, loss))) {
        let disk = ModelDisk::new(true);
        disk.set_trouble(step, Trouble::Crash);
        let answered = replace_with_backup(&disk, Path::new(PATH), b"new").is_ok();
        disk.lose(loss);
        let found = disk.read(PATH);
        assert!(found.as_deref().is_none_or(|found| found == b"new"), "step {step}, {loss:?}: {found:?}");
        assert!(!answered || found.is_some(), "step {step}, {loss:?}: an answered change is lost");
    }
}

fn is_old_or_new(contents: Option<&[u8]>) -> bool {
    contents.is_some_and(|contents| contents == b"old" || contents == b"new")
}
