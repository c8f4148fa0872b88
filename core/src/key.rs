//! Configuration keys: one row says everything about a key.
//!
//! [`keys!`](crate::keys) turns rows into a struct with one field for each. The core has the rows of its limits and
//! settings; the process that drives it has those of its threads, addresses, files and logs.

use crate::credentials::{Credentials, Form, MASK};
use crate::quoted::Quoted;
use crate::time::Duration;
use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

#[cfg(test)]
mod tests;

/// One configuration key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name in the configuration file.
    pub name: &'static str,
    /// Which values it takes.
    pub kind: Kind,
    /// The value if nothing sets the key; `None` if there is none, or if it depends on the host.
    pub default: Option<&'static str>,
    /// Where the key comes from.
    pub origin: Origin,
    /// What its value does.
    pub effect: Effect,
    /// What the key means, in one sentence; empty if it does nothing here.
    pub description: &'static str,
}

/// Which values a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, in any case.
    Boolean,
    /// A whole number within bounds, both included.
    Integer(i64, i64),
    /// Any text.
    Text,
    /// Any text that is not empty.
    Filled,
    /// One of these words, as written here.
    Word(&'static [&'static str]),
    /// One of these lower-case words, in any case.
    WordInAnyCase(&'static [&'static str]),
    /// Any text; never shown.
    Secret,
    /// A user and its secret, or an empty text for none; the secret is never shown.
    Credentials(Form),
}

/// Where a key comes from. The order is that of `--printConfigItem`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Java's `NamesrvConfig`, with the position of the field in that class. GET_NAMESRV_CONFIG always shows it.
    NamesrvConfig(u8),
    /// Java's `NettyServerConfig`, in the same way.
    NettyServerConfig(u8),
    /// Java's `NettyClientConfig`. Like all that follow, shown only when the configuration file sets it.
    NettyClientConfig(u8),
    /// A property of the JVM in the Java server (`-Dname=value`), a key of the configuration file here.
    JvmProperty(u8),
    /// Java's `AuthConfig`, which only Java brokers read.
    AuthConfig(u8),
    /// This server.
    Own,
}

/// What the value of a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The server reads it at start, and UPDATE_NAMESRV_CONFIG changes it while the server runs.
    Live,
    /// The server reads it at start and at each reload; UPDATE_NAMESRV_CONFIG cannot change it.
    Reload,
    /// The server reads it at start only.
    Start,
    /// It is the default of the key with this name.
    DefaultOf(&'static str),
    /// Nothing, but like a live key it may change at run time.
    Label,
    /// Nothing here, although it does something in the Java server.
    Nothing,
    /// Unless it is `false`, `none`, `disabled` or empty, it asks for something that this server does not do, for this
    /// reason.
    Refused(&'static str),
}

/// The row of a key, with the type of its value.
#[derive(Clone, Copy, Debug)]
pub struct Row<T> {
    /// The key.
    pub key: Key,
    /// Reads a value that [`Key::canonical`] returned.
    pub parse: fn(&str) -> T,
}

/// A type whose values have names in the configuration file.
pub trait Word: Sized + 'static {
    /// The names.
    const NAMES: &'static [&'static str];

    /// Returns the value with this name, one of [`Word::NAMES`].
    fn from_name(name: &str) -> Self;
}

/// The numbers of a Java `int`.
pub const INT: Kind = Kind::Integer(i32::MIN as i64, i32::MAX as i64);
/// The numbers of a Java `long`.
pub const LONG: Kind = Kind::Integer(i64::MIN, i64::MAX);
/// A limit. The server works even with the smallest one.
pub const LIMIT: Kind = Kind::Integer(1, i64::MAX);

impl Key {
    /// A key that this server accepts but does not use.
    #[must_use]
    pub const fn unused(name: &'static str, kind: Kind, default: &'static str, origin: Origin) -> Self {
        Self { name, kind, default: Some(default), origin, effect: Effect::Nothing, description: "" }
    }

    /// A key for something that this server does not do.
    #[must_use]
    pub const fn refused(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        origin: Origin,
        reason: &'static str,
    ) -> Self {
        Self { effect: Effect::Refused(reason), ..Self::unused(name, kind, default, origin) }
    }

    /// A JVM property that is the default of `target`.
    #[must_use]
    pub const fn default_of(target: &Self, name: &'static str, origin: Origin) -> Self {
        Self { name, origin, effect: Effect::DefaultOf(target.name), description: "", ..*target }
    }

    /// Whether GET_NAMESRV_CONFIG shows the key even if the configuration file does not set it.
    #[must_use]
    pub const fn is_always_listed(&self) -> bool {
        matches!(self.origin, Origin::NamesrvConfig(_) | Origin::NettyServerConfig(_))
    }

    /// Whether UPDATE_NAMESRV_CONFIG may change it.
    #[must_use]
    pub const fn changes_at_run_time(&self) -> bool {
        matches!(self.effect, Effect::Live | Effect::Label)
    }

