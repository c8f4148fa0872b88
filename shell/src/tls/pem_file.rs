//! Files of keys and certificates, split into PEM blocks.

use super::error::{FileFault, Wanted};
use pem::Pem;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// The most bytes of a file of keys or certificates. No trust file is larger.
const BYTES_MAX: u64 = 1024 * 1024;

/// The beginning of a PEM block.
const BEGIN: &[u8] = b"-----BEGIN ";

/// The second byte of DER sequences whose length takes two or more bytes. All keys and certificates begin with one.
const DER_SEQUENCES: std::ops::RangeInclusive<u8> = 0x81..=0x84;

/// Reads a regular file, following links.
///
/// # Errors
/// The file is not a regular file, is too large, or cannot be read.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, FileFault> {
    let kind = std::fs::metadata(path).map_err(FileFault::Unreadable)?.file_type();
    // Opening a pipe would wait for its other end.
    if !kind.is_file() {
        return Err(FileFault::NotRegular(match kind {
            _ if kind.is_dir() => "a folder",
            _ if kind.is_fifo() => "a named pipe",
            _ if kind.is_socket() => "a socket",
            _ => "a device",
        }));
    }
    let mut contents = Vec::new();
    let file = File::open(path).map_err(FileFault::Unreadable)?;
    file.take(BYTES_MAX + 1).read_to_end(&mut contents).map_err(FileFault::Unreadable)?;
    if contents.len() as u64 > BYTES_MAX { Err(FileFault::TooLarge(BYTES_MAX)) } else { Ok(contents) }
}

/// Returns the PEM blocks of a file, and ignores the text between them.
///
/// # Errors
/// There are no blocks, or a block is cut off or is not Base64.
pub(super) fn blocks(contents: &[u8], wanted: Wanted) -> Result<Vec<Pem>, FileFault> {
    let begun = contents.windows(BEGIN.len()).filter(|window| *window == BEGIN).count();
    match contents {
        [] => return Err(FileFault::Empty),
        [0x30, length, ..] if begun == 0 && DER_SEQUENCES.contains(length) => return Err(FileFault::Der(wanted)),
        _ if begun == 0 => return Err(FileFault::NotThere { wanted, has_other: false }),
        _ => {}
    }
    // The parser skips a block without an end, but a chain that is cut off must not look like a short chain.
    let blocks = pem::parse_many(contents).map_err(|_| FileFault::BrokenPem)?;
    if blocks.len() == begun { Ok(blocks) } else { Err(FileFault::BrokenPem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_a_sane_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(FileFault::NotRegular("a folder"))));
        assert!(matches!(read(Path::new("/dev/null")), Err(FileFault::NotRegular("a device"))));
        assert!(matches!(read(&folder.path().join("none")), Err(FileFault::Unreadable(_))));
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(matches!(read(&socket), Err(FileFault::NotRegular("a socket"))));

        let large = folder.path().join("large");
        std::fs::write(&large, vec![b'\n'; BYTES_MAX as usize]).unwrap();
        assert_eq!(read(&large).unwrap().len() as u64, BYTES_MAX);
        std::fs::write(&large, vec![b'\n'; BYTES_MAX as usize + 1]).unwrap();
        assert!(matches!(read(&large), Err(FileFault::TooLarge(BYTES_MAX))));
    }

    #[test]
    fn a_block_without_an_end_is_never_left_out_silently() {
        let whole = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let text = |rest: &str| format!("text\r\n{whole}text{rest}").into_bytes();
        assert_eq!(blocks(&text(whole), Wanted::Certificate).unwrap().len(), 2);
        for rest in [&whole[..40], &whole[..30], "-----BEGIN ", "\n-----BEGIN X-----\n*\n-----END X-----\n"] {
            assert!(matches!(blocks(&text(rest), Wanted::Certificate), Err(FileFault::BrokenPem)), "{rest}");
        }
    }
}
