//! No file imports itself, directly or by way of others.
//!
//! The graph has an edge from each file to each file that defines something it names by a path. Re-exports are followed
//! to the definition, so a parent module that only lists and re-exports its children is no part of a circle.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{File, Item, ItemMod, ItemUse, UseTree, Visibility};

use crate::sources::production_code;

/// Circles that are wanted, with their reason.
const RECURSIONS: &[(&[&str], &str)] = &[(
    &[
        "crates/aws-cli-compat/src/language/jmespath/functions.rs",
        "crates/aws-cli-compat/src/language/jmespath/interpreter.rs",
    ],
    "JMESPath is recursive: functions such as sort_by evaluate expressions, and expressions call functions",
)];

/// The direction of imports (docs/architecture.md): these modules of the service are imported by these only.
const IMPORTERS: &[(&str, &[&str])] = &[
    ("admin", &["app", "cli"]),
    ("app", &["cli", "dev"]),
    ("auth", &["admin", "app", "authorization", "cli", "config", "doctor", "http"]),
    ("cli", &[]),
    ("http", &["admin", "app", "cli"]),
    ("linking", &["app", "http"]),
];

/// A module: the name of its crate's folder, then the names on the way to it.
type ModulePath = Vec<String>;

struct Module {
    file: String,
    /// The paths that the file names, as written.
    names: BTreeSet<Vec<String>>,
    /// Names that `use` brings into the module, and what they stand for.
    imports: BTreeMap<String, Vec<String>>,
}

struct Graph {
    modules: BTreeMap<ModulePath, Module>,
}

impl Graph {
    fn read() -> Self {
        let mut modules = BTreeMap::new();
        for source in production_code() {
            let syntax = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path));
            let (names, imports) = paths_of(&syntax);
            modules.insert(module_path(&source.path), Module { file: source.path, names, imports });
        }
        Self { modules }
    }

    /// The module that defines what a path names, seen from a module. `None` for paths into other crates.
    fn resolve(&self, from: &ModulePath, path: &[String], depth: usize) -> Option<ModulePath> {
        if depth > 16 {
            return None;
        }
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => from[..1].to_vec(),
            "self" => from.clone(),
            "super" => from[..from.len() - 1].to_vec(),
            name => {
                let child = [&from[..], &[name.to_owned()]].concat();
                if self.modules.contains_key(&child) {
                    child
                } else {
                    let import = self.modules.get(from)?.imports.get(name)?;
                    if import == path || import.first() == Some(first) {
                        return None;
                    }
                    let target = [&import[..], rest].concat();
                    return self.resolve(from, &target, depth + 1);
                }
            }
        };
        while let Some((name, remainder)) = rest.split_first() {
            if name == "super" {
                at.pop();
                rest = remainder;
                continue;
            }
            let child = [&at[..], std::slice::from_ref(name)].concat();
            if self.modules.contains_key(&child) {
                (at, rest) = (child, remainder);
                continue;
            }
            let Some(import) = self.modules.get(&at).and_then(|module| module.imports.get(name)) else {
                break;
            };
            let target = [&import[..], remainder].concat();
            // A name that another crate defines belongs to nothing here.
            return self.resolve(&at, &target, depth + 1);
        }
        self.modules.contains_key(&at).then_some(at)
    }

    /// The files that each file needs.
    fn edges(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        self.modules
            .iter()
            .map(|(path, module)| {
                let needs = module.names.iter().filter_map(|name| self.resolve(path, name, 0));
                let needs = needs.map(|needed| self.modules[&needed].file.as_str());
                (module.file.as_str(), needs.filter(|needed| *needed != module.file).collect())
            })
            .collect()
    }
}

/// `src/a/b.rs` is `["src", "a", "b"]`, `crates/x/src/lib.rs` is `["crates/x/src"]`.
fn module_path(file: &str) -> ModulePath {
    let (root, rest) = match file.strip_prefix("src/") {
        Some(rest) => ("src".to_owned(), rest),
        None => {
            let (name, rest) = file.strip_prefix("crates/").unwrap().split_once("/src/").unwrap();
            (format!("crates/{name}/src"), rest)
        }
    };
    let rest = rest.strip_suffix(".rs").unwrap();
    let mut path = vec![root];
    if rest != "lib" {
        path.extend(rest.split('/').map(str::to_owned));
    }
    path
}

fn paths_of(syntax: &File) -> (BTreeSet<Vec<String>>, BTreeMap<String, Vec<String>>) {
    let mut paths = Paths::default();
    paths.visit_file(syntax);
    (paths.names, paths.imports)
}

#[derive(Default)]
struct Paths {
    names: BTreeSet<Vec<String>>,
    imports: BTreeMap<String, Vec<String>>,
}

