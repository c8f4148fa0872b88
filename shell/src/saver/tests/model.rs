//! A disk in memory that fails, or loses power, at a chosen step, and forgets what was not synced.

use crate::disk::Disk;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What happens at the chosen step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The disk is full.
    Full,
    /// The disk is broken.
    Broken,
    /// The folder may not be written.
    Forbidden,
    /// The call is interrupted and may be repeated.
    Interrupted,
    /// Nothing is done any more: the process is gone.
    Crash,
}

impl Trouble {
    pub(super) const ERRORS: [Self; 4] = [Self::Full, Self::Broken, Self::Forbidden, Self::Interrupted];
}

/// What a crash does to that which was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Only the process is gone: the system writes everything.
    Nothing,
    /// Contents are lost, names are kept: names may be written first.
    Contents,
    /// Names are lost, contents are kept.
    Names,
    /// Both are lost.
    Everything,
}

impl Loss {
    pub(super) const ALL: [Self; 4] = [Self::Nothing, Self::Contents, Self::Names, Self::Everything];
}

/// The disk.
#[derive(Debug)]
pub(super) struct ModelDisk {
    has_links: bool,
    state: Rc<RefCell<State>>,
    steps: Rc<Cell<usize>>,
    trouble: Rc<Cell<Option<(usize, Trouble)>>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    files: Vec<Contents>,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    bytes: Vec<u8>,
    synced: Vec<u8>,
}

/// A file that is being written, a few bytes at a time.
pub(super) struct ModelFile {
    number: usize,
    disk: ModelDisk,
}

impl Clone for ModelDisk {
    /// Another disk with the same files.
    fn clone(&self) -> Self {
        let state = Rc::new(RefCell::new(self.state.borrow().clone()));
        Self { has_links: self.has_links, state, steps: Rc::default(), trouble: Rc::default() }
    }
}

impl ModelDisk {
    pub(super) fn new(has_links: bool) -> Self {
        Self { has_links, state: Rc::default(), steps: Rc::default(), trouble: Rc::default() }
    }

    /// Operations so far.
    pub(super) fn steps(&self) -> usize {
        self.steps.get()
    }

    /// Lets the operation after so many others fail.
    pub(super) fn set_trouble(&self, after: usize, trouble: Trouble) {
        self.trouble.set(Some((self.steps.get() + after, trouble)));
    }

    pub(super) fn read(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let state = self.state.borrow();
        let number = *state.names.get(path.as_ref())?;
        state.files.get(number).map(|file| file.bytes.clone())
    }

    /// The machine starts again.
    pub(super) fn lose(&self, loss: Loss) {
        let State { names, synced_names, files } = &mut *self.state.borrow_mut();
        if matches!(loss, Loss::Contents | Loss::Everything) {
            files.iter_mut().for_each(|file| file.bytes.clone_from(&file.synced));
        }
        if matches!(loss, Loss::Names | Loss::Everything) {
            names.clone_from(synced_names);
        }
        self.trouble.set(None);
    }

    fn step(&self) -> io::Result<()> {
        let step = self.steps.get();
        self.steps.set(step + 1);
        match self.trouble.get() {
            Some((at, Trouble::Crash)) if at <= step => Err(io::Error::other("the process is gone")),
            Some((at, trouble)) if at == step => Err(match trouble {
                Trouble::Full => ErrorKind::StorageFull,
                Trouble::Forbidden => ErrorKind::PermissionDenied,
                Trouble::Interrupted => ErrorKind::Interrupted,
                Trouble::Broken | Trouble::Crash => ErrorKind::Other,
            }
            .into()),
            Some(_) | None => Ok(()),
        }
    }

    fn number(&self, path: &Path) -> io::Result<usize> {
        self.state.borrow().names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn name(&self, path: &Path, number: usize) {
        self.state.borrow_mut().names.insert(path.to_owned(), number);
    }

    fn add(&self, path: &Path, contents: Contents) -> usize {
        let number = self.state.borrow().files.len();
        self.state.borrow_mut().files.push(contents);
        self.name(path, number);
        number
    }
}

impl Disk for ModelDisk {
    type File = ModelFile;

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        self.step()?;
        self.number(path).map(|_| path.to_owned())
    }

    fn create_folders(&self, _: &Path) -> io::Result<()> {
        self.step()
    }

    fn create(&self, path: &Path) -> io::Result<ModelFile> {
        self.step()?;
        if self.number(path).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let number = self.add(path, Contents::default());
        let Self { has_links, state, steps, trouble } = self;
        let disk = Self {
            has_links: *has_links,
            state: Rc::clone(state),
            steps: Rc::clone(steps),
            trouble: Rc::clone(trouble),
        };
        Ok(ModelFile { number, disk })
    }

    fn copy_permissions(&self, _: &Path, _: &ModelFile) -> io::Result<()> {
        self.step()
    }

    fn sync(&self, file: &ModelFile) -> io::Result<()> {
        self.step()?;
        let file = &mut self.state.borrow_mut().files[file.number];
        file.synced.clone_from(&file.bytes);
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.step()?;
        let State { names, synced_names, .. } = &mut *self.state.borrow_mut();
        synced_names.clone_from(names);
        Ok(())
    }

    fn link(&self, path: &Path, second: &Path) -> io::Result<()> {
        self.step()?;
        let number = self.number(path)?;
        if !self.has_links {
            return Err(ErrorKind::Unsupported.into());
        }
        self.name(second, number);
        Ok(())
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        let bytes = self.read(from).ok_or(ErrorKind::NotFound)?;
        self.add(to, Contents { bytes, synced: Vec::new() });
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        let number = self.number(from)?;
        self.state.borrow_mut().names.remove(from);
        self.name(to, number);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        self.number(path)?;
        self.state.borrow_mut().names.remove(path);
        Ok(())
    }
}

impl Write for ModelFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.step()?;
        let part = &bytes[..bytes.len().min(2)];
        self.disk.state.borrow_mut().files[self.number].bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
