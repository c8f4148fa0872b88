//! The bytes behind the contents of a file while it is written in place, and how the next start reads them.
//!
//! ```text
//! contents | at least one NUL | copy of the old contents | trailer
//! ```
//!
//! A save takes these steps, each durable before the next: the trailer, the copy, the new contents, the last byte of
//! the trailer, which says that the new contents count, and NULs behind the new contents; finally the file is cut.
//! Wherever a crash interrupts this, the start can tell which contents count:
//!
//! * the trailer is whole and says that the new contents count: they are at the beginning;
//! * the trailer is whole and does not say so: the old contents are in the copy or, if that is not whole, still at the
//!   beginning;
//! * the trailer is torn, because a crash interrupted writing or cutting it: the contents are at the beginning, and end
//!   before the first NUL or, for a snapshot, where its header says.

use namesrv_core::snapshot::Snapshot;

/// First bytes of the trailer.
const MAGIC: [u8; 16] = *b"\0namesrv:undo:1\n";
/// Length and checksum.
const SEAL_BYTES: usize = 8 + 4;
/// Magic, seals of the old and of the new contents, checksum of all these, state.
const TRAILER_BYTES: usize = MAGIC.len() + 2 * SEAL_BYTES + 4 + 1;

/// Last byte of the trailer while the old contents count.
const UNDECIDED: u8 = b'?';
/// Last byte of the trailer once the new contents count.
pub(super) const DECIDED: u8 = b'!';

type Seal = [u8; SEAL_BYTES];

/// The layout of one save.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undo {
    pub(super) copy_offset: usize,
    pub(super) trailer_offset: usize,
    /// Offset of the byte that decides.
    pub(super) state_offset: usize,
    pub(super) trailer: [u8; TRAILER_BYTES],
}

impl Undo {
    /// The layout for replacing these old contents.
    pub(super) fn new(old: &[u8], new: &[u8]) -> Self {
        let copy_offset = old.len().max(new.len()) + 1;
        let trailer_offset = copy_offset + old.len();
        let state_offset = trailer_offset + TRAILER_BYTES - 1;
        Self { copy_offset, trailer_offset, state_offset, trailer: trailer(seal(old), seal(new)) }
    }
}

/// A file that was not cut after its last save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfinished<'a> {
    /// The contents that count.
    pub(super) contents: &'a [u8],
    /// Whether they are the contents of that save, which then only lacks the final cut.
    pub(super) is_decided: bool,
    /// Where the trailer begins or may begin.
    pub(super) trailer_offset: usize,
}

impl<'a> Unfinished<'a> {
    /// Finds out which contents count. Returns `None` if the file holds only its contents.
    pub(super) fn find(bytes: &'a [u8]) -> Option<Self> {
        by_trailer(bytes).or_else(|| by_torn_trailer(bytes))
    }
}

fn by_trailer(bytes: &[u8]) -> Option<Unfinished<'_>> {
    let (rest, found) = bytes.split_last_chunk::<TRAILER_BYTES>()?;
    let (old, new) = seals(found)?;
    let state = *found.last()?;
    if found.strip_suffix(&[state])? != trailer(old, new).strip_suffix(&[UNDECIDED])? {
        return None;
    }
    let copy = rest.len().checked_sub(sealed_len(&old)?).and_then(|start| rest.get(start..));
    let contents = match state {
        DECIDED => rest.get(..sealed_len(&new)?).filter(|contents| seal(contents) == new)?,
        UNDECIDED => [copy?, rest.get(..sealed_len(&old)?)?].into_iter().find(|contents| seal(contents) == old)?,
        _ => return None,
    };
    Some(Unfinished { contents, is_decided: state == DECIDED, trailer_offset: rest.len() })
}

fn by_torn_trailer(bytes: &[u8]) -> Option<Unfinished<'_>> {
    let (contents, rest) = bytes.split_at_checked(contents_len(bytes)?).filter(|(_, rest)| !rest.is_empty())?;
    let own = seal(contents);
    // The copy may be of old or new contents, and the file may end within the trailer.
    let could_be = |written: &[u8]| {
        let mut padded = [0; TRAILER_BYTES];
        padded.iter_mut().zip(written).for_each(|(to, from)| *to = *from);
        let fits = |found: &[u8], wanted: &[u8]| found.iter().zip(wanted).all(|(byte, want)| [0, *want].contains(byte));
        seals(&padded).is_some_and(|(old, new)| fits(&padded, &MAGIC) && (fits(&old, &own) || fits(&new, &own)))
    };
    let torn_bytes = (0..=TRAILER_BYTES.min(rest.len())).find(|torn_bytes| {
        let (gap, written) = rest.split_at(rest.len() - torn_bytes);
        gap.iter().all(|byte| *byte == 0) && could_be(written)
    })?;
    // A file of NULs says nothing: not every crash happens during one of these saves.
    let says_something = !contents.is_empty() || torn_bytes > 0;
    says_something.then_some(Unfinished { contents, is_decided: false, trailer_offset: bytes.len() - torn_bytes })
}

/// Returns the length of the contents that a file begins with. Of the server's own files, only snapshots have NULs.
fn contents_len(bytes: &[u8]) -> Option<usize> {
    let declared = Snapshot::length(bytes).ok().and_then(|length| usize::try_from(length).ok());
    declared.or_else(|| bytes.iter().position(|byte| *byte == 0))
}

fn trailer(old: Seal, new: Seal) -> [u8; TRAILER_BYTES] {
    let fields = [&MAGIC[..], &old, &new].concat();
    let checksum = crc32fast::hash(&fields).to_le_bytes();
    let mut trailer = [UNDECIDED; TRAILER_BYTES];
    trailer.iter_mut().zip(fields.into_iter().chain(checksum)).for_each(|(to, from)| *to = from);
    trailer
}

/// Returns the seals of the old and the new contents.
fn seals(trailer: &[u8]) -> Option<(Seal, Seal)> {
    let (old, rest) = trailer.get(MAGIC.len()..)?.split_first_chunk::<SEAL_BYTES>()?;
    let (new, _) = rest.split_first_chunk::<SEAL_BYTES>()?;
    Some((*old, *new))
}

fn seal(contents: &[u8]) -> Seal {
    let mut seal = [0; SEAL_BYTES];
    let fields = (contents.len() as u64).to_le_bytes().into_iter().chain(crc32fast::hash(contents).to_le_bytes());
    seal.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    seal
}

fn sealed_len(seal: &Seal) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(*seal.first_chunk::<8>()?)).ok()
}
