//! The modules of one crate: what each declares, which names it imports, and which paths its code mentions.
//!
//! Tokens are read, not types: what is found by name is found, what only a method call shows is not.
//! Code that is compiled for unit tests alone (`#[cfg(test)]`) is left out.

use crate::Repository;
use crate::links::joined;
use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};

/// The number of a module in [`Modules`].
pub(crate) type ModuleId = usize;

/// A path, `crate::route::RouteView`, and the line on which it begins.
#[derive(Clone, Debug)]
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// One module, a file or a block in one.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// The file in which it stands.
    pub(crate) file: String,
    /// `None` for the root of the crate.
    pub(crate) parent: Option<ModuleId>,
    pub(crate) children: BTreeMap<String, ModuleId>,
    /// What `use` declarations name, under the name that it has here, and whether the name is exported.
    pub(crate) imports: BTreeMap<String, (Mention, bool)>,
    /// What `use path::*` names.
    pub(crate) globs: Vec<Mention>,
    /// Items that are defined here.
    pub(crate) items: BTreeSet<String>,
    /// Paths with at least two parts, outside of `use`.
    pub(crate) paths: Vec<Mention>,
    /// Single names, outside of `use`.
    pub(crate) names: BTreeSet<String>,
    /// Types that get methods here: the `Type` of each `impl Type`, and the names of the methods.
    pub(crate) implementations: Vec<(Mention, Vec<String>)>,
}

/// The modules of one crate; the first is its root.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    pub(crate) all: Vec<Module>,
}

impl Modules {
    /// Reads a crate from its root (`src/lib.rs`, say) and all files that it declares.
    pub(crate) fn read(repository: &Repository, root: &str) -> Result<Self, String> {
        let mut modules = Self::default();
        modules.read_file(repository, root, None)?;
        Ok(modules)
    }

    fn read_file(&mut self, repository: &Repository, path: &str, parent: Option<ModuleId>) -> Result<ModuleId, String> {
        let file = repository.file(path).ok_or_else(|| format!("{path}: is declared and not there"))?;
        let tokens: TokenStream = file.text.parse().map_err(|error| format!("{path}: {error}"))?;
        let module = self.add(path, parent);
        let mut reader = Reader { modules: self, module, files: Vec::new() };
        reader.read(tokens);
        for (owner, name, at) in reader.files {
            let candidates = match at {
                Some(at) => joined(path, &at).into_iter().collect(),
                None => self.candidates(owner, &name),
            };
            let found = candidates.iter().find(|candidate| repository.file(candidate).is_some());
            let found = found.ok_or_else(|| format!("{path}: mod {name} has no file"))?;
            let child = self.read_file(repository, found, Some(owner))?;
            self.all[owner].children.insert(name, child);
        }
        Ok(module)
    }

    fn add(&mut self, file: &str, parent: Option<ModuleId>) -> ModuleId {
        self.all.push(Module { file: file.to_owned(), parent, ..Module::default() });
        self.all.len() - 1
    }

    /// Where the file of the child `name` may be.
    fn candidates(&self, owner: ModuleId, name: &str) -> Vec<String> {
        let file = &self.all[owner].file;
        let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".rs");
        let is_root = self.all[owner].parent.is_none() || stem == "mod";
        let base = if is_root { folder(file).to_owned() } else { file.trim_end_matches(".rs").to_owned() };
        vec![format!("{base}/{name}.rs"), format!("{base}/{name}/mod.rs")]
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// Reads the tokens of one module.
struct Reader<'a> {
    modules: &'a mut Modules,
    module: ModuleId,
    /// Children that have files of their own: the module that declares them, their name, and what a `path` attribute
    /// says.
    files: Vec<(ModuleId, String, Option<String>)>,
}

