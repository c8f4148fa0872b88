//! Integers that Java reads from JSON.

use core::fmt;
use core::marker::PhantomData;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// An integer: a number without its fraction, or such a number as text; null, empty text and false are 0, true is 1
/// (fastjson2: `JSONReader.readInt32Value`). Numbers out of the range of `T`, lists and objects are errors.
pub(in crate::wire) struct Integer<T>(pub(in crate::wire) T);

impl<'de, T: TryFrom<i128>> Deserialize<'de> for Integer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntegerVisitor(PhantomData))
    }
}

struct IntegerVisitor<T>(PhantomData<T>);

impl<T: TryFrom<i128>> IntegerVisitor<T> {
    fn narrow<E: Error>(number: i128) -> Result<Integer<T>, E> {
        T::try_from(number).map(Integer).map_err(|_| E::custom("an integer is out of range"))
    }
}

impl<T: TryFrom<i128>> Visitor<'_> for IntegerVisitor<T> {
    type Value = Integer<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Self::narrow(0)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Self::narrow(value.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Self::narrow(number.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Self::narrow(number.into())
    }

    #[allow(clippy::cast_possible_truncation, reason = "it cuts the fraction off and saturates outside of every range")]
    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Self::narrow(number as i128)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.is_empty() {
            return Self::narrow(0);
        }
        if let Ok(number) = text.parse::<i64>() {
            return Self::narrow(number.into());
        }
        let decimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        match text.parse::<f64>() {
            Ok(number) if decimal => self.visit_f64(number),
            _ => Err(E::custom("text that is no number stands for an integer")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_java_reads_them() {
        for (json, expected) in [
            ("106", Some(106)),
            ("-106", Some(-106)),
            ("\"106\"", Some(106)),
            ("\"0106\"", Some(106)),
            ("\"+106\"", Some(106)),
            ("\"-106\"", Some(-106)),
            ("\"106.0\"", Some(106)),
            ("106.0", Some(106)),
            ("106.7", Some(106)),
            ("-106.7", Some(-106)),
            ("1e2", Some(100)),
            ("1E2", Some(100)),
            ("\"1e2\"", Some(100)),
            ("1e-2", Some(0)),
            ("-0", Some(0)),
            ("null", Some(0)),
            ("\"\"", Some(0)),
            ("false", Some(0)),
            ("true", Some(1)),
            ("2147483647", Some(i32::MAX)),
            ("2147483647.9", Some(i32::MAX)),
            ("-2147483648", Some(i32::MIN)),
            ("2147483648", None),
            ("-2147483649", None),
            ("5000000000", None),
            ("99999999999999999999999", None),
            ("1e999", None),
            ("\"5000000000\"", None),
            ("\"1e999\"", None),
            ("\"abc\"", None),
            ("\" 106 \"", None),
            ("\"inf\"", None),
            ("\"NaN\"", None),
            ("\"e\"", None),
            ("\"0x10\"", None),
            ("NaN", None),
            ("0x10", None),
            ("+5", None),
            ("05", None),
            ("[106]", None),
            ("[]", None),
            ("{}", None),
        ] {
            let read = serde_json::from_str::<Integer<i32>>(json).ok().map(|integer| integer.0);
            assert_eq!(read, expected, "{json}");
        }
        assert!(matches!(serde_json::from_str(" 9223372036854775807"), Ok(Integer(i64::MAX))));
        assert!(serde_json::from_str::<Integer<i64>>("9223372036854775808").is_err());
    }
}
