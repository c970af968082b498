# What a change has to pass, and what CI runs: formatting, clippy, docs, tests
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

# Licences, bans, sources and known vulnerabilities of the dependencies (needs cargo-deny)
deny:
    cargo deny --locked check

# Builds the container image and uses it; needs Debian and root, but no container daemon
image:
    deploy/container/build-and-check.sh

# Renders the Kubernetes manifests
manifests:
    deploy/kubernetes/check.sh