    /// Whether a reload of the configuration file may change it.
    #[must_use]
    pub const fn changes_at_reload(&self) -> bool {
        match self.effect {
            Effect::Live | Effect::Reload | Effect::Label | Effect::Nothing => true,
            Effect::Start | Effect::DefaultOf(_) | Effect::Refused(_) => false,
        }
    }

    /// Returns the value in the form in which it is shown.
    ///
    /// # Errors
    /// In words: why the key does not take the value.
    pub fn canonical(&self, value: &str) -> Result<String, String> {
        let kind = self.kind;
        match kind {
            Kind::Text | Kind::Secret => Ok(value.to_owned()),
            Kind::Credentials(_) if value.is_empty() => Ok(String::new()),
            Kind::Credentials(form) => {
                Credentials::parse(value, form).map(|_| value.to_owned()).map_err(|error| error.to_string())
            }
            Kind::Filled | Kind::Boolean | Kind::Integer(..) | Kind::Word(_) | Kind::WordInAnyCase(_)
                if value.is_empty() =>
            {
                Err(format!("the value is empty: write {kind}, or leave the key out"))
            }
            Kind::Filled => Ok(value.to_owned()),
            Kind::Boolean if value.eq_ignore_ascii_case("true") => Ok("true".to_owned()),
            Kind::Boolean if value.eq_ignore_ascii_case("false") => Ok("false".to_owned()),
            Kind::Boolean => Err(format!("{} is neither true nor false", Quoted(value))),
            Kind::Integer(min, max) => match value.parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
                _ => Err(format!("{} is not {kind}", Quoted(value))),
            },
            Kind::Word(words) if words.contains(&value) => Ok(value.to_owned()),
            Kind::WordInAnyCase(words) if words.iter().any(|word| word.eq_ignore_ascii_case(value)) => {
                Ok(value.to_ascii_lowercase())
            }
            Kind::Word(words) | Kind::WordInAnyCase(words) => {
                Err(format!("{} is none of {}", Quoted(value), words.join(", ")))
            }
        }
    }

    /// Returns the part of a canonical value that may be shown: all of it, unless it has a secret.
    #[must_use]
    pub fn shown<'a>(&self, value: &'a str) -> Cow<'a, str> {
        match self.kind {
            Kind::Secret if !value.is_empty() => MASK.into(),
            Kind::Credentials(form) if !value.is_empty() => match Credentials::parse(value, form) {
                Ok(credentials) => form.masked(&credentials.name).into(),
                Err(_) => MASK.into(),
            },
            Kind::Secret
            | Kind::Credentials(_)
            | Kind::Text
            | Kind::Filled
            | Kind::Boolean
            | Kind::Integer(..)
            | Kind::Word(_)
            | Kind::WordInAnyCase(_) => value.into(),
        }
    }

    /// Whether values of this key contain something that must not be shown.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::Credentials(_))
    }
}

/// Describes in words what to write.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text | Self::Filled | Self::Secret | Self::Credentials(_) => f.write_str("one"),
            Self::Boolean => f.write_str("true or false"),
            Self::Integer(i64::MIN, i64::MAX) => f.write_str("a whole number"),
            Self::Integer(min, i64::MAX) => write!(f, "a whole number from {min} upwards"),
            Self::Integer(min, max) => write!(f, "a whole number from {min} to {max}"),
            Self::Word(words) | Self::WordInAnyCase(words) => write!(f, "one of {}", words.join(", ")),
        }
    }
}

impl<T> Row<T> {
    const fn new(name: &'static str, kind: Kind, default: &'static str, parse: fn(&str) -> T) -> Self {
        let (origin, effect, description) = (Origin::Own, Effect::Start, "");
        Self { key: Key { name, kind, default: Some(default), origin, effect, description }, parse }
    }

    /// Sets the origin. Without this call it is a key of this server.
    #[must_use]
    pub const fn of(self, origin: Origin) -> Self {
        Self { key: Key { origin, ..self.key }, parse: self.parse }
    }

    /// Makes the key change at run time. Without this call the server reads it at start.
    #[must_use]
    pub const fn live(self) -> Self {
        Self { key: Key { effect: Effect::Live, ..self.key }, parse: self.parse }
    }

    /// Accepts the words in any case.
    #[must_use]
    pub const fn in_any_case(self) -> Self {
        let kind = match self.key.kind {
            Kind::Word(words) => Kind::WordInAnyCase(words),
            other @ (Kind::Boolean
            | Kind::Integer(..)
            | Kind::Text
            | Kind::Filled
            | Kind::WordInAnyCase(_)
            | Kind::Secret
            | Kind::Credentials(_)) => other,
        };
        Self { key: Key { kind, ..self.key }, parse: self.parse }
    }

    /// Refuses an empty text.
    #[must_use]
    pub const fn filled(self) -> Self {
        Self { key: Key { kind: Kind::Filled, ..self.key }, parse: self.parse }
    }

    /// Makes the key change at a reload. Without this call the server reads it at start.
    #[must_use]
    pub const fn reloaded(self) -> Self {
        Self { key: Key { effect: Effect::Reload, ..self.key }, parse: self.parse }
    }

    /// Removes the default, or leaves it to the host.
    #[must_use]
    pub const fn without_default(self) -> Self {
        Self { key: Key { default: None, ..self.key }, parse: self.parse }
    }

