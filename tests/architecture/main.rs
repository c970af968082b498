//! Properties of the source text: no circular imports, libraries confined to their modules, the vocabulary of
//! `docs/glossary.md`.

#![expect(clippy::panic, clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod dependencies;
mod import_graph;
mod sources;
mod vocabulary;
