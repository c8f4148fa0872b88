//! JSON as the server writes it, unquoted integer keys included, kept so exactly that it can be written back.

use std::fmt;

/// A JSON value. Numbers and strings are kept as they were written, objects in their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Json {
    /// `null`, `true`, `false` or a number.
    Bare(String),
    /// What stands between the quotes of a string.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// Members, each with its key as it was written: with its quotes, or without them.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole text.
    ///
    /// # Errors
    /// Says at which byte it is not JSON in one of the two dialects.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value().ok_or_else(|| format!("not JSON at byte {}: {text}", reader.at))?;
        if reader.at == text.len() { Ok(value) } else { Err(format!("more than JSON at byte {}: {text}", reader.at)) }
    }

    /// The member of an object, by its unquoted key.
    pub fn member(&self, key: &str) -> Option<&Json> {
        self.members().iter().find(|(name, _)| bare(name) == key).map(|(_, value)| value)
    }

    /// The members of an object, their keys as they were written; none of anything else.
    pub fn members(&self) -> &[(String, Json)] {
        match self {
            Self::Object(members) => members,
            Self::Bare(_) | Self::Text(_) | Self::List(_) => &[],
        }
    }

    /// The elements of a list; none of anything else.
    pub fn elements(&self) -> &[Json] {
        match self {
            Self::List(elements) => elements,
            Self::Bare(_) | Self::Text(_) | Self::Object(_) => &[],
        }
    }

    /// A scalar as text, a string without its quotes.
    pub fn scalar(&self) -> &str {
        match self {
            Self::Bare(text) | Self::Text(text) => text,
            Self::List(_) | Self::Object(_) => "",
        }
    }
}

/// A key without its quotes, if it has any.
pub fn bare(key: &str) -> &str {
    key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key)
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bare(text) => f.write_str(text),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::List(elements) => {
                f.write_str("[")?;
                for (index, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if index == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (key, value)) in members.iter().enumerate() {
                    write!(f, "{}{key}:{value}", if index == 0 { "" } else { "," })?;
                }
                f.write_str("}")
            }
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn value(&mut self) -> Option<Json> {
        match self.peek()? {
            b'"' => Some(Json::Text(bare(self.string()?).to_owned())),
            b'{' => self.sequence(b'{', b'}', Self::member).map(Json::Object),
            b'[' => self.sequence(b'[', b']', Self::value).map(Json::List),
            _ => Some(Json::Bare(self.token()?.to_owned())),
        }
    }

    fn sequence<T>(&mut self, open: u8, close: u8, one: fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.eat(open)?;
        let mut all = Vec::new();
        if self.eat(close).is_some() {
            return Some(all);
        }
        loop {
            all.push(one(self)?);
            if self.eat(close).is_some() {
                return Some(all);
            }
            self.eat(b',')?;
        }
    }

    fn member(&mut self) -> Option<(String, Json)> {
        let key = if self.peek()? == b'"' { self.string()? } else { self.token()? }.to_owned();
        self.eat(b':')?;
        Some((key, self.value()?))
    }

    /// A string with its quotes.
    fn string(&mut self) -> Option<&str> {
        let start = self.at;
        self.eat(b'"')?;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.text.get(start..self.at)
    }

    fn token(&mut self) -> Option<&str> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            self.at += 1;
        }
        self.text.get(start..self.at).filter(|token| !token.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_back_what_it_read() {
        for text in [r#"{0:"a\"b",-1:[1,null,{}],"k":{"x":true}}"#, "[]", "null", "\"é\""] {
            assert_eq!(Json::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "{", "{a}", "[1,]", "{}x", "\"a"] {
            assert!(Json::parse(text).is_err(), "{text}");
        }
    }
}
