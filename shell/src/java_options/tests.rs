//! `tests/field/java-options.tsv` lists variables with what a JVM and what this server makes of them.
//!
//! `UPDATE_EXPECTED=1` writes what this server makes of them into the table.

use super::*;
use crate::{environment, field_table};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The table's word for a variable with which no JVM starts.
const REFUSED: &str = "refused";
/// The table's word for a variable that this server reads as a JVM does.
const SAME: &str = "the same";

/// What the server makes of one variable. `@FILE` in its text names the file.
fn outcome(variable: &str, text: &str, file: &Path) -> String {
    let (variable, reader) = VARIABLES.into_iter().find(|(name, _)| *name == variable).unwrap();
    let text = String::from_utf8(unescape(text)).unwrap().replace("@FILE", &format!("@{}", file.display()));
    let mut options = JavaOptions::default();
    let words = words::split(text.as_bytes(), reader);
    if let Err(error) = words.and_then(|words| options.take(variable, words)) {
        return format!("refused: {error}");
    }
    let properties = options.properties().filter(|property| property.name.starts_with("t."));
    let shown: Vec<_> = properties.map(|property| format!("[{}={}]", property.name, escape(&property.value))).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(" ") }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

fn escape(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b' '..=b'~' => text.push(byte.into()),
            _ => write!(text, "\\x{byte:02x}").unwrap(),
        }
        text
    })
}

#[test]
fn every_variable_means_what_it_means_to_a_jvm() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("options");
    field_table::hold("java-options.tsv", 5, |columns| {
        let [name, variable, words, contents, java, _, reason] = columns[..] else { panic!("{columns:?}") };
        fs::write(&file, unescape(contents)).unwrap();
        let here = outcome(variable, words, &file);
        if java == REFUSED && here.starts_with(REFUSED) {
            return here;
        }
        assert!(here == java || !reason.is_empty(), "{name}: {java} in Java, {here} here");
        if here == java { SAME.to_owned() } else { here }
    });
}

#[test]
fn each_is_in_the_list_of_what_the_server_reads() {
    assert!(VARIABLES.iter().all(|(name, _)| environment::VARIABLES.contains(name)));
}

/// As a JVM 17 does with all of them set.
#[test]
fn a_later_variable_overrides_an_earlier_one() {
    let mut options = JavaOptions::default();
    for (variable, _) in VARIABLES {
        options.take(variable, vec![b"-Da=1".to_vec()]).unwrap();
        assert_eq!(options.property("a").unwrap().variable, variable);
    }
}

#[test]
fn what_is_neither_known_nor_about_the_jvm_is_told() {
    let variable = |name: &str| {
        let text = match name {
            "JAVA_OPT" => {
                "-server -Xms4g -XX:+UseG1GC -javaagent:/a.jar -cp /x:/y -Dlog4j2.level=off -Dknown=1 -Dmine=2 "
            }
            "JAVA_OPT_EXT" => "-Dcom.sun.management.jmxremote -Dfile.encoding=UTF-8 word --add-opens a/b=ALL",
            _ => return None,
        };
        Some(text.into())
    };
    let options = JavaOptions::read(&Environment { variable, home: "/".into() }).unwrap();
    let expected =
        [("-Dcom.sun.management.jmxremote", "JAVA_OPT_EXT"), ("-Dmine", "JAVA_OPT"), ("word", "JAVA_OPT_EXT")];
    assert_eq!(options.without_effect(|name| name == "known"), expected.map(|(word, name)| (word.to_owned(), name)));
}

/// Linux passes variables of up to 128 KiB.
#[test]
fn the_longest_variables_are_read() {
    for text in ["x ", "-Da=1 ", "''", "-D=", "\u{e9}"] {
        let mut options = JavaOptions::default();
        for (variable, reader) in VARIABLES {
            let words = words::split(text.repeat(1 << 16).as_bytes(), reader).unwrap();
            options.take(variable, words).unwrap();
        }
        assert!(options.properties().count() <= 1);
    }
}
