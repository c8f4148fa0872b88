//! Files on real hosts, on the disk of this machine: links, other kinds, owners, modes, names, leftovers.

use crate::disk::RealDisk;
use crate::files::{KeptFile, Notice, Way, is_same, prepare, read, save, with_suffix};
use rustix::fs::{CWD, FileType, FlockOperation, Mode, XattrFlags, flock, fsetxattr, mknodat};
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, contents: &str) -> PathBuf {
        fs::write(self.path(name), contents).unwrap();
        self.path(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn file(path: &Path) -> KeptFile {
    KeptFile::new("kvConfigPath", path.to_owned(), true)
}

/// Prints what was not tested, bypassing the harness, which hides the output of passing tests.
fn skip(reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
}

/// Starts on a file and saves it. Returns the way of saving in the operator's words.
fn start_and_save(path: &Path, contents: &str) -> String {
    let mut file = file(path);
    let notices = prepare(&RealDisk, &mut file).unwrap();
    let told = file.way.clone();
    let way = save(&RealDisk, &file, contents.as_bytes()).unwrap();
    assert_eq!(told.as_ref(), Some(&way), "the start tells how changes are kept: {notices:?}");
    assert_eq!(fs::read_to_string(path).unwrap(), contents);
    way.to_string()
}

fn start_error(path: &Path) -> String {
    let error = prepare(&RealDisk, &mut file(path)).unwrap_err().to_string();
    assert_eq!(read(&RealDisk, path).unwrap_err().to_string(), error);
    assert_eq!(save(&RealDisk, &file(path), b"new").unwrap_err().to_string(), error);
    error
}

#[test]
fn folders_are_created_and_the_previous_contents_kept() {
    let folder = Folder::new();
    let path = folder.path("a/b/kvConfig.json");
    for contents in ["one", "two", "three"] {
        start_and_save(&path, contents);
    }
    assert_eq!(fs::read(with_suffix(&path, ".bak")).unwrap(), b"two");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2, "nothing else is left");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o666 & !umask(), "as the Java server would create it");
}

fn umask() -> u32 {
    let folder = Folder::new();
    fs::metadata(folder.write("probe", "")).unwrap().mode() & 0o777 ^ 0o666
}

#[test]
fn links_stay_whether_their_file_exists_or_not() {
    for exists in [true, false] {
        let folder = Folder::new();
        let volume = folder.path("volume");
        fs::create_dir(&volume).unwrap();
        let target = volume.join("kv.json");
        if exists {
            fs::write(&target, "old").unwrap();
        }
        let links = [("absolute", target.as_path()), ("relative", Path::new("volume/kv.json"))];
        for (link, to) in links.into_iter().chain([("chain", Path::new("relative"))]) {
            symlink(to, folder.path(link)).unwrap();
            start_and_save(&folder.path(link), link);
            assert_eq!(fs::read_link(folder.path(link)).unwrap(), to);
            assert_eq!(fs::read_to_string(&target).unwrap(), link);
        }
        assert_eq!(folder.names(), ["absolute", "chain", "relative", "volume"]);
    }
}

#[test]
fn a_link_into_a_folder_that_does_not_exist_creates_it() {
    let folder = Folder::new();
    symlink("later/kv.json", folder.path("link")).unwrap();
    start_and_save(&folder.path("link"), "new");
    assert_eq!(fs::read_to_string(folder.path("later/kv.json")).unwrap(), "new");
}

