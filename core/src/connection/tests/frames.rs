//! Frames for the tests of connections.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(super) fn frame(code: i32, opaque: usize, body_bytes: usize) -> Vec<u8> {
    let header = format!(
        r#"{{"code":{code},"language":"JAVA","version":513,"opaque":{opaque},"flag":0,"extFields":{{"topic":"t"}}}}"#
    );
    let length = u32::try_from(4 + header.len() + body_bytes).unwrap();
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(u32::try_from(header.len()).unwrap().to_be_bytes());
    frame.extend(header.as_bytes());
    frame.resize(frame.len() + body_bytes, b' ');
    frame
}

/// A request that the view answers.
pub(super) fn query(opaque: usize) -> Vec<u8> {
    frame(105, opaque, 0)
}

/// A request for the node.
pub(super) fn change(opaque: usize) -> Vec<u8> {
    frame(904, opaque, 0)
}

/// The opaque numbers of frames, in order.
pub(super) fn opaques(frames: &[u8]) -> Vec<usize> {
    let text = String::from_utf8_lossy(frames);
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
    text.split("\"opaque\":").skip(1).map(digits).collect()
}
