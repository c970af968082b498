//! The words of `docs/glossary.md`: no name and no page uses the private ones that they replaced.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use crate::sources::{SourceFile, files_below, production_code, root};

/// Words that are no part of any name.
const BANNED: &[&str] = &[
    "behalf",
    "bookmark",
    "bookmarks",
    "books",
    "carrier",
    "carriers",
    "desk",
    "desks",
    "door",
    "doors",
    "fate",
    "fates",
    "hops",
    "leaving",
    "misfortune",
    "misfortunes",
    "naysay",
    "noes",
    "ration",
    "rations",
    "shelf",
    "shelves",
    "survey",
    "surveys",
    "told",
    "turnstile",
    "turnstiles",
    "twins",
    "vouch",
    "vouches",
    "ware",
    "wares",
    "wish",
    "wishes",
    "witness",
    "witnesses",
];

/// Persons as actors where the actor is a component or a role.
const PERSONS: [&str; 3] = ["whoever", "nobody", "somebody"];

/// The connection code, which a server built on hyper replaces.
const EXEMPT: [&str; 7] = [
    "src/http/door.rs",
    "src/http/h2.rs",
    "src/http/h2_bodies.rs",
    "src/http/h2_messages.rs",
    "src/http/handshake.rs",
    "src/http/listener.rs",
    "src/http/socket.rs",
];

fn is_exempt(path: &str) -> bool {
    EXEMPT
        .iter()
        .any(|exempt| path == *exempt || path.starts_with(&format!("{exempt}/")) || path == format!("{exempt}.rs"))
}

/// The words of a name in snake_case, kebab-case or CamelCase.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_after_lower = false;
    for part in name.split(|character: char| !character.is_ascii_alphanumeric()) {
        let mut word = String::new();
        for character in part.chars() {
            if character.is_ascii_uppercase() && is_after_lower {
                words.push(std::mem::take(&mut word));
            }
            is_after_lower = character.is_ascii_lowercase() || character.is_ascii_digit();
            word.push(character.to_ascii_lowercase());
        }
        is_after_lower = false;
        words.push(word);
    }
    words.retain(|word| !word.is_empty());
    words
}

#[derive(Default)]
struct Names(BTreeSet<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let name = match item {
            syn::Item::Const(item) => Some(&item.ident),
            syn::Item::Enum(item) => Some(&item.ident),
            syn::Item::Macro(item) => item.ident.as_ref(),
            syn::Item::Mod(item) => Some(&item.ident),
            syn::Item::Static(item) => Some(&item.ident),
            syn::Item::Struct(item) => Some(&item.ident),
            syn::Item::Trait(item) => Some(&item.ident),
            syn::Item::Type(item) => Some(&item.ident),
            _ => None,
        };
        self.0.extend(name.map(ToString::to_string));
        visit::visit_item(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.0.insert(signature.ident.to_string());
        visit::visit_signature(self, signature);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.0.extend(field.ident.as_ref().map(ToString::to_string));
        visit::visit_field(self, field);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.0.insert(variant.ident.to_string());
        visit::visit_variant(self, variant);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.0.insert(item.ident.to_string());
        visit::visit_impl_item_const(self, item);
    }
}

/// The names that a file defines: of Rust items, or of keys.
fn names(file: &SourceFile) -> BTreeSet<String> {
    let mut names = Names::default();
    names.0.insert(file.path.clone());
    if file.path.ends_with(".rs") {
        names.visit_file(&syn::parse_file(&file.text).unwrap());
        // What macros declare: metrics, labels, problem types. Their definitions are `name: Type` or `Name => "text"`.
        for line in file.text.lines().map(str::trim) {
            let declared = line.split_once(": ").or_else(|| line.split_once(" => ")).map(|(name, _)| name);
            let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            names.0.extend(declared.filter(is_name).map(str::to_owned));
        }
    } else {
        for line in file.text.lines() {
            let line = line.trim().trim_start_matches("# ").trim_start_matches(['[', '"', '-', ' ']);
            let key = line.split(['=', ':', ']', '"']).next().unwrap_or_default().trim();
            let is_key = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
            names.0.extend(is_key.then(|| key.to_owned()));
        }
    }
    names.0
}

#[test]
fn no_name_contains_a_banned_word() {
    let mut files = production_code();
    files.extend(files_below("tests", &["rs"]));
    files.extend(files_below("config", &["toml"]));
    files.extend(files_below("deploy", &["toml", "yaml", "json"]));
    for crate_folder in ["aws-cli-compat", "cognito-emulator"] {
        files.extend(files_below(&format!("crates/{crate_folder}/tests"), &["rs"]));
    }
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !is_exempt(&file.path) && file.path != "tests/architecture/vocabulary.rs") {
        for name in names(file) {
            let is_exempt_module = name == "door" && file.path == "src/http.rs";
            let banned = words(&name).into_iter().find(|word| BANNED.contains(&word.as_str()));
            if let Some(word) = banned.filter(|_| !is_exempt_module) {
                found.push(format!("{}: {name} ({word})", file.path));
            }
        }
    }
    assert!(found.is_empty(), "{} names:\n{}", found.len(), found.join("\n"));
}

fn persons(files: &[SourceFile]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            let words = line.split(|character: char| !character.is_ascii_alphabetic()).map(str::to_ascii_lowercase);
            let persons = words.filter(|word| PERSONS.contains(&word.as_str()));
            found.extend(persons.map(|word| format!("{}:{}: {word}", file.path, number + 1)));
        }
    }
    found
}

#[test]
fn documentation_and_configuration_name_the_actor() {
    let mut files = files_below("docs", &["md", "json"]);
    files.extend(files_below("config", &["toml"]));
    files.extend(files_below("deploy", &["md", "toml", "yaml", "json", "service", "sh"]));
    for name in ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let text = std::fs::read_to_string(root().join(name)).unwrap();
        files.push(SourceFile { path: name.to_owned(), text });
    }
    // The style guide quotes them.
    files.retain(|file| file.path != "docs/STYLE.md");
    let found = persons(&files);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn code_names_the_actor() {
    let found = persons(&production_code());
    assert!(found.len() <= 25, "{} places:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_name_is_split_into_its_words() {
    assert_eq!(words("UserQuota"), ["user", "quota"]);
    assert_eq!(words("max_body_bytes"), ["max", "body", "bytes"]);
    assert_eq!(words("src/http/h2-bodies.rs"), ["src", "http", "h2", "bodies", "rs"]);
    assert_eq!(words("outdoors"), ["outdoors"]);
}
