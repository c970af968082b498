# Lists the recipes
default:
    @just --list

# Checks all that a change must pass, the same as CI, or some of its stages: `just check format lint`
check *stages:
    .ci/run {{ stages }}

# Runs `check` and what does not fit into it: manifests, example project, container image, dependencies
check-all: check manifests example image deny

# Runs the tests, all of them or those whose name contains the words: `just test coalesced`
test *words:
    cargo test --locked {{ words }}

# Runs the tests of the Cognito emulator alone
test-emulator *words:
    cargo test --locked --package cognito-emulator {{ words }}

# Runs the tests of the AWS CLI replacement alone
test-aws-cli *words:
    cargo test --locked --package aws-cli-compat {{ words }}

# Runs the tests of the example project, which uses the emulator in its own tests
example:
    cargo test --manifest-path examples/emulator-in-tests/Cargo.toml --target-dir target/example

# Applies the suggestions of clippy and formats the code; also with uncommitted changes
fix:
    cargo clippy --workspace --all-targets --locked --fix --allow-dirty --allow-staged
    cargo fmt --all

# Starts the service, a Cognito emulator and a demo sign-in on this machine; no AWS account needed
run *arguments:
    cargo run --locked --package tokenvend -- dev {{ arguments }}

# Builds the documentation, private items included, and opens it in the browser
docs:
    cargo doc --workspace --locked --no-deps --document-private-items --open

# Checks the GitHub workflows with check-jsonschema and zizmor, both from PyPI
workflows:
    .ci/check-workflows

# Fuzzes the parsers that face the network, two minutes each, or SECONDS (needs nightly, a C++ compiler and cargo-fuzz)
fuzz seconds="120":
    cp Cargo.lock fuzz/ # the fuzzed dependencies are those of the build
    for target in headers claims jws key_set bodies forwarded http1_messages; do \
        mkdir -p fuzz/corpus/$target && \
        cargo +nightly fuzz run -s none $target fuzz/corpus/$target fuzz/seeds/$target -- \
            -max_total_time={{ seconds }} -max_len=16384 -print_final_stats=1 || exit 1; \
    done

# Checks the dependencies' licences, bans, sources and advisories (no gate: compile cargo-deny first; it needs a database)
deny:
    cargo deny --locked check

# Builds the container image and uses it; needs Debian and root, but no container daemon
image:
    deploy/container/build-and-check.sh

# Renders the Kubernetes manifests
manifests:
    deploy/kubernetes/check.sh

# Measures tokenvend, a bare actix-web handler and the peers, in 20 minutes, --quick: in 4; see benches/README.md
bench *arguments:
    benches/peers/install.sh
    cargo build --release --locked --package tokenvend
    cargo bench --locked --package tokenvend --bench hot_path -- {{ arguments }}

# Measures the parts of a cache hit, each alone
bench-pieces *arguments:
    cargo bench --locked --package tokenvend --bench pieces -- {{ arguments }}

# Counts the instructions of a cache hit and compares them with benches/instructions.json; --accept replaces it
instructions *arguments:
    cargo build --release --locked --package tokenvend
    cargo bench --locked --package tokenvend --bench hot_path -- instructions {{ arguments }}

# Puts the figures of the last `just bench` into docs/performance.md
bench-page:
    cargo bench --locked --package tokenvend --bench hot_path -- page target/bench/hot_path.json
