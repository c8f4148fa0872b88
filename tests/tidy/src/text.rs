//! What must not stand in any text file: control bytes, paths of one machine, hosts that the project does not know.

use crate::{File, Repository, Violation};

/// Paths that exist on no other machine. Put together here, so that this file does not break its own rule.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("../sha", "red"), concat!("/tmp/", "bash_jobs")];

/// The attribute, put together for the same reason.
const ATTRIBUTE: &str = concat!("#[", "path");

/// Hosts that may stand in addresses: a registry or mirror of packages is a property of a machine, so none is here.
const HOSTS: &[&str] = &[
    "127.0.0.1",
    "github.com",
    "localhost",
    "maven.apache.org", // The name of a schema.
    "opencollective.com",
    "rocketmq.apache.org",
    "rust-fuzz.github.io",
    "www.apache.org",
    "www.w3.org", // The name of a schema.
];

/// Control bytes other than line feed and tabulator, and a byte order mark.
pub fn control_bytes(repository: &Repository) -> Vec<Violation> {
    let is_control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\t');
    let is_wrong = |text: &str| text.as_bytes().iter().any(is_control) || text.contains('\u{feff}');
    lines_with(repository.files(), "control byte", is_wrong)
}

/// Paths of the machine on which a file was written.
pub fn machine_paths(repository: &Repository) -> Vec<Violation> {
    let is_wrong = |text: &str| MACHINE_PATHS.iter().any(|path| text.contains(path));
    lines_with(repository.files(), "path of one machine", is_wrong)
}

/// Addresses at hosts that are not in the list.
pub fn unknown_hosts(repository: &Repository) -> Vec<Violation> {
    let is_wrong = |text: &str| hosts(text).any(|host| !HOSTS.contains(&host));
    lines_with(repository.files(), "unknown host", is_wrong)
}

/// Modules that are pulled in by a `path` attribute: the folders say where a module is.
pub fn path_attributes(repository: &Repository) -> Vec<Violation> {
    lines_with(repository.ending(".rs"), ATTRIBUTE, |text| text.contains(ATTRIBUTE))
}

/// One violation for each file: the numbers of its lines that are wrong.
pub(crate) fn lines_with<'a>(
    files: impl Iterator<Item = &'a File>,
    what: &str,
    is_wrong: impl Fn(&str) -> bool,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        let wrong = file.text.split('\n').enumerate().filter(|(_, line)| is_wrong(line));
        let numbers: Vec<_> = wrong.map(|(index, _)| (index + 1).to_string()).collect();
        if !numbers.is_empty() {
            violations.push(Violation::new(&file.path, format!("{what}, lines {}", numbers.join(", "))));
        }
    }
    violations
}

/// The hosts of the addresses in a text. What is put in when a program runs (`http://{address}`) is none.
fn hosts(text: &str) -> impl Iterator<Item = &str> {
    let addresses = text.match_indices("://").map(|(at, separator)| (&text[..at], &text[at + separator.len()..]));
    let of_the_web = addresses.filter(|(before, _)| before.ends_with("http") || before.ends_with("https"));
    let hosts = of_the_web.map(|(_, rest)| {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))).unwrap_or(rest.len());
        rest[..end].trim_end_matches('.')
    });
    hosts.filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(rule: fn(&Repository) -> Vec<Violation>, path: &str, text: &str) -> bool {
        !rule(&Repository::of(&[(path, text)])).is_empty()
    }

    #[test]
    fn control_bytes_are_found() {
        for bad in ["a\0b", "\x1b[1m", "line\r\n", "\u{feff}first", "\u{7f}"] {
            assert!(broken(control_bytes, "a.md", bad), "{bad:?}");
        }
        assert!(!broken(control_bytes, "a.md", "\ttext\né"));
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for path in MACHINE_PATHS {
            assert!(broken(machine_paths, "a.sh", &format!("cd {path}x")), "{path}");
        }
        assert!(!broken(machine_paths, "a.sh", "cd network/x ../share"));
    }

    #[test]
    fn hosts_that_are_not_in_the_list_are_found() {
        assert!(broken(unknown_hosts, "Cargo.lock", concat!("registry+http", "s://packages.example/index")));
        assert!(broken(unknown_hosts, "a.md", concat!("http", "s://github.com and http", "://mirror:8080/x")));
        assert!(!broken(unknown_hosts, "a.md", "https://github.com/x. http://{address}/ https://rocketmq.apache.org."));
    }

    #[test]
    fn path_attributes_are_found() {
        assert!(broken(path_attributes, "a.rs", &format!("    {ATTRIBUTE} = \"b/c.rs\"]\nmod c;")));
        assert!(!broken(path_attributes, "a.rs", "mod path;"));
        assert!(!broken(path_attributes, "a.md", ATTRIBUTE));
    }
}
