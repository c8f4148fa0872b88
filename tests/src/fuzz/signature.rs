//! Signatures, beside a second implementation that shares no code with the first.

use super::limits::limits;
use crate::answer::Answer;
use crate::request::{HeaderForm, Request};
use crate::signature::{LEFT_OUT, content, sign, variants};
use arbitrary::{Result, Unstructured};
use namesrv_core::access::{Content, Signed};
use namesrv_core::credentials::Secret;
use namesrv_core::wire::{self, Framing, next_frame};

/// Names that mean something to signers or to the order of fields, and some that do not.
const NAMES: [&str; 14] = [
    "AccessKey",
    "SecurityToken",
    "__ZONE_NAME",
    "__ZONE_MODE",
    "Signature",
    "OnsChannel",
    "brokerName",
    "B",
    "a",
    "0",
    "",
    "é",
    "\u{fffd}",
    "\u{1f600}",
];

/// A request that a sender signed with some of its fields, or did not sign at all.
#[derive(Debug)]
struct Drawn<'a> {
    fields: Vec<(u8, &'a str)>,
    body: &'a [u8],
    secret: &'a str,
    is_binary: bool,
    signature: Made<'a>,
}

/// How its signature was made.
#[derive(Debug)]
enum Made<'a> {
    /// As a sender of this kind makes it.
    Good(u8),
    /// By chance.
    Text(&'a str),
    /// It is missing.
    Missing,
}

/// The contents that match are those that a plain reading finds, whatever the fields are.
pub(super) fn signature(data: &[u8]) {
    let Ok(drawn) = Drawn::draw(&mut Unstructured::new(data)) else { return };
    let frame = drawn.request().encode();
    let limits = limits();
    let Ok(Framing::Complete { frame: raw, .. }) = next_frame(&frame, &limits) else { return };
    let Ok(request) = wire::Request::decode(raw, &limits) else { return };
    let plain = Answer::decode(&frame).expect("what was encoded can be decoded");
    let secret = Secret::new(drawn.secret);
    let signed = Signed::new(&request);
    let found: Vec<_> = signed.iter().flat_map(|signed| matching(signed, &secret)).collect();
    assert_eq!(found, variants(&plain, drawn.secret), "{drawn:?}");
    if let Made::Good(left_out) = drawn.signature {
        let is_there = |name: &&str| plain.field(name).is_some();
        let names = LEFT_OUT[usize::from(left_out) % LEFT_OUT.len()];
        let counts = names.is_empty() || names.iter().any(is_there);
        assert!(!found.is_empty() || !counts, "{drawn:?}");
    }
}

/// The places in [`LEFT_OUT`] of the contents that match.
fn matching(signed: &Signed<'_>, secret: &Secret) -> Vec<usize> {
    let place = |content| match content {
        Content::All => 0,
        Content::WithoutZone => 1,
        Content::WithoutSecurityToken => 2,
    };
    signed.contents().filter(|content| signed.matches(secret, *content)).map(place).collect()
}

impl<'a> Drawn<'a> {
    fn draw(bytes: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self {
            signature: match bytes.int_in_range(0..=9)? {
                0 => Made::Missing,
                1 => Made::Text(bytes.arbitrary()?),
                left_out => Made::Good(left_out),
            },
            is_binary: bytes.arbitrary()?,
            secret: bytes.arbitrary()?,
            fields: bytes.arbitrary()?,
            body: bytes.arbitrary()?,
        })
    }

    fn request(&self) -> Request {
        let request = Request::new(205).body(self.body);
        let name = |index: u8| NAMES[usize::from(index) % NAMES.len()];
        let fields = self.fields.iter().map(|(index, value)| (name(*index), *value));
        let request = match self.signature {
            Made::Good(left_out) => {
                let names = LEFT_OUT[usize::from(left_out) % LEFT_OUT.len()];
                let fields: Vec<_> = fields.filter(|(name, _)| *name != "Signature").collect();
                let owned = |(name, value): &(&str, &str)| (String::from(*name), String::from(*value));
                let content = content(&fields.iter().map(owned).collect(), self.body, names);
                let request = fields.iter().fold(request, |request, (name, value)| request.field(name, value));
                request.field("Signature", sign(self.secret, &content))
            }
            Made::Text(text) => {
                fields.fold(request, |request, (name, value)| request.field(name, value)).field("Signature", text)
            }
            Made::Missing => fields.fold(request, |request, (name, value)| request.field(name, value)),
        };
        Request { form: if self.is_binary { HeaderForm::Binary } else { HeaderForm::Json }, ..request }
    }
}
