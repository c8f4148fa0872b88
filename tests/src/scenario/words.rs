//! The words of one command: plain ones, `name=value` options, and flags.

use crate::registration::{Mapping, Topic, Version};
use std::net::IpAddr;
use std::time::Duration;

/// The words of a command that were not taken yet.
#[derive(Debug)]
pub(super) struct Words {
    words: Vec<String>,
}

impl Words {
    /// Splits as a shell does.
    pub(super) fn split(text: &str) -> Result<Self, String> {
        let words = shlex::split(text).ok_or("a quote is not closed")?;
        Ok(Self { words })
    }

    /// The next plain word.
    pub(super) fn word(&mut self, what: &str) -> Result<String, String> {
        if self.words.is_empty() { Err(format!("{what} is missing")) } else { Ok(self.words.remove(0)) }
    }

    /// The value of an option.
    pub(super) fn option(&mut self, name: &str) -> Option<String> {
        let value = |word: &String| word.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        let index = self.words.iter().position(|word| value(word).is_some())?;
        value(&self.words.remove(index))
    }

    /// The value of an option that is a number.
    pub(super) fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        self.option(name).map(|text| number(&text)).transpose()
    }

    /// Whether a flag is among the words.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        let index = self.words.iter().position(|word| word == name);
        index.map(|index| self.words.remove(index)).is_some()
    }

    /// All words that are left, as `name=value`.
    pub(super) fn pairs(&mut self) -> Result<Vec<(String, String)>, String> {
        let pair = |word: String| {
            let (name, value) = word.split_once('=').ok_or(format!("{word} is not name=value"))?;
            Ok((name.to_owned(), value.to_owned()))
        };
        std::mem::take(&mut self.words).into_iter().map(pair).collect()
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), String> {
        if self.words.is_empty() { Ok(()) } else { Err(format!("unknown: {}", self.words.join(" "))) }
    }
}

/// The entries of a configuration file, as `name=value` words.
pub(super) fn properties(text: &str) -> Result<Vec<(String, String)>, String> {
    Words::split(text)?.pairs()
}

/// A broker as `name/id`; the identifier is 0 when it is left out.
pub(super) fn broker(text: &str) -> Result<(String, i64), String> {
    match text.rsplit_once('/') {
        Some((name, id)) => Ok((name.to_owned(), number(id)?)),
        None => Ok((text.to_owned(), 0)),
    }
}

/// Topics as `name:read/write/perm/flags`, separated by commas; what is left out at the end is 8, 8, 6 and 0.
/// A name that begins with `!` is a key without a name.
pub(super) fn topics(text: &str) -> Result<Vec<Topic>, String> {
    text.split(',').filter(|one| !one.is_empty()).map(topic).collect()
}

fn topic(text: &str) -> Result<Topic, String> {
    let (name, numbers) = text.split_once(':').unwrap_or((text, ""));
    let mut topic = Topic::new(name.trim_start_matches('!'));
    topic.named = !name.starts_with('!');
    let places = [&mut topic.read_queues, &mut topic.write_queues, &mut topic.perm, &mut topic.flags];
    for (place, text) in places.into_iter().zip(numbers.split('/').filter(|text| !text.is_empty())) {
        *place = number(text)?;
    }
    Ok(topic)
}

/// A version as `counter`, `state.counter` or either with `@milliseconds` behind it; its time follows from the counter,
/// later by so much.
pub(super) fn version(text: &str) -> Result<Option<Version>, String> {
    if text == "null" {
        return Ok(None);
    }
    let (text, later) = text.split_once('@').unwrap_or((text, "0"));
    let (state, counter) = text.split_once('.').unwrap_or(("0", text));
    let version = Version::counter(number(counter)?);
    Ok(Some(Version { state: number(state)?, timestamp: version.timestamp + number::<i64>(later)?, ..version }))
}

/// Mappings as `topic:global-local+global-local/total/epoch`, separated by commas.
pub(super) fn mappings(text: &str) -> Result<Vec<Mapping>, String> {
    text.split(',').map(mapping).collect()
}

fn mapping(text: &str) -> Result<Mapping, String> {
    let wrong = || format!("{text} is no mapping");
    let (topic, rest) = text.split_once(':').ok_or_else(wrong)?;
    let [queues, total, epoch]: [&str; 3] = rest.split('/').collect::<Vec<_>>().try_into().map_err(|_| wrong())?;
    let queue = |text: &str| {
        let (global, local) = text.split_once('-').ok_or_else(wrong)?;
        Ok((number(global)?, number(local)?))
    };
    let queues = queues.split('+').filter(|text| !text.is_empty()).map(queue).collect::<Result<_, String>>()?;
    Ok(Mapping { topic: topic.to_owned(), total_queues: number(total)?, epoch: number(epoch)?, queues })
}

/// A duration as `10ms`, `10s`, `10m` or `10h`, in milliseconds, with a sign where it makes sense.
pub(super) fn millis(text: &str) -> Result<i64, String> {
    let (sign, length) = text.strip_prefix('-').map_or((1, text), |length| (-1, length));
    Ok(sign * i64::try_from(duration(length)?.as_millis()).map_err(|_| format!("{text} is too long"))?)
}

/// A duration that is not negative.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{text}: {error}"))
}

/// The address of a host.
pub(super) fn host(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("{text} is no address"))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_options_and_flags() {
        let mut words = Words::split(r#"route "a b" via=M raw x="1 '2" y='"' z"#).unwrap();
        assert_eq!(words.word("a verb").unwrap(), "route");
        assert_eq!(words.word("a topic").unwrap(), "a b");
        assert_eq!(words.option("via").as_deref(), Some("M"));
        assert_eq!(words.option("x").as_deref(), Some("1 '2"));
        assert_eq!(words.option("y").as_deref(), Some("\""));
        assert!(words.flag("raw") && !words.flag("raw") && words.flag("z"));
        assert!(words.end().is_ok());
        assert!(Words::split("\"a'").is_err());
    }

    #[test]
    fn topics_and_mappings() {
        let topics = topics("T,!U:4/2/7/1").unwrap();
        assert_eq!((topics[0].read_queues, topics[0].perm, topics[0].named), (8, 6, true));
        assert_eq!((topics[1].write_queues, topics[1].perm, topics[1].flags, topics[1].named), (2, 7, 1, false));
        let mapping = &mappings("T:0-0+2-1/4/7").unwrap()[0];
        assert_eq!((mapping.queues.as_slice(), mapping.total_queues, mapping.epoch), (&[(0, 0), (2, 1)][..], 4, 7));
    }
}
