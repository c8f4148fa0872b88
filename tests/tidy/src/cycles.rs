//! No file of a crate uses another one that uses it, directly or through others.
//!
//! A `mod` declaration and the export of a name (`pub use`) are no use: a parent may declare and show what its children
//! make. `impl Type` in another file than the type's is one, of the type's file, if that calls one of the methods.

use crate::modules::{Mention, ModuleId, Modules};
use crate::{Repository, Violation};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::resume_unwind;
use std::thread;

/// How deep names that are imported under other names are followed.
const IMPORTS_MAX: usize = 8;

/// For each file, the files that it uses, with the first place where it does.
type Uses = BTreeMap<String, BTreeMap<String, String>>;

/// Files that are part of a cycle: one violation for each, with the shortest way back to it.
pub fn import_cycles(repository: &Repository) -> Vec<Violation> {
    let roots = repository.ending(".rs").filter(|file| is_root(&file.path));
    let violations: BTreeSet<_> = thread::scope(|scope| {
        let crates: Vec<_> = roots.map(|root| scope.spawn(|| cycles_of_crate(repository, &root.path))).collect();
        crates.into_iter().flat_map(|cycles| cycles.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    violations.into_iter().collect()
}

fn cycles_of_crate(repository: &Repository, root: &str) -> Vec<Violation> {
    let modules = match Modules::read(repository, root) {
        Ok(modules) => modules,
        Err(error) => return vec![Violation::new(root, error)],
    };
    let uses = uses(&modules);
    let cycles = uses.keys().filter_map(|file| Some((file, way_back(&uses, file)?)));
    cycles.map(|(file, way)| Violation::new(file, way)).collect()
}

/// Whether a crate begins with this file: `src/lib.rs`, `src/main.rs`, or a program, test, benchmark or example.
fn is_root(path: &str) -> bool {
    let in_sources = |inside: &str| matches!(inside, "lib.rs" | "main.rs") || is_target(inside, &["bin"]);
    let targets = || is_target(path, &["tests", "benches", "examples", "fuzz_targets"]);
    path.rsplit_once("src/").map_or_else(targets, |(_, inside)| in_sources(inside))
}

/// Whether a path ends with `folder/name.rs` or `folder/name/main.rs`.
fn is_target(path: &str, folders: &[&str]) -> bool {
    let parts: Vec<_> = path.rsplit('/').collect();
    matches!(parts.as_slice(), ["main.rs", _, folder, ..] | [_, folder, ..] if folders.contains(folder))
}

fn uses(modules: &Modules) -> Uses {
    let mut uses = Uses::new();
    for (id, module) in modules.all.iter().enumerate() {
        let mut found = Vec::new();
        for (name, (mention, is_public)) in &module.imports {
            if !is_public || module.names.contains(name) {
                found.push((mention, "uses"));
            }
        }
        found.extend(module.paths.iter().chain(&module.globs).map(|mention| (mention, "uses")));
        for (mention, verb) in found {
            if let Some(used) = file_of_item(modules, id, &mention.path) {
                insert(&mut uses, &module.file, used, &module.file, mention, verb);
            }
        }
        for (mention, methods) in &module.implementations {
            let owner = file_of_item(modules, id, &mention.path);
            if let Some(owner) = owner.filter(|owner| calls_one(modules, owner, methods)) {
                insert(&mut uses, owner, &module.file, &module.file, mention, "gets methods from");
            }
        }
    }
    uses
}

/// Whether code in a file calls one of these methods: `value.method()` or `Type::method()`.
fn calls_one(modules: &Modules, file: &str, methods: &[String]) -> bool {
    let mut of_file = modules.all.iter().filter(|module| module.file == file);
    of_file.any(|module| {
        let mut tails = module.paths.iter().filter_map(|mention| mention.path.last());
        methods.iter().any(|method| module.names.contains(method)) || tails.any(|tail| methods.contains(tail))
    })
}

fn insert(uses: &mut Uses, user: &str, used: &str, place: &str, mention: &Mention, verb: &str) {
    if user != used {
        let path = mention.path.join("::");
        let how = format!("{verb} {used} ({place}:{} `{path}`)", mention.line);
        uses.entry(user.to_owned()).or_default().entry(used.to_owned()).or_insert(how);
    }
}

/// The file in which the item of a path is defined; `None` for modules and for what other crates define.
fn file_of_item<'a>(modules: &'a Modules, from: ModuleId, path: &[String]) -> Option<&'a str> {
    match resolve(modules, from, path, IMPORTS_MAX)? {
        Place::Item(module) => Some(&modules.all[module].file),
        Place::Module(_) => None,
    }
}

/// What a path names.
#[derive(Clone, Copy)]
enum Place {
    Module(ModuleId),
    /// An item of this module.
    Item(ModuleId),
}

fn resolve(modules: &Modules, from: ModuleId, path: &[String], depth: usize) -> Option<Place> {
    let depth = depth.checked_sub(1)?;
    let (first, mut rest) = path.split_first()?;
    let mut module = match first.as_str() {
        "crate" => 0,
        "self" => from,
        "super" => modules.all[from].parent?,
        name => match member(modules, from, name, depth)? {
            Place::Module(module) => module,
            item @ Place::Item(_) => return Some(item),
        },
    };
    while let Some((name, others)) = rest.split_first() {
        module = match (name.as_str(), member(modules, module, name, depth)) {
            ("super", _) => modules.all[module].parent?,
            (_, Some(Place::Module(child))) => child,
            (_, Some(item @ Place::Item(_))) => return Some(item),
            (_, None) => return Some(Place::Item(module)),
        };
        rest = others;
    }
    Some(Place::Module(module))
}

/// What a name means in a module: a child, an item, or something imported.
fn member(modules: &Modules, module: ModuleId, name: &str, depth: usize) -> Option<Place> {
    let scope = &modules.all[module];
    if let Some(child) = scope.children.get(name) {
        return Some(Place::Module(*child));
    }
    if scope.items.contains(name) {
        return Some(Place::Item(module));
    }
    if let Some((mention, _)) = scope.imports.get(name) {
        let is_itself = mention.path.len() == 1 && mention.path[0] == name;
        return if is_itself { None } else { resolve(modules, module, &mention.path, depth) };
    }
    let globs = scope.globs.iter().filter_map(|glob| resolve(modules, module, &glob.path, depth));
    let mut found = globs.filter_map(|place| match place {
        Place::Module(other) if other != module && depth > 0 => member(modules, other, name, depth - 1),
        Place::Module(_) | Place::Item(_) => None,
    });
    found.next()
}

/// The shortest way from a file over others back to itself, in words.
fn way_back(uses: &Uses, start: &str) -> Option<String> {
    let mut came_from: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(file) = waiting.pop_front() {
        for (used, how) in uses.get(file).into_iter().flatten() {
            if came_from.contains_key(used.as_str()) {
                continue;
            }
            came_from.insert(used, (file, how));
            if used == start {
                return Some(describe(&came_from, start));
            }
            waiting.push_back(used);
        }
    }
    None
}

fn describe(came_from: &BTreeMap<&str, (&str, &str)>, start: &str) -> String {
    let (mut steps, mut file) = (Vec::new(), start);
    loop {
        let (user, how) = came_from[file];
        steps.push(how);
        file = user;
        if file == start {
            break;
        }
    }
    steps.reverse();
    steps.join(", which ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of a crate `x` that are in a cycle.
    fn cycle(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files.iter().map(|(path, text)| (format!("x/src/{path}"), *text)).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let violations = import_cycles(&Repository::of(&files));
        violations.into_iter().map(|violation| violation.file.replace("x/src/", "")).collect()
    }

    #[test]
    fn a_child_that_uses_its_parent_which_uses_the_child_is_a_cycle() {
        let parent = "mod child;\npub struct Type;\nfn f() { child::help(); }";
        let files =
            [("lib.rs", "mod parent;"), ("parent.rs", parent), ("parent/child.rs", "use super::Type;\nfn help() {}")];
        assert_eq!(cycle(&files), ["parent.rs", "parent/child.rs"]);
        let files = files.map(|(path, text)| (format!("x/src/{path}"), text));
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        let words = &import_cycles(&Repository::of(&files))[0];
        let expected = "x/src/parent.rs: uses x/src/parent/child.rs (x/src/parent.rs:3 `child::help`), which \
                        uses x/src/parent.rs (x/src/parent/child.rs:1 `super::Type`)";
        assert_eq!(words.to_string(), expected);
    }

    #[test]
    fn a_cycle_of_three_is_found_and_what_hangs_on_it_is_not_part_of_it() {
        let root = "mod a; mod b; mod c; mod d;";
        let files = [
            ("lib.rs", root),
            ("a.rs", "use crate::b::{self, B}; pub struct A;"),
            ("b.rs", "pub struct B(super::c::C);"),
            ("c.rs", "pub struct C; fn f() -> Option<crate::a::A> { None }"),
            ("d.rs", "use crate::a::A;"),
        ];
        assert_eq!(cycle(&files), ["a.rs", "b.rs", "c.rs"]);
    }

    #[test]
    fn methods_in_another_file_than_the_type_are_a_use_if_the_type_s_file_calls_them() {
        let parent = "mod child;\npub struct Type;\nfn f(value: Type) { value.help(); }";
        let child = "use super::Type;\nimpl Type { fn help(&self) {} }";
        assert_eq!(cycle(&[("lib.rs", parent), ("child.rs", child)]), ["child.rs", "lib.rs"]);
        let parent = "mod child;\npub struct Type;\nfn f(value: Type) { value.other(); }";
        assert_eq!(cycle(&[("lib.rs", parent), ("child.rs", child)]), Vec::<String>::new());
        let implements = "use super::Type;\nimpl Clone for Type { fn clone(&self) -> impl Sized { } }";
        assert_eq!(cycle(&[("lib.rs", parent), ("child.rs", implements)]), Vec::<String>::new());
    }

    #[test]
    fn a_method_does_not_hide_a_module_of_its_name() {
        let a = "use crate::b; pub struct A; impl A { fn b(&self) { b::help(); } }";
        let files = [("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", "use crate::a::A; pub fn help() {}")];
        assert_eq!(cycle(&files), ["a.rs", "b.rs"]);
    }

    #[test]
    fn declaring_and_exporting_is_no_use_but_using_the_exported_name_is() {
        let child = "use super::Type; pub struct Made;";
        let exporting = "mod child;\npub use child::Made;\npub struct Type;";
        assert_eq!(cycle(&[("lib.rs", exporting), ("child.rs", child)]), Vec::<String>::new());
        let using = "mod child;\npub use child::Made;\npub struct Type(Made);";
        assert_eq!(cycle(&[("lib.rs", using), ("child.rs", child)]), ["child.rs", "lib.rs"]);
    }

    #[test]
    fn a_name_counts_for_the_file_that_defines_it_not_for_those_that_export_it() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a.rs", "pub struct A;"),
            ("b.rs", "use crate::A; pub struct B(A);"),
        ];
        assert_eq!(cycle(&files), Vec::<String>::new());
    }

    #[test]
    fn unit_tests_may_use_what_they_like() {
        let a = "use crate::b::B; #[cfg(test)] mod tests { use super::*; } #[cfg(test)] use crate::b::{C};";
        let b = "pub struct B; #[cfg(test)] mod tests { use crate::a::A; #[test] fn t() { A; } }";
        assert_eq!(cycle(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)]), Vec::<String>::new());
    }

    #[test]
    fn comments_and_strings_are_not_code_and_macros_are() {
        let b = "// crate::a::A\n/* crate::a::A */ pub struct B; const S: &str = \"crate::a::A\";";
        let a = "use crate::b::B;\npub struct A;";
        assert_eq!(cycle(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)]), Vec::<String>::new());
        let b = "pub struct B; fn f() { vec![crate::a::A]; }";
        assert_eq!(cycle(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", b)]), ["a.rs", "b.rs"]);
    }

    #[test]
    fn crates_begin_where_cargo_begins_them() {
        let roots =
            ["a/src/lib.rs", "src/main.rs", "a/src/bin/b.rs", "a/tests/b.rs", "a/tests/b/main.rs", "a/benches/b.rs"];
        roots.iter().for_each(|path| assert!(is_root(path), "{path}"));
        let others =
            ["a/src/b.rs", "a/src/b/lib.rs", "a/src/tests/b.rs", "a/tests/b/c.rs", "a/benches/b/mod.rs", "a.rs"];
        others.iter().for_each(|path| assert!(!is_root(path), "{path}"));
    }

    #[test]
    fn a_declared_file_that_is_missing_is_said() {
        assert_eq!(cycle(&[("lib.rs", "mod gone;")]), ["lib.rs"]);
    }
}
