//! A disk in memory that fails or loses power at a chosen step, and then forgets what was not synced.

use namesrv_shell::disk::{Disk, Kind, Status};
use rustix::io::Errno;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The trouble at the chosen step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The call fails, and does nothing.
    Error(Errno),
    /// The call and all later ones fail, as on a broken disk.
    ErrorForEver(Errno),
    /// This call and all later ones fail if they need room.
    Full,
    /// Nothing is executed any more: the process has ended.
    Crash,
}

/// The disk is full or broken, or the call is forbidden or interrupted.
pub const ERRORS: [Errno; 5] = [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::ACCESS, Errno::INTR];

/// The most parts of a write.
const WRITE_PARTS_MAX: usize = 7;

/// What a crash does to writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing is lost. Only the process ended, and the system writes everything.
    Nothing,
    /// Contents are lost and names are kept: the system may write names first.
    Contents,
    /// Names are lost, contents are kept.
    Names,
    /// Both are lost.
    Everything,
    /// Some of each is lost; the number decides which.
    Some(u32),
}

impl Loss {
    /// Returns every kind of loss.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        [Self::Nothing, Self::Contents, Self::Names, Self::Everything].into_iter().chain((0..12).map(Self::Some))
    }
}

/// Properties of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Whether it supports hard links.
    pub links: bool,
    /// Whether files can be created in the folder.
    pub folder_is_writable: bool,
    /// Whether the file is a mount point, over which no rename works.
    pub is_mount_point: bool,
    /// Whether the kernel reports mount points.
    pub tells_mount_points: bool,
    /// Whether new files can have another file's owner.
    pub keeps_owners: bool,
}

impl FileSystem {
    /// What most hosts have.
    pub const PLAIN: Self = Self {
        links: true,
        folder_is_writable: true,
        is_mount_point: false,
        tells_mount_points: true,
        keeps_owners: true,
    };
}

/// The disk.
#[derive(Clone, Debug)]
pub struct ModelDisk {
    file_system: FileSystem,
    state: RefCell<State>,
    steps: Cell<usize>,
    troubles: RefCell<Vec<(usize, Trouble)>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    files: BTreeMap<usize, Contents>,
    /// How many files there ever were.
    created: usize,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    bytes: Vec<u8>,
    synced: Vec<u8>,
}

impl ModelDisk {
    /// A disk with one file that has all these names.
    pub fn new(file_system: FileSystem, names: &[&str], bytes: &[u8]) -> Self {
        let names: BTreeMap<PathBuf, usize> = names.iter().map(|name| (name.into(), 0)).collect();
        let files = BTreeMap::from([(0, Contents { bytes: bytes.to_vec(), synced: bytes.to_vec() })]);
        let state = State { synced_names: names.clone(), names, files, created: 1 };
        Self { file_system, state: RefCell::new(state), steps: Cell::default(), troubles: RefCell::default() }
    }

    /// Number of operations so far.
    pub fn steps(&self) -> usize {
        self.steps.get()
    }

    /// Adds trouble to the operation after this many others.
    pub fn add_trouble(&self, after: usize, trouble: Trouble) {
        self.troubles.borrow_mut().push((self.steps.get() + after, trouble));
    }

    /// Returns all names.
    pub fn names(&self) -> Vec<String> {
        self.state.borrow().names.keys().map(|path| path.display().to_string()).collect()
    }

    /// Returns the contents of the file with this name, durable or not.
    pub fn contents(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state.borrow();
        state.names.get(Path::new(path)).map(|number| state.files[number].bytes.clone())
    }

    /// Ends all trouble. What was not synced may still be lost.
    pub fn end_trouble(&self) {
        self.troubles.borrow_mut().clear();
    }

    /// Starts the machine again.
    pub fn lose(&self, loss: Loss) {
        let State { names, synced_names, files, .. } = &mut *self.state.borrow_mut();
        let (loses_contents, loses_names) = match loss {
            Loss::Nothing => (false, false),
            Loss::Contents => (true, false),
            Loss::Names => (false, true),
            Loss::Everything => (true, true),
            Loss::Some(seed) => (false, mixed(seed, 0)),
        };
        for file in files.values_mut() {
            if loses_contents {
                file.bytes.clone_from(&file.synced);
            } else if let Loss::Some(seed) = loss {
                file.lose_some(seed);
            }
            file.synced.clone_from(&file.bytes);
        }
        if loses_names {
            names.clone_from(synced_names);
        }
        synced_names.clone_from(names);
        self.end_trouble();
    }

    fn step(&self) -> io::Result<()> {
        self.take_step(false)
    }

    fn take_step(&self, needs_room: bool) -> io::Result<()> {
        let step = self.steps.get();
        self.steps.set(step + 1);
        self.troubles.borrow().iter().try_for_each(|(at, trouble)| match trouble {
            Trouble::Crash if *at <= step => Err(io::Error::other("the process is gone")),
            Trouble::ErrorForEver(error) if *at <= step => Err((*error).into()),
            Trouble::Error(error) if *at == step => Err((*error).into()),
            Trouble::Full if *at <= step && needs_room => Err(Errno::NOSPC.into()),
            Trouble::Crash | Trouble::ErrorForEver(_) | Trouble::Error(_) | Trouble::Full => Ok(()),
        })
    }

