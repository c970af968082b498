//! The `tokenvend` command: parse, run one command, exit code. Everything else is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A response is a few small allocations. They take half the time that the C library's allocator needs, as measured in
/// docs/performance.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    tokenvend::cli::main()
}
