# What a change has to pass, and what CI runs: formatting, clippy, docs, tests, the instructions of a cached answer
check:
    bash .ci/run

# The tests, all or those whose name has the words: `just test coalesced`
test *words:
    cargo test --locked {{ words }}

# Service, Cognito emulator and a demo sign-in on this machine, no AWS account needed
run *arguments:
    cargo run --locked -- dev {{ arguments }}

# The docs of the inner workings too, opened in the browser
docs:
    cargo doc --locked --no-deps --document-private-items --open

# Lets made-up bytes at every parser that faces the network, two minutes each; `just fuzz 3600` an hour each (needs a
# nightly toolchain, a C++ compiler and cargo-fuzz)
fuzz seconds="120":
    cp Cargo.lock fuzz/ # what is fuzzed is what is built
    for target in headers claims jws key_set bodies forwarded; do \
        mkdir -p fuzz/corpus/$target && \
        cargo +nightly fuzz run -s none $target fuzz/corpus/$target fuzz/seeds/$target -- \
            -max_total_time={{ seconds }} -max_len=16384 -print_final_stats=1 || exit 1; \
    done

# Licences, bans, sources and known vulnerabilities of the dependencies (needs cargo-deny)
deny:
    cargo deny --locked check

# Builds the container image and uses it; needs Debian and root, but no container daemon
image:
    deploy/container/build-and-check.sh

# Renders the Kubernetes manifests
manifests:
    deploy/kubernetes/check.sh

# Measures tokenvend beside a bare actix-web handler and its peers, about 20 minutes; with --quick 4. See benches/README.md
bench *arguments:
    benches/peers/install.sh
    cargo build --release --locked
    cargo bench --locked --bench hot_path -- {{ arguments }}

# What the pieces of a cached answer cost, each alone
bench-pieces *arguments:
    cargo bench --locked --bench pieces -- {{ arguments }}

# Counts the instructions of a cached answer and compares them with benches/instructions.json; --accept replaces it
instructions *arguments:
    cargo build --release --locked
    cargo bench --locked --bench hot_path -- instructions {{ arguments }}

# Puts the figures of the last `just bench` into docs/performance.md
bench-page:
    cargo bench --locked --bench hot_path -- page target/bench/hot_path.json
