//! The modules of one crate: what each declares, which names it imports, and which paths its code mentions.
//!
//! Names are read, not types: what is found by name is found, what only a method call shows is not.
//! Code that is compiled for unit tests alone (`#[cfg(test)]`) is left out.

use crate::Repository;
use crate::links::joined;
use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprLit, ExprMethodCall, ImplItem, ImplItemFn, Item, ItemConst, ItemEnum, ItemFn, ItemImpl,
    ItemMod, ItemStatic, ItemStruct, ItemTrait, ItemType, ItemUnion, ItemUse, Lit, Macro, Path, Signature, Type,
    UseTree, Visibility,
};

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
        let code = syn::parse_file(&file.text).map_err(|error| format!("{path}: {error}"))?;
        let module = self.add(path, parent);
        let mut reader = Reader { modules: self, module, files: Vec::new() };
        reader.visit_file(&code);
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

/// Reads the code of one module.
struct Reader<'a> {
    modules: &'a mut Modules,
    module: ModuleId,
    /// Children that have files of their own: the module that declares them, their name, and what a `path` attribute
    /// says.
    files: Vec<(ModuleId, String, Option<String>)>,
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (Item::Const(ItemConst { attrs, ident, .. })
        | Item::Enum(ItemEnum { attrs, ident, .. })
        | Item::Fn(ItemFn { attrs, sig: Signature { ident, .. }, .. })
        | Item::Static(ItemStatic { attrs, ident, .. })
        | Item::Struct(ItemStruct { attrs, ident, .. })
        | Item::Trait(ItemTrait { attrs, ident, .. })
        | Item::Type(ItemType { attrs, ident, .. })
        | Item::Union(ItemUnion { attrs, ident, .. })) = item
        else {
            return visit::visit_item(self, item);
        };
        if !is_for_tests(attrs) {
            self.current().items.insert(ident.to_string());
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !is_for_tests(&item.attrs) {
            self.read_tree(&item.tree, Vec::new(), !matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if is_for_tests(&item.attrs) {
            return;
        }
        let name = item.ident.to_string();
        let Some((_, items)) = &item.content else {
            self.files.push((self.module, name, item.attrs.iter().find_map(path_of)));
            return;
        };
        let file = self.current().file.clone();
        let child = self.modules.add(&file, Some(self.module));
        self.current().children.insert(name, child);
        let parent = std::mem::replace(&mut self.module, child);
        items.iter().for_each(|item| self.visit_item(item));
        self.module = parent;
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if is_for_tests(&item.attrs) {
            return;
        }
        if let (None, Type::Path(implementing)) = (&item.trait_, &*item.self_ty) {
            let methods = item.items.iter().filter_map(|item| {
                let ImplItem::Fn(method) = item else { return None };
                Some(method.sig.ident.to_string())
            });
            let mention = mention(&implementing.path);
            self.current().implementations.push((mention, methods.collect()));
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.mention(mention(path));
        visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.current().names.insert(call.method.to_string());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.read_tokens(call.tokens.clone());
    }
}

impl Reader<'_> {
    /// `path::{a, b as c, self, *}`
    fn read_tree(&mut self, tree: &UseTree, mut path: Vec<String>, is_public: bool) {
        let (last, name) = match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                return self.read_tree(&tree.tree, path, is_public);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.read_tree(tree, path.clone(), is_public));
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                return self.current().globs.push(Mention { path, line });
            }
            UseTree::Name(tree) => (&tree.ident, &tree.ident),
            UseTree::Rename(tree) => (&tree.ident, &tree.rename),
        };
        path.extend((last != "self").then(|| last.to_string()));
        let name = path.last().filter(|_| name == "self").cloned().unwrap_or_else(|| name.to_string());
        self.current().imports.insert(name, (Mention { path, line: line(last) }, is_public));
    }

    /// What is handed to a macro may be anything, so only names and paths are read.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut rest = tokens.as_slice();
        while let Some((first, others)) = rest.split_first() {
            rest = others;
            match first {
                TokenTree::Group(group) => self.read_tokens(group.stream()),
                TokenTree::Ident(ident) => {
                    let mut path = vec![ident.to_string()];
                    while let [TokenTree::Punct(colon), TokenTree::Punct(second), TokenTree::Ident(part), others @ ..] =
                        rest
                        && (colon.as_char(), colon.spacing(), second.as_char()) == (':', Spacing::Joint, ':')
                    {
                        path.push(part.to_string());
                        rest = others;
                    }
                    self.mention(Mention { path, line: line(ident) });
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn mention(&mut self, mention: Mention) {
        self.current().names.extend(mention.path.first().cloned());
        if mention.path.len() > 1 {
            self.current().paths.push(mention);
        }
    }

    fn current(&mut self) -> &mut Module {
        &mut self.modules.all[self.module]
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let is_test = |attribute: &Attribute| attribute.parse_args::<Ident>().is_ok_and(|word| word == "test");
    attributes.iter().any(|one| one.path().is_ident("test") || (one.path().is_ident("cfg") && is_test(one)))
}

fn path_of(attribute: &Attribute) -> Option<String> {
    let value = &attribute.meta.require_name_value().ok()?.value;
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = value else { return None };
    attribute.path().is_ident("path").then(|| text.value())
}

fn mention(path: &Path) -> Mention {
    let line = path.segments.first().map_or(0, |first| line(&first.ident));
    Mention { path: path.segments.iter().map(|part| part.ident.to_string()).collect(), line }
}

fn line(ident: &Ident) -> usize {
    ident.span().start().line
}