impl Reader<'_> {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let (mut at, mut path_attribute, mut is_public) = (0, None, false);
        while at < tokens.len() {
            let rest = &tokens[at..];
            if let Some(attribute) = attribute(rest) {
                if is_for_tests(attribute) {
                    at += item_length(rest);
                    continue;
                }
                path_attribute = path_of(attribute).or(path_attribute);
                at += 2;
                continue;
            }
            at += match keyword(rest) {
                Some("use") => self.read_use(rest, is_public),
                Some("mod") => self.read_module(rest, path_attribute.take()),
                Some("impl") if begins_item(&tokens[..at]) => self.read_implementation(rest),
                Some("struct" | "enum" | "union" | "trait" | "fn" | "type" | "const" | "static") => {
                    self.read_item(rest)
                }
                Some("pub") => {
                    is_public = true;
                    at += 1 + usize::from(matches!(rest.get(1), Some(TokenTree::Group(_))));
                    continue;
                }
                _ => self.read_rest(rest),
            };
            is_public = false;
        }
    }

    /// `use path::{a, b as c, self, *};`
    fn read_use(&mut self, rest: &[TokenTree], is_public: bool) -> usize {
        let end = rest.iter().position(|token| is_punct(token, ';')).unwrap_or(rest.len());
        self.read_tree(&rest[1..end], &[], is_public);
        end + 1
    }

    fn read_tree(&mut self, tokens: &[TokenTree], prefix: &[String], is_public: bool) {
        for tree in tokens.split(|token| is_punct(token, ',')) {
            let Some(line) = tree.first().map(line) else { continue };
            let (mut path, mut name) = (prefix.to_vec(), None);
            let mut parts = tree.iter().peekable();
            while let Some(part) = parts.next() {
                match part {
                    TokenTree::Ident(ident) if ident == "as" => name = parts.next().map(ToString::to_string),
                    TokenTree::Ident(ident) if ident == "self" && !path.is_empty() => {}
                    TokenTree::Ident(ident) => path.push(ident.to_string()),
                    TokenTree::Group(group) => {
                        let inner: Vec<_> = group.stream().into_iter().collect();
                        self.read_tree(&inner, &path, is_public);
                        path.clear();
                    }
                    TokenTree::Punct(punct) if punct.as_char() == '*' => {
                        self.current().globs.push(Mention { path: std::mem::take(&mut path), line });
                    }
                    TokenTree::Punct(_) | TokenTree::Literal(_) => {}
                }
            }
            if let Some(last) = path.last().cloned() {
                let name = name.unwrap_or(last);
                self.current().imports.insert(name, (Mention { path, line }, is_public));
            }
        }
    }

    /// `mod name;` or `mod name { … }`
    fn read_module(&mut self, rest: &[TokenTree], path: Option<String>) -> usize {
        let Some(TokenTree::Ident(name)) = rest.get(1) else { return 1 };
        match rest.get(2) {
            Some(TokenTree::Group(group)) => {
                let file = self.current().file.clone();
                let child = self.modules.add(&file, Some(self.module));
                self.current().children.insert(name.to_string(), child);
                let parent = std::mem::replace(&mut self.module, child);
                self.read(group.stream());
                self.module = parent;
            }
            _ => self.files.push((self.module, name.to_string(), path)),
        }
        3
    }

    /// `impl<T> Type<T> { … }`, but not `impl Trait for Type`. What follows is read as any other code.
    fn read_implementation(&mut self, rest: &[TokenTree]) -> usize {
        let head: Vec<_> = rest.iter().take_while(|token| !is_braces(token)).cloned().collect();
        let is_inherent = !head.iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == "for"));
        let generics = generics_length(&head[1..]);
        if let (true, Some((path, _))) = (is_inherent, path(&head[1 + generics..])) {
            let line = line(&head[0]);
            let methods = rest.get(head.len()).map(functions).unwrap_or_default();
            self.current().implementations.push((Mention { path, line }, methods));
        }
        1
    }

    fn read_item(&mut self, rest: &[TokenTree]) -> usize {
        if let Some(TokenTree::Ident(name)) = rest.get(1) {
            let name = name.to_string();
            self.current().items.insert(name);
            return 2;
        }
        1
    }

    /// A path, a name, a group, or something that names nothing.
    fn read_rest(&mut self, rest: &[TokenTree]) -> usize {
        match &rest[0] {
            TokenTree::Group(group) => {
                self.read(group.stream());
                1
            }
            TokenTree::Ident(_) => {
                let Some((path, length)) = path(rest) else { return 1 };
                let line = line(&rest[0]);
                match path.as_slice() {
                    [name] => drop(self.current().names.insert(name.clone())),
                    [first, ..] => {
                        let first = first.clone();
                        self.current().names.insert(first);
                        self.current().paths.push(Mention { path, line });
                    }
                    [] => {}
                }
                length
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => 1,
        }
    }

    fn current(&mut self) -> &mut Module {
        &mut self.modules.all[self.module]
    }
}

