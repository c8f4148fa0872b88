//! Every dependency in a `Cargo.toml` says why it is there and is used, and the crates of the workspace depend on each
//! other in one direction.

use crate::{Repository, Violation};
use std::collections::{BTreeMap, BTreeSet};

/// Names of our own crates begin so. They need no reason.
const OUR_CRATES: &str = "namesrv-";

/// Dependencies without a comment above or beside them.
pub fn dependencies_without_a_reason(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.ending("Cargo.toml") {
        let unexplained = dependencies(&file.text).into_iter().filter(|dependency| !dependency.has_reason);
        let names: Vec<_> = unexplained.map(|dependency| dependency.name).collect();
        if !names.is_empty() {
            violations.push(Violation::new(&file.path, format!("no reason for {}", names.join(", "))));
        }
    }
    violations
}

/// Dependencies that no source of their crate names.
pub fn unused_dependencies(repository: &Repository) -> Vec<Violation> {
    let manifests: Vec<_> = repository.ending("Cargo.toml").collect();
    let folders: Vec<_> = manifests.iter().filter_map(|file| file.path.strip_suffix("Cargo.toml")).collect();
    let mut violations = Vec::new();
    for (manifest, folder) in manifests.iter().zip(&folders).filter(|(_, folder)| !folder.is_empty()) {
        let is_nested = |path: &str| folders.iter().any(|other| other.len() > folder.len() && path.starts_with(other));
        let sources = repository.ending(".rs").filter(|file| file.path.starts_with(folder) && !is_nested(&file.path));
        let sources: Vec<_> = sources.collect();
        for dependency in dependencies(&manifest.text) {
            let name = dependency.name.replace('-', "_");
            let uses = [format!("{name}::"), format!("use {name} as _;")];
            if !sources.iter().any(|file| uses.iter().any(|used| file.text.contains(used))) {
                violations.push(Violation::new(&manifest.path, format!("nothing uses {}", dependency.name)));
            }
        }
    }
    violations
}

/// Crates of ours that depend on themselves through others, dependencies of tests included.
pub fn crate_cycles(repository: &Repository) -> Vec<Violation> {
    let mut manifests = BTreeMap::new();
    for file in repository.ending("Cargo.toml") {
        if let Some(name) = package_name(&file.text) {
            let ours = dependencies(&file.text).into_iter().map(|dependency| dependency.name);
            let ours: BTreeSet<_> = ours.filter(|used| used.starts_with(OUR_CRATES)).collect();
            manifests.insert(name, (file.path.as_str(), ours));
        }
    }
    let mut violations = Vec::new();
    for (name, (path, _)) in &manifests {
        let (mut reached, mut waiting) = (BTreeSet::new(), vec![name.clone()]);
        while let Some((_, used)) = waiting.pop().and_then(|name| manifests.get(&name)) {
            waiting.extend(used.iter().filter(|used| reached.insert((*used).clone())).cloned());
        }
        if reached.contains(name) {
            violations.push(Violation::new(path, format!("{name} depends on itself through other crates")));
        }
    }
    violations
}

struct Dependency {
    name: String,
    has_reason: bool,
}

/// Every entry of a table of dependencies. A comment above one goes for the next line only.
fn dependencies(text: &str) -> Vec<Dependency> {
    let mut dependencies: Vec<Dependency> = Vec::new();
    let (mut in_table, mut after_comment, mut depth) = (false, false, 0_usize);
    for line in text.lines().map(str::trim) {
        let is_inside_value = depth > 0;
        depth += line.matches(['{', '[']).count();
        depth = depth.saturating_sub(line.matches(['}', ']']).count());
        if line.starts_with('[') && !is_inside_value {
            in_table = line.trim_end_matches(']').ends_with("dependencies");
        } else if let (true, false, Some((key, value))) = (in_table, is_inside_value, line.split_once('='))
            && !line.starts_with('#')
        {
            let name = key.trim().trim_end_matches(".workspace").to_owned();
            let has_reason = after_comment || value.contains(" # ") || name.starts_with(OUR_CRATES);
            dependencies.push(Dependency { name, has_reason });
        }
        after_comment = line.starts_with('#');
    }
    dependencies
}

fn package_name(text: &str) -> Option<String> {
    let (_, package) = text.split_once("[package]")?;
    let line = package.lines().find(|line| line.starts_with("name"))?;
    Some(line.split('"').nth(1)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unexplained(text: &str) -> Vec<String> {
        let repository = Repository::of(&[("x/Cargo.toml", text)]);
        dependencies_without_a_reason(&repository).into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn a_dependency_needs_a_comment_above_or_beside_it() {
        let text = "[dependencies]\n# Sums.\na = \"1\"\nb = \"1\" # Sums.\nc = \"1\"\n[dev-dependencies]\nd.workspace = true\n";
        assert_eq!(unexplained(text), ["no reason for c, d"]);
        assert_eq!(unexplained("[workspace.dependencies]\ne = { version = \"1\" }"), ["no reason for e"]);
        assert_eq!(unexplained("[dependencies]\n# Sums.\n\nf = \"1\""), ["no reason for f"]);
    }

    #[test]
    fn our_own_crates_other_tables_and_features_need_none() {
        let text = "[package]\nname = \"x\"\n[dependencies]\nnamesrv-core.workspace = true\n\
                    g = { version = \"1\", features = [ # For tests.\n  \"h\",\n] }\n[lints]\nworkspace = true\n";
        assert_eq!(unexplained(text), Vec::<String>::new());
    }

    #[test]
    fn a_dependency_that_no_source_names_is_found() {
        let manifest = "[dependencies]\na-b = \"1\" # Sums.\nc = \"1\" # Sums.\n";
        let source = "use a_b::Sum; // c\n";
        let files = [
            ("x/Cargo.toml", manifest),
            ("x/src/lib.rs", source),
            ("x/y/Cargo.toml", ""),
            ("x/y/src/lib.rs", "use c::C;"),
        ];
        let expected = [Violation::new("x/Cargo.toml", "nothing uses c")];
        assert_eq!(unused_dependencies(&Repository::of(&files)), expected);
    }

    #[test]
    fn a_crate_that_depends_on_itself_is_found() {
        let manifest = |name: &str, used: &str| {
            format!("[package]\nname = \"namesrv-{name}\"\n[dev-dependencies]\nnamesrv-{used}.workspace = true\n")
        };
        let (a, b, c) = (manifest("a", "b"), manifest("b", "a"), manifest("c", "a"));
        let repository = Repository::of(&[("a/Cargo.toml", &a), ("b/Cargo.toml", &b), ("c/Cargo.toml", &c)]);
        let files: Vec<_> = crate_cycles(&repository).into_iter().map(|violation| violation.file).collect();
        assert_eq!(files, ["a/Cargo.toml", "b/Cargo.toml"]);
    }
}