impl Paths {
    fn add(&mut self, prefix: &[String], tree: &UseTree, is_re_export: bool) {
        match tree {
            UseTree::Path(path) => {
                let prefix = [prefix, &[path.ident.to_string()]].concat();
                self.add(&prefix, &path.tree, is_re_export);
            }
            UseTree::Name(name) => self.import(prefix, &name.ident.to_string(), None, is_re_export),
            UseTree::Rename(rename) => {
                self.import(prefix, &rename.ident.to_string(), Some(rename.rename.to_string()), is_re_export);
            }
            UseTree::Glob(_) => drop(self.names.insert(prefix.to_vec())),
            UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.add(prefix, item, is_re_export));
            }
        }
    }

    fn import(&mut self, prefix: &[String], name: &str, alias: Option<String>, is_re_export: bool) {
        let path = if name == "self" { prefix.to_vec() } else { [prefix, &[name.to_owned()]].concat() };
        let alias = alias.or_else(|| path.last().cloned()).unwrap_or_default();
        if !is_re_export {
            self.names.insert(path.clone());
        }
        self.imports.insert(alias, path);
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add(&[], &item.tree, !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
        });
        if !is_test {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 && matches!(segments[0].as_str(), "crate" | "super" | "self") {
            self.names.insert(segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_item(&mut self, item: &'ast Item) {
        // Macros are opaque to the parser; none of them hides an import here.
        visit::visit_item(self, item);
    }
}

/// The circles of a graph, each with its nodes in order (Tarjan's strongly connected components).
fn circles<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> Vec<Vec<&'a str>> {
    struct Search<'e, 'a> {
        edges: &'e BTreeMap<&'a str, BTreeSet<&'a str>>,
        index: BTreeMap<&'a str, usize>,
        lowest: BTreeMap<&'a str, usize>,
        stack: Vec<&'a str>,
        found: Vec<Vec<&'a str>>,
    }
    impl<'a> Search<'_, 'a> {
        fn visit(&mut self, node: &'a str) {
            let number = self.index.len();
            self.index.insert(node, number);
            self.lowest.insert(node, number);
            self.stack.push(node);
            for next in self.edges.get(node).into_iter().flatten() {
                if !self.index.contains_key(next) {
                    self.visit(next);
                    self.lowest.insert(node, self.lowest[node].min(self.lowest[next]));
                } else if self.stack.contains(next) {
                    self.lowest.insert(node, self.lowest[node].min(self.index[next]));
                }
            }
            if self.lowest[node] == self.index[node] {
                let start = self.stack.iter().position(|other| *other == node).unwrap();
                let mut component = self.stack.split_off(start);
                component.sort_unstable();
                if component.len() > 1 {
                    self.found.push(component);
                }
            }
        }
    }
    let (index, lowest) = (BTreeMap::new(), BTreeMap::new());
    let mut search = Search { edges, index, lowest, stack: Vec::new(), found: Vec::new() };
    for node in edges.keys() {
        if !search.index.contains_key(node) {
            search.visit(node);
        }
    }
    search.found.sort();
    search.found
}

#[test]
fn no_file_imports_itself_by_way_of_others() {
    let graph = Graph::read();
    let edges = graph.edges();
    assert!(edges.values().map(BTreeSet::len).sum::<usize>() > 500, "the imports were not read");
    let circles = circles(&edges);
    let explain = |circle: &Vec<&str>| {
        let edges = circle.iter().flat_map(|file| {
            edges[file]
                .iter()
                .filter(|needed| circle.contains(needed))
                .map(move |needed| format!("  {file} -> {needed}"))
        });
        edges.collect::<Vec<_>>().join("\n")
    };
    let unwanted: Vec<_> = circles
        .iter()
        .filter(|circle| !RECURSIONS.iter().any(|(wanted, _)| circle[..] == **wanted))
        .map(explain)
        .collect();
    assert!(unwanted.is_empty(), "{} circles:\n{}", unwanted.len(), unwanted.join("\n\n"));
    for (wanted, reason) in RECURSIONS {
        assert!(circles.iter().any(|circle| circle[..] == **wanted), "this is no circle any more: {reason}");
    }
}

#[test]
fn no_module_of_a_crate_imports_itself_by_way_of_others() {
    let modules = module_edges(&Graph::read());
    let edges = modules.iter().map(|(module, needs)| (module.as_str(), needs.iter().map(String::as_str).collect()));
    let found = circles(&edges.collect());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_edges_of_the_service_are_imported_from_outside_only() {
    let modules = module_edges(&Graph::read());
    for (module, allowed) in IMPORTERS {
        let module = format!("src::{module}");
        let importers = modules.iter().filter(|(_, needs)| needs.contains(&module)).map(|(importer, _)| importer);
        let importers: BTreeSet<_> = importers.map(|importer| importer.trim_start_matches("src::")).collect();
        assert_eq!(importers, allowed.iter().copied().collect(), "{module} is imported by these modules");
    }
}

/// The modules directly below the root of a crate, and what each needs.
fn module_edges(graph: &Graph) -> BTreeMap<String, BTreeSet<String>> {
    let module_of = |path: &ModulePath| path.iter().take(2).cloned().collect::<Vec<_>>().join("::");
    let modules: BTreeMap<_, _> =
        graph.modules.iter().map(|(path, module)| (module.file.as_str(), module_of(path))).collect();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, needs) in graph.edges() {
        let module = &modules[file];
        let needs = needs.iter().map(|needed| modules[needed].clone()).filter(|needed| needed != module);
        edges.entry(module.clone()).or_default().extend(needs);
    }
    edges
}

#[test]
fn a_circle_is_found_wherever_it_begins() {
    let edges = BTreeMap::from([
        ("a", BTreeSet::from(["b"])),
        ("b", BTreeSet::from(["c"])),
        ("c", BTreeSet::from(["b", "d"])),
        ("d", BTreeSet::new()),
    ]);
    assert_eq!(circles(&edges), [["b", "c"]]);
}