    /// Sets the description.
    #[must_use]
    pub const fn described(self, description: &'static str) -> Self {
        Self { key: Key { description, ..self.key }, parse: self.parse }
    }
}

/// A row whose value is `true` or `false`.
#[must_use]
pub const fn boolean(name: &'static str, default: &'static str) -> Row<bool> {
    Row::new(name, Kind::Boolean, default, |value| value == "true")
}

/// A row whose value is `true`, `false` or not set. It has no default.
#[must_use]
pub const fn optional_boolean(name: &'static str) -> Row<Option<bool>> {
    let parse: fn(&str) -> Option<bool> = |value| match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    Row::new(name, Kind::Boolean, "", parse).without_default()
}

/// A row whose value is a number. A number that does not fit into `T` (such as a negative size) reads as zero.
#[must_use]
pub const fn integer<T: TryFrom<i64> + Default>(name: &'static str, kind: Kind, default: &'static str) -> Row<T> {
    Row::new(name, kind, default, number)
}

/// A row whose value is a number of seconds.
#[must_use]
pub const fn seconds(name: &'static str, kind: Kind, default: &'static str) -> Row<Duration> {
    Row::new(name, kind, default, |value| Duration::from_secs(number(value)))
}

/// A row whose value is a number of seconds or not set. It has no default.
#[must_use]
pub const fn optional_seconds(name: &'static str, kind: Kind) -> Row<Option<Duration>> {
    let parse: fn(&str) -> Option<Duration> = |value| (!value.is_empty()).then(|| Duration::from_secs(number(value)));
    Row::new(name, kind, "", parse).without_default()
}

/// A row whose value is a number of milliseconds.
#[must_use]
pub const fn millis(name: &'static str, kind: Kind, default: &'static str) -> Row<Duration> {
    Row::new(name, kind, default, |value| Duration::from_millis(number(value)))
}

/// A row whose value is any text.
#[must_use]
pub const fn text(name: &'static str, default: &'static str) -> Row<String> {
    Row::new(name, Kind::Text, default, str::to_owned)
}

/// A row whose value is a user with its secret, or empty.
#[must_use]
pub const fn credentials(name: &'static str, form: Form) -> Row<Option<Credentials>> {
    let parse: fn(&str) -> Option<Credentials> = match form {
        Form::User => |value| Credentials::parse(value, Form::User).ok(),
        Form::Session => |value| Credentials::parse(value, Form::Session).ok(),
    };
    Row::new(name, Kind::Credentials(form), "", parse)
}

/// A row whose value is a word of a list.
#[must_use]
pub const fn word<T: Word>(name: &'static str, default: &'static str) -> Row<T> {
    Row::new(name, Kind::Word(T::NAMES), default, T::from_name)
}

fn number<T: TryFrom<i64> + Default>(value: &str) -> T {
    value.parse().ok().and_then(|number: i64| T::try_from(number).ok()).unwrap_or_default()
}

/// Declares a struct of configuration values: one row for each field, whose documentation is the description of its
/// key.
///
/// ```
/// use namesrv_core::key::{LIMIT, boolean, integer};
///
/// namesrv_core::keys! {
///     /// What a tea kitchen needs to know.
///     #[derive(Debug, PartialEq)]
///     pub struct Kitchen {
///         /// Cups that are filled at one time.
///         cups_max: usize = integer("cupsMax", LIMIT, "12");
///         /// Whether milk is poured first.
///         milk_first: bool = boolean("milkFirst", "false").live();
///     }
/// }
///
/// assert_eq!(Kitchen::default(), Kitchen { cups_max: 12, milk_first: false });
/// assert_eq!(Kitchen::KEYS[0].description.trim(), "Cups that are filled at one time.");
/// assert_eq!(Kitchen::milk_first.key.name, "milkFirst");
/// ```
///
/// It gets one associated constant for each row, named as the field; `KEYS`, all of them in order; `read`, which takes
/// the text of each value from a function; and the defaults as `Default`.
#[macro_export]
macro_rules! keys {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $( $(#[doc = $description:literal])+ $field:ident: $type:ty = $row:expr; )+
        }
    ) => {
        $(#[$attribute])*
        $visibility struct $name {
            $( $(#[doc = $description])+ $visibility $field: $type, )+
        }

        #[allow(non_upper_case_globals, dead_code, reason = "a row is named as the field that it is read into")]
        impl $name {
            $(
                #[doc = concat!("The row of the field `", stringify!($field), "`.")]
                $visibility const $field: $crate::key::Row<$type> = $row.described(concat!($($description),+));
            )+

            /// All keys, in the order of the fields.
            $visibility const KEYS: &'static [$crate::key::Key] = &[$( Self::$field.key ),+];

            /// Reads all fields; `value` returns the canonical value of a key.
            #[must_use]
            $visibility fn read<'a>(value: impl Fn(&$crate::key::Key) -> &'a str) -> Self {
                Self { $( $field: (Self::$field.parse)(value(&Self::$field.key)) ),+ }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::read(|key| key.default.unwrap_or_default())
            }
        }
    };
}
