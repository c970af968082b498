//! The `tokenvend` command: parse, run one command, exit code. Everything else is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// An answer is a few small pieces of memory that come and go: with this allocator that takes half the time that it
/// takes with the C library's. Measured in docs/performance.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    tokenvend::cli::main()
}