    /// A step that changes names.
    fn name_step(&self, needs_room: bool) -> io::Result<()> {
        self.take_step(needs_room)?;
        if self.file_system.folder_is_writable { Ok(()) } else { Err(Errno::ACCESS.into()) }
    }

    fn number(&self, path: &Path) -> io::Result<usize> {
        self.state.borrow().names.get(path).copied().ok_or_else(|| Errno::NOENT.into())
    }
}

impl State {
    fn open_file(&mut self, number: usize) -> &mut Contents {
        self.files.get_mut(&number).expect("an open file has a name")
    }
}

impl Contents {
    /// Each pair of bytes, and the length, is either as synced or as written.
    fn lose_some(&mut self, seed: u32) {
        let len = if mixed(seed, 1) { self.synced.len() } else { self.bytes.len() };
        let byte = |bytes: &[u8], at: usize| bytes.get(at).copied().unwrap_or_default();
        self.bytes =
            (0..len).map(|at| byte(if mixed(seed, at / 2 + 2) { &self.synced } else { &self.bytes }, at)).collect();
    }
}

/// A bit that depends on both numbers. The first seeds give runs of equal bits, which are likely in reality.
fn mixed(seed: u32, at: usize) -> bool {
    let at = u32::try_from(at).unwrap();
    match seed {
        0 => at < 8,
        1 => at >= 8,
        2 => at < 16,
        3 => at >= 16,
        _ => (at + 1).wrapping_mul(seed.wrapping_mul(0x9E37_79B9) | 1).wrapping_mul(0x85EB_CA6B) >> 31 == 1,
    }
}

impl Disk for ModelDisk {
    type File = usize;

    fn status(&self, path: &Path) -> io::Result<Status> {
        self.step()?;
        if path == Path::new("/folder") {
            return Ok(Status { kind: Kind::Folder, identity: (1, 0), names: 1, is_mount_point: false });
        }
        let number = self.number(path)?;
        let names = self.state.borrow().names.values().filter(|other| **other == number).count() as u64;
        let is_mount_point = self.file_system.is_mount_point && self.file_system.tells_mount_points && number == 0;
        Ok(Status { kind: Kind::Regular, identity: (0, number as u64), names, is_mount_point })
    }

    fn read_link(&self, _: &Path) -> io::Result<PathBuf> {
        Err(Errno::INVAL.into())
    }

    fn is_writable(&self, _: &Path) -> io::Result<()> {
        self.name_step(false)
    }

    fn create_folders(&self, _: &Path) -> io::Result<()> {
        self.step()
    }

    fn create(&self, path: &Path, _: bool) -> io::Result<usize> {
        self.name_step(true)?;
        if self.number(path).is_ok() {
            return Err(Errno::EXIST.into());
        }
        let state = &mut *self.state.borrow_mut();
        let number = state.created;
        state.created += 1;
        state.files.insert(number, Contents::default());
        state.names.insert(path.to_owned(), number);
        Ok(number)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<usize> {
        self.step()?;
        self.number(path)
    }

    fn open(&self, path: &Path) -> io::Result<usize> {
        self.open_to_read(path)
    }

    fn lock(&self, _: &usize) -> io::Result<bool> {
        self.step().map(|()| true)
    }

    fn read(&self, file: &usize) -> io::Result<Vec<u8>> {
        self.step()?;
        Ok(self.state.borrow().files[file].bytes.clone())
    }

    /// Writes a part at a time.
    fn write_at(&self, file: &usize, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut at = usize::try_from(offset).unwrap();
        for part in bytes.chunks(bytes.len().div_ceil(WRITE_PARTS_MAX).max(1)) {
            self.take_step(true)?;
            let state = &mut *self.state.borrow_mut();
            let written = &mut state.open_file(*file).bytes;
            written.resize(written.len().max(at + part.len()), 0);
            written[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        Ok(())
    }

    fn set_len(&self, file: &usize, len: u64) -> io::Result<()> {
        self.step()?;
        self.state.borrow_mut().open_file(*file).bytes.resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn copy_attributes(&self, _: &Path, _: &usize) -> io::Result<()> {
        self.step()?;
        if self.file_system.keeps_owners { Ok(()) } else { Err(Errno::PERM.into()) }
    }

    fn sync(&self, file: &usize) -> io::Result<()> {
        self.step()?;
        let state = &mut *self.state.borrow_mut();
        let file = state.open_file(*file);
        file.synced.clone_from(&file.bytes);
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.step()?;
        let State { names, synced_names, files, .. } = &mut *self.state.borrow_mut();
        synced_names.clone_from(names);
        // Nothing leads to files without a name any more.
        files.retain(|number, _| names.values().any(|named| named == number));
        Ok(())
    }

    fn link(&self, path: &Path, second: &Path) -> io::Result<()> {
        self.name_step(true)?;
        let number = self.number(path)?;
        if !self.file_system.links {
            return Err(Errno::OPNOTSUPP.into());
        }
        self.state.borrow_mut().names.insert(second.to_owned(), number);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.name_step(false)?;
        let number = self.number(from)?;
        if self.file_system.is_mount_point && self.number(to).is_ok_and(|number| number == 0) {
            return Err(Errno::BUSY.into());
        }
        let names = &mut self.state.borrow_mut().names;
        names.remove(from);
        names.insert(to.to_owned(), number);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.name_step(false)?;
        self.number(path)?;
        self.state.borrow_mut().names.remove(path);
        Ok(())
    }
}
