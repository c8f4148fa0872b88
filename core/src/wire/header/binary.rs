//! The reader of binary headers (Java: `RocketMQSerializable.rocketMQProtocolDecode`).

use crate::wire::cursor::Cursor;
use crate::wire::error::{BinaryHeaderError, FrameError};
use crate::wire::fields::{BinaryEntries, ExtFields};
use crate::wire::request::Request;

const TOO_SHORT: FrameError = FrameError::BinaryHeader(BinaryHeaderError::TooShort);

/// Reads a header; leaves the body empty. Ignores what follows the map of extension fields.
///
/// # Errors
/// Lengths that contradict each other, or more extension fields than the limit.
pub(super) fn read(header: &[u8], fields_max: usize) -> Result<Request<'_>, FrameError> {
    let mut cursor = Cursor::new(header);
    let mut request = Request::empty();
    request.code = cursor.short().ok_or(TOO_SHORT)?.into();
    // Only Java checks whether it knows the language.
    let _language = cursor.byte().ok_or(TOO_SHORT)?;
    request.version = cursor.short().ok_or(TOO_SHORT)?.into();
    request.opaque = cursor.int().ok_or(TOO_SHORT)?;
    request.flag = cursor.int().ok_or(TOO_SHORT)?;
    let remark_length = cursor.int().ok_or(TOO_SHORT)?;
    cursor.take(remark_length).ok_or(FrameError::BinaryHeader(BinaryHeaderError::RemarkPastHeader))?;
    let fields_length = cursor.int().ok_or(TOO_SHORT)?;
    // Zero or less means no map.
    if fields_length > 0 {
        let entries =
            cursor.take(fields_length).ok_or(FrameError::BinaryHeader(BinaryHeaderError::FieldsPastHeader))?;
        check_entries(entries, fields_max)?;
        request.fields = ExtFields::Binary(entries);
    }
    Ok(request)
}

fn check_entries(entries: &[u8], fields_max: usize) -> Result<(), FrameError> {
    for (index, entry) in BinaryEntries(entries).enumerate() {
        if index == fields_max {
            return Err(FrameError::TooManyFields { max: fields_max });
        }
        entry.map_err(|_| FrameError::BinaryHeader(BinaryHeaderError::FieldPastMap))?;
    }
    Ok(())
}