/// The first path of these tokens, `a::b::C`, and how many tokens it takes. Generic arguments end it.
fn path(tokens: &[TokenTree]) -> Option<(Vec<String>, usize)> {
    let Some(TokenTree::Ident(first)) = tokens.first() else { return None };
    let (mut path, mut length) = (vec![first.to_string()], 1);
    while let [TokenTree::Punct(colon), TokenTree::Punct(second), TokenTree::Ident(part), ..] = &tokens[length..] {
        if colon.as_char() != ':' || colon.spacing() != Spacing::Joint || second.as_char() != ':' {
            break;
        }
        path.push(part.to_string());
        length += 3;
    }
    Some((path, length))
}

/// The names of the functions in braces.
fn functions(braces: &TokenTree) -> Vec<String> {
    let TokenTree::Group(group) = braces else { return Vec::new() };
    let tokens: Vec<_> = group.stream().into_iter().collect();
    let is_function = |pair: &&[TokenTree]| matches!(&pair[0], TokenTree::Ident(ident) if ident == "fn");
    tokens.windows(2).filter(is_function).map(|pair| pair[1].to_string()).collect()
}

/// How many tokens `<…>` takes at the beginning of these.
fn generics_length(tokens: &[TokenTree]) -> usize {
    let (mut depth, mut before) = (0_usize, ' ');
    for (index, token) in tokens.iter().enumerate() {
        let sign = if let TokenTree::Punct(punct) = token { punct.as_char() } else { ' ' };
        match sign {
            '<' => depth += 1,
            '>' if before != '-' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return if sign == '>' { index + 1 } else { 0 };
        }
        before = sign;
    }
    0
}

/// What stands in `#[…]` or `#![…]` at the beginning of these tokens.
fn attribute(rest: &[TokenTree]) -> Option<&Group> {
    match rest {
        [sign, TokenTree::Group(group), ..] if is_punct(sign, '#') => Some(group),
        _ => None,
    }
}

fn is_for_tests(attribute: &Group) -> bool {
    let text = attribute.stream().to_string().replace(' ', "");
    text == "cfg(test)" || text == "test"
}

fn path_of(attribute: &Group) -> Option<String> {
    let text = attribute.stream().to_string();
    let value = text.strip_prefix("path")?.trim_start().strip_prefix('=')?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// How many tokens an item takes with its attributes: up to its `;` or its braces.
fn item_length(rest: &[TokenTree]) -> usize {
    let is_use = |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if ident == "use");
    let begin = rest.iter().position(|token| is_punct(token, ';') || is_braces(token) || is_use(token));
    let Some(begin) = begin else { return rest.len() };
    let length =
        rest[begin..].iter().position(|token| is_punct(token, ';') || (is_braces(token) && !is_use(&rest[begin])));
    length.map_or(rest.len(), |length| begin + length + 1)
}

/// Whether an `impl` after these tokens begins an item, and is not the `impl Trait` of a type.
fn begins_item(before: &[TokenTree]) -> bool {
    match before.last() {
        None | Some(TokenTree::Group(_)) => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == ';',
        Some(TokenTree::Ident(ident)) => ident == "unsafe",
        Some(TokenTree::Literal(_)) => false,
    }
}

fn keyword(rest: &[TokenTree]) -> Option<&'static str> {
    const KEYWORDS: &[&str] =
        &["use", "mod", "impl", "pub", "struct", "enum", "union", "trait", "fn", "type", "const", "static"];
    let Some(TokenTree::Ident(ident)) = rest.first() else { return None };
    KEYWORDS.iter().find(|keyword| ident == *keyword).copied()
}

fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_braces(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

fn line(token: &TokenTree) -> usize {
    token.span().start().line
}
