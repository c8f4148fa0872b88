//! Requests as a peer would send them, built without any code of the server.

use serde_json::{Map, Value};

/// How the header of a frame is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderForm {
    /// A JSON object.
    #[default]
    Json,
    /// The layout that Java calls `ROCKETMQ`.
    Binary,
}

/// Version that RocketMQ 5.5.0 announces.
pub const VERSION_5_5_0: i32 = 513;

/// Version that RocketMQ 4.9.7 announces.
pub const VERSION_4_9_7: i32 = 407;

/// One request; [`Request::encode`] makes the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Request code.
    pub code: i32,
    /// Correlation number.
    pub opaque: i32,
    /// Flag bits: 1 response, 2 one-way.
    pub flag: i32,
    /// Release of the sender as an ordinal number.
    pub version: i32,
    /// Extension fields in the order they are written; absent when the header has no such map at all.
    pub fields: Option<Vec<(String, String)>>,
    /// Body, possibly empty.
    pub body: Vec<u8>,
    /// How the header is written.
    pub form: HeaderForm,
}

impl Request {
    /// A two-way request of a 5.5.0 peer, with a JSON header, without fields and without a body.
    pub fn new(code: i32) -> Self {
        Self {
            code,
            opaque: 1,
            flag: 0,
            version: VERSION_5_5_0,
            fields: None,
            body: Vec::new(),
            form: HeaderForm::Json,
        }
    }

    /// With one more extension field.
    pub fn field(mut self, name: &str, value: impl ToString) -> Self {
        self.fields.get_or_insert_default().push((name.to_owned(), value.to_string()));
        self
    }

    /// With one more extension field if there is a value for it.
    pub fn optional(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// With another version.
    pub fn version(mut self, version: i32) -> Self {
        self.version = version;
        self
    }

    /// With another correlation number.
    pub fn opaque(mut self, opaque: i32) -> Self {
        self.opaque = opaque;
        self
    }

    /// One-way.
    pub fn oneway(mut self) -> Self {
        self.flag |= 2;
        self
    }

    /// With a body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With a binary header.
    pub fn binary(mut self) -> Self {
        self.form = HeaderForm::Binary;
        self
    }

    /// The whole frame.
    pub fn encode(&self) -> Vec<u8> {
        match self.form {
            HeaderForm::Json => frame(0, self.json_header().as_bytes(), &self.body),
            HeaderForm::Binary => frame(1, &self.binary_header(), &self.body),
        }
    }

    fn json_header(&self) -> String {
        let mut header = Map::new();
        header.insert("code".into(), self.code.into());
        if let Some(fields) = &self.fields {
            let fields = fields.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
            header.insert("extFields".into(), Value::Object(fields.collect()));
        }
        header.insert("flag".into(), self.flag.into());
        header.insert("language".into(), "JAVA".into());
        header.insert("opaque".into(), self.opaque.into());
        header.insert("serializeTypeCurrentRPC".into(), "JSON".into());
        header.insert("version".into(), self.version.into());
        Value::Object(header).to_string()
    }

    fn binary_header(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        for (name, value) in self.fields.iter().flatten() {
            fields.extend((name.len() as u16).to_be_bytes());
            fields.extend(name.as_bytes());
            fields.extend((value.len() as u32).to_be_bytes());
            fields.extend(value.as_bytes());
        }
        let mut header = Vec::new();
        header.extend((self.code as i16).to_be_bytes());
        header.push(0);
        header.extend((self.version as i16).to_be_bytes());
        header.extend(self.opaque.to_be_bytes());
        header.extend(self.flag.to_be_bytes());
        header.extend(0u32.to_be_bytes());
        header.extend((fields.len() as u32).to_be_bytes());
        header.extend(fields);
        header
    }
}

/// A frame of a header of type `serialization` (0 JSON, 1 binary) and a body.
pub fn frame(serialization: u8, header: &[u8], body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(8 + header.len() + body.len());
    frame.extend(((4 + header.len() + body.len()) as u32).to_be_bytes());
    frame.extend((u32::from(serialization) << 24 | header.len() as u32).to_be_bytes());
    frame.extend(header);
    frame.extend(body);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_request_is_laid_out_as_java_does() {
        let request = Request::new(105).binary().version(479).opaque(7).field("topic", "TopicTest");
        let expected = "0000002d010000290069\
                        0001df0000000700000000000000000000001400\
                        05746f70696300000009546f70696354657374";
        assert_eq!(hex::encode(request.encode()), expected);
    }
}
