//! Owner, group, mode, access control list and extended attributes of a file that replaces another one.

use super::errno::is_unknown_to_file_system;
use rustix::fs::{Gid, Mode, Uid, XattrFlags, fchmod, fchown, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

/// Signatures of contents. Those of the old file would be wrong for the new one.
const SIGNATURES: [&CStr; 2] = [c"security.ima", c"security.evm"];

/// Mode bits that `chmod` accepts.
const MODE_BITS: u32 = 0o7777;

/// Copies all attributes that differ.
pub(super) fn copy(from: &File, to: &File) -> io::Result<()> {
    let (wanted, found) = (from.metadata()?, to.metadata()?);
    if (wanted.uid(), wanted.gid()) != (found.uid(), found.gid()) {
        fchown(to, Some(Uid::from_raw(wanted.uid())), Some(Gid::from_raw(wanted.gid())))?;
    }
    copy_extended(from, to)?;
    // Set after the owner, whose change clears bits, and after the access control list, which contains a part of the
    // mode.
    if to.metadata()?.mode() & MODE_BITS != wanted.mode() & MODE_BITS {
        fchmod(to, Mode::from_raw_mode(wanted.mode() & MODE_BITS))?;
    }
    Ok(())
}

/// Copies extended attributes, which include access control lists. The folder may have given the new file different
/// ones.
fn copy_extended(from: &File, to: &File) -> io::Result<()> {
    let (wanted, found) = (names(from)?, names(to)?);
    for name in found.iter().filter(|name| !wanted.contains(name)) {
        fremovexattr(to, name)?;
    }
    for name in &wanted {
        let contents = value(from, name)?;
        if !found.contains(name) || value(to, name)? != contents {
            fsetxattr(to, name, &contents, XattrFlags::empty())?;
        }
    }
    Ok(())
}

fn names(file: &File) -> io::Result<Vec<CString>> {
    let list = match grow(|buffer| flistxattr(file, buffer)) {
        Err(error) if is_unknown_to_file_system(error) => return Ok(Vec::new()),
        result => result?,
    };
    let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let names = names.filter_map(|name| CString::new(name).ok());
    Ok(names.filter(|name| !SIGNATURES.contains(&name.as_c_str())).collect())
}

fn value(file: &File, name: &CStr) -> io::Result<Vec<u8>> {
    Ok(grow(|buffer| fgetxattr(file, name, buffer))?)
}

/// Calls with larger and larger buffers until one is large enough.
fn grow(mut call: impl FnMut(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; 1024];
    loop {
        match call(&mut buffer) {
            Err(Errno::RANGE) => buffer.resize(buffer.len() * 4, 0),
            result => {
                buffer.truncate(result?);
                return Ok(buffer);
            }
        }
    }
}
