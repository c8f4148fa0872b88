//! Answers of the registry, before they are encoded.

use crate::ConnId;
use crate::serialization::Serialization;
use crate::wire::code::response;
use crate::wire::response::{Head, write_frame};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// The request that an answer belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyTo {
    pub(super) conn: ConnId,
    /// The code of the request.
    pub(super) code: i32,
    pub(super) opaque: i32,
    pub(super) is_oneway: bool,
}

/// The answer to a forwarded request. It owns its texts, because the registry encodes it only after the view of its
/// batch.
#[derive(Debug)]
pub(super) struct Answer {
    code: i32,
    remark: Option<Cow<'static, str>>,
    /// An empty list still shows in a JSON header.
    fields: Option<Vec<(&'static str, Cow<'static, str>)>>,
    body: Bytes,
}

impl Answer {
    pub(super) const fn success() -> Self {
        Self { code: response::SUCCESS, remark: None, fields: None, body: Bytes::new() }
    }

    pub(super) fn failure(code: i32, remark: impl Into<Cow<'static, str>>) -> Self {
        Self { code, remark: Some(remark.into()), fields: None, body: Bytes::new() }
    }

    pub(super) const fn code(&self) -> i32 {
        self.code
    }

    /// Adds an extension field.
    pub(super) fn with_field(mut self, name: &'static str, value: String) -> Self {
        self.fields.get_or_insert_default().push((name, value.into()));
        self
    }

    /// Adds an empty list of fields, as Java does for answers whose type has fields.
    pub(super) fn with_no_fields(self) -> Self {
        Self { fields: Some(Vec::new()), ..self }
    }

    pub(super) fn with_body(self, body: Bytes) -> Self {
        Self { body, ..self }
    }

    /// Encodes the answer.
    pub(super) fn frame(&self, serialization: Serialization, opaque: i32) -> Bytes {
        let mut frame = Vec::new();
        frame.reserve_exact(256 + self.body.len());
        let remark = [self.remark.as_deref().unwrap_or_default()];
        let mut head = match &self.remark {
            Some(_) => Head::failure(self.code, opaque, &remark),
            None => Head::success(opaque),
        };
        if let Some(fields) = &self.fields {
            head = head.with_fields(fields);
        }
        write_frame(&mut frame, serialization, &head, |frame| frame.extend_from_slice(&self.body));
        frame.into()
    }
}