#[test]
fn what_is_not_a_regular_file_is_refused_and_stays() {
    let folder = Folder::new();
    fs::create_dir(folder.path("folder")).unwrap();
    mknodat(CWD, folder.path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _listener = UnixListener::bind(folder.path("socket")).unwrap();
    symlink("fifo", folder.path("link")).unwrap();
    symlink("round", folder.path("round")).unwrap();
    let before = folder.names();
    for (name, wanted) in [
        ("folder", "folder is a folder: name a regular file"),
        ("fifo", "fifo is a FIFO: name a regular file"),
        ("socket", "socket is a socket: name a regular file"),
        ("link", "fifo is a FIFO: name a regular file"),
        ("round", "round leads through more than 40 symbolic links"),
    ] {
        let expected = format!("{}/{wanted}", folder.0.path().display());
        assert_eq!(start_error(&folder.path(name)), expected);
    }
    assert_eq!(start_error(Path::new("")), "the value is empty: name a file");
    assert_eq!(folder.names(), before, "nothing was created or renamed");
}

/// The device node is a temporary one in a folder of the test: no device of the machine is touched.
#[test]
fn a_device_is_refused_and_stays() {
    let folder = Folder::new();
    let device = folder.path("device");
    let null = rustix::fs::makedev(1, 3);
    if let Err(error) = mknodat(CWD, &device, FileType::CharacterDevice, Mode::RUSR | Mode::WUSR, null) {
        skip(&format!("no device node can be created here: {error}"));
        return;
    }
    let expected = format!("{} is a character device: name a regular file", device.display());
    assert_eq!(start_error(&device), expected);
    assert_eq!(folder.names(), ["device"]);
    assert_eq!(fs::metadata(&device).unwrap().rdev(), null);
}

#[test]
fn mode_and_extended_attributes_stay() {
    let folder = Folder::new();
    let path = folder.write("kv.json", "old");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let value = b"someone's note";
    let tagged = fsetxattr(File::open(&path).unwrap(), "user.note", value, XattrFlags::empty());
    assert_eq!(start_and_save(&path, "new"), Way::Replace.to_string());
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    if tagged.is_ok() {
        let mut found = [0; 64];
        let len = rustix::fs::getxattr(&path, "user.note", &mut found).unwrap();
        assert_eq!(&found[..len], value);
    }
}

/// An access control list as the kernel stores it: the owner, user 3000, the group, the mask, all others.
const ACCESS_CONTROL_LIST: &[u8] = b"\x02\0\0\0\
    \x01\0\x06\0\xff\xff\xff\xff\x02\0\x06\0\xb8\x0b\0\0\x04\0\x04\0\xff\xff\xff\xff\
    \x10\0\x06\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff";

#[test]
fn access_control_lists_stay_and_those_of_the_folder_are_not_taken_on() {
    let folder = Folder::new();
    let name = "system.posix_acl_access";
    let (path, bare) = (folder.write("kv.json", "old"), folder.write("bare.json", "old"));
    let list_of = |path: &Path| {
        let mut found = [0; 256];
        rustix::fs::getxattr(path, name, &mut found).map(|len| found[..len].to_vec()).ok()
    };
    if let Err(error) = rustix::fs::setxattr(&path, name, ACCESS_CONTROL_LIST, XattrFlags::empty()) {
        skip(&format!("the file system of temporary files knows no access control lists: {error}"));
        return;
    }
    let default = "system.posix_acl_default";
    rustix::fs::setxattr(folder.0.path(), default, ACCESS_CONTROL_LIST, XattrFlags::empty()).unwrap();
    let modes = [&path, &bare].map(|path| fs::metadata(path).unwrap().mode());
    start_and_save(&path, "new");
    start_and_save(&bare, "new");
    assert_eq!([&path, &bare].map(|path| fs::metadata(path).unwrap().mode()), modes);
    assert_eq!(list_of(&path).as_deref(), Some(ACCESS_CONTROL_LIST));
    assert_eq!(list_of(&bare), None);
}

#[test]
fn an_owner_stays_when_the_server_may_keep_it() {
    let folder = Folder::new();
    let path = folder.write("kv.json", "old");
    if let Err(error) = chown(&path, Some(3000), Some(3000)) {
        skip(&format!("owners cannot be changed here: {error}"));
        return;
    }
    assert_eq!(start_and_save(&path, "new"), Way::Replace.to_string());
    for path in [&path, &with_suffix(&path, ".bak")] {
        let found = fs::metadata(path).unwrap();
        assert_eq!((found.uid(), found.gid()), (3000, 3000));
    }
}

#[test]
fn all_names_of_a_file_see_the_change() {
    let folder = Folder::new();
    let path = folder.write("kv.json", "old");
    fs::hard_link(&path, folder.path("other")).unwrap();
    let way = start_and_save(&path, "new");
    let expected = format!("changes are written in place: {} has 2 names (hard links)", path.display());
    assert_eq!(way, expected);
    assert_eq!(fs::read(folder.path("other")).unwrap(), b"new");
    assert_eq!(fs::read(folder.path("kv.json.bak")).unwrap(), b"old");
    assert_eq!(folder.names(), ["kv.json", "kv.json.bak", "other"]);
}

#[test]
fn leftovers_go_at_the_next_start_but_nothing_that_is_not_ours() {
    let folder = Folder::new();
    let path = folder.write("kv.json", "old");
    folder.write("kv.json.namesrv.new", "half");
    fs::hard_link(&path, folder.path("kv.json.namesrv.old")).unwrap();
    let others = ["kv.json.tmp", "kv.json.bak.tmp", "kv.json.new", "other.namesrv.new"];
    others.iter().for_each(|name| drop(folder.write(name, "somebody's")));
    assert!(prepare(&RealDisk, &mut file(&path)).unwrap().is_empty(), "it has one name again");
    let mut expected = others.to_vec();
    expected.push("kv.json");
    expected.sort_unstable();
    assert_eq!(folder.names(), expected);
}

#[test]
fn what_another_server_is_saving_is_left_to_it() {
    let folder = Folder::new();
    let path = folder.write("kv.json", "old");
    let other = File::create(folder.path("kv.json.namesrv.new")).unwrap();
    flock(&other, FlockOperation::LockExclusive).unwrap();
    prepare(&RealDisk, &mut file(&path)).unwrap();
    let error = save(&RealDisk, &file(&path), b"new").unwrap_err().to_string();
    assert!(error.starts_with("another server is saving "), "{error}");
    assert_eq!(folder.names(), ["kv.json", "kv.json.namesrv.new"]);
    drop(other);
    start_and_save(&path, "new");
    assert_eq!(folder.names(), ["kv.json", "kv.json.bak"]);
}

#[test]
fn a_link_in_the_place_of_the_new_file_is_not_followed() {
    let folder = Folder::new();
    let path = folder.write("kv.json", "old");
    let victim = folder.write("victim", "untouched");
    symlink(&victim, folder.path("kv.json.namesrv.new")).unwrap();
    let way = start_and_save(&path, "new");
    assert!(way.starts_with("changes are written in place: cannot create "), "{way}");
    assert_eq!(fs::read(&victim).unwrap(), b"untouched");
    assert!(fs::symlink_metadata(folder.path("kv.json.namesrv.new")).unwrap().is_symlink());
}

#[test]
fn changes_that_cannot_be_kept_are_told_at_start() {
    let path = Path::new("/proc/kv.json");
    let notices = prepare(&RealDisk, &mut file(path)).unwrap();
    let [notice @ Notice::Unkept(_)] = &*notices else { panic!("{notices:?}") };
    let expected = "changes cannot be kept: cannot create /proc/kv.json.namesrv.new: No such file or directory";
    assert!(notice.to_string().starts_with(expected), "{notice}");
}

#[test]
fn one_file_is_recognised_under_two_names() {
    let folder = Folder::new();
    let path = folder.write("kv.json", "");
    symlink("kv.json", folder.path("link")).unwrap();
    fs::hard_link(&path, folder.path("other")).unwrap();
    for name in ["kv.json", "link", "other"] {
        assert!(is_same(&RealDisk, &path, &folder.path(name)), "{name}");
    }
    assert!(!is_same(&RealDisk, &path, &folder.path("missing")));
    assert!(is_same(&RealDisk, &folder.path("missing"), &folder.path("missing")));
}
