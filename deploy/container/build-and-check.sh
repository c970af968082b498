#!/usr/bin/env bash
# Builds and tests the container image, on a Debian machine without a container daemon and without a registry to pull
# from.
#
#   deploy/container/build-and-check.sh [DIRECTORY]
#
# The script makes the base images: Debian by debootstrap, from the mirror that apt is configured with, and this
# machine's own Rust toolchain. Cargo downloads outside the image, as it is configured to, and builds inside without a
# network. The image then runs as its own user in a separate network namespace, so that ports cannot conflict and AWS is
# unreachable. A Cognito emulator runs beside it there: built outside, because the image contains none.
#
# Needs root and a Rust toolchain with its own sysroot (rustup's). Installs missing Debian packages. With DIRECTORY,
# base images and layers are kept there for the next run; without it, everything is removed. TOKENVEND_REPOSITORY builds
# another checkout than this script's.
set -euo pipefail

repository=${TOKENVEND_REPOSITORY:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
image=localhost/tokenvend:check
netns=tokenvend-check-$$
server=
emulator=

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

((EUID == 0)) || fail "needs root, to create a chroot and a network namespace"
sysroot=$(rustc --print sysroot)
[[ $sysroot != /usr && -x $sysroot/bin/cargo ]] || fail "the toolchain in $sysroot cannot be mounted separately"

if (($# > 0)); then
    mkdir -p "$1"
    work=$(cd "$1" && pwd)
    stays=yes
else
    work=$(mktemp -d)
    stays=
fi

# Separate storage, so that the machine's own is not touched. vfs needs no kernel support.
buildah() {
    command buildah --root "$work/storage" --runroot "$work/run" --storage-driver "${STORAGE_DRIVER:-vfs}" "$@"
}

finish() {
    local code=$?
    if [[ -n $server ]] && kill -0 "$server" 2>/dev/null; then
        stop_program KILL || true
        wait "$server" || true
    fi
    if [[ -n $emulator ]]; then
        kill "$emulator" 2>/dev/null || true
        wait "$emulator" || true
    fi
    ip netns delete "$netns" 2>/dev/null || true
    buildah rm --all >/dev/null 2>&1 || true
    [[ -n $stays ]] || rm -rf --one-file-system "$work"
    exit "$code"
}

# The process of the program: a descendant of `buildah run`, which does not forward signals.
program_of() {
    local child
    for child in $(pgrep --parent "$1"); do
        if [[ $(cat "/proc/$child/comm" 2>/dev/null) == tokenvend ]]; then
            say "$child"
        else
            program_of "$child"
        fi
    done
}

stop_program() {
    local program
    program=$(program_of "$server")
    [[ -n $program ]] && kill "-$1" "$program"
}

install_missing() {
    local -A package_of=([buildah]=buildah [debootstrap]=debootstrap [ip]=iproute2 [jq]=jq [curl]=curl [pgrep]=procps
        [openssl]=openssl)
    local tool missing=()
    for tool in "${!package_of[@]}"; do
        # Not `command -v`: it would find the function `buildah` above.
        type -P "$tool" >/dev/null || missing+=("${package_of[$tool]}")
    done
    # Also if no tool is missing, because the machine's package lists may still be empty.
    apt-get update --quiet=2
    ((${#missing[@]} == 0)) && return
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}"
}

# The mirror from which apt gets the release $1.
mirror_of() {
    # shellcheck disable=SC2016 # apt expands this
    apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Component: main" "Codename: $1" | head -n 1
}

# Makes the base image $1 from Debian's essential packages and the additional ones in $2.
make_base() {
    local name=$1 packages=$2 release mirror container
    buildah images --quiet "localhost/$name" >/dev/null 2>&1 && return
    # shellcheck source=/dev/null
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    mirror=$(mirror_of "$release")
    [[ -n $mirror ]] || fail "apt has no mirror for $release"
    mkdir -p "$work/packages"
    rm -rf --one-file-system "${work:?}/$name"
    debootstrap --variant=minbase --cache-dir="$work/packages" ${packages:+--include="$packages"} \
        "$release" "$work/$name" "$mirror" >"$work/$name.log" 2>&1 || {
        tail -n 20 "$work/$name.log" >&2
        fail "debootstrap"
    }
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$work/$name" / >/dev/null
    buildah config --env PATH=/usr/local/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin --env CARGO_HOME=/usr/local/cargo \
        --env CARGO_NET_OFFLINE=true "$container"
    buildah commit --quiet --rm "$container" "localhost/$name" >/dev/null
    rm -rf --one-file-system "${work:?}/$name"
}

build() {
    (cd "$repository" && cargo fetch --locked --quiet)
    buildah bud --isolation chroot --format docker --pull-never --layers \
        --build-arg BUILDER_IMAGE=localhost/builder --build-arg RUNTIME_IMAGE=localhost/runtime \
        --build-arg REVISION="$(git -C "$repository" rev-parse HEAD 2>/dev/null || echo unknown)" \
        --volume "$sysroot:/usr/local/rust:ro" \
        --volume "${CARGO_HOME:-$HOME/.cargo}/registry:/usr/local/cargo/registry:ro" \
        --tag "$image" "$repository" >"$work/build.log" 2>&1 || {
        tail -n 50 "$work/build.log" >&2
        fail "the build"
    }
}

# Builds the emulator outside the image, in the checkout's own target directory.
build_emulator() {
    emulator_program=$(cd "$repository" && cargo build --locked --quiet --package cognito-emulator \
        --message-format json | jq --raw-output 'select(.executable) | .executable' | tail -n 1)
    [[ -x $emulator_program ]] || fail "the emulator was not built"
}

# Starts the emulator with its default pool and access key.
start_emulator() {
    local tries
    ip netns exec "$netns" "$emulator_program" >"$work/emulator.log" 2>&1 &
    emulator=$!
    for ((tries = 0; tries < 50; tries++)); do
        ask --fail --output /dev/null http://127.0.0.1:8082/.well-known/jwks_uri 2>/dev/null && return
        kill -0 "$emulator" 2>/dev/null || break
        sleep 0.2
    done
    cat "$work/emulator.log" >&2
    fail "the emulator does not answer"
}

# A value of the image's configuration, by a jq path; lists are printed one item a line.
configured() { buildah inspect --type image "$image" | jq --raw-output ".Docker.config$1"; }

in_image() { ip netns exec "$netns" "${buildah_run[@]}" "$container" -- "$@"; }

# The service with the emulator as Cognito, and a shared secret for the app's tokens.
serve() {
    ip netns exec "$netns" "${buildah_run[@]}" \
        --env TOKENVEND__UPSTREAM__ENDPOINT_URL=http://127.0.0.1:8082 \
        --env TOKENVEND__POOLS__MAIN__IDENTITY_POOL_ID=us-east-1:00000000-0000-4000-8000-000000000001 \
        --env TOKENVEND__POOLS__MAIN__DEVELOPER_PROVIDER=login.tokenvend.example \
        --env TOKENVEND__AUTH__APP__ISSUER=https://app.example \
        --env TOKENVEND__AUTH__APP__AUDIENCE=tokenvend \
        --env TOKENVEND__AUTH__APP__ALGORITHMS=HS256 \
        --env "TOKENVEND__AUTH__APP__SECRET=$app_secret" \
        --env AWS_ACCESS_KEY_ID=AKIAEMULATOR \
        --env AWS_SECRET_ACCESS_KEY=emulator-secret-good-for-nothing \
        "$container" -- "${entrypoint[@]}" serve
}

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# A token of the app for the user $1.
signed_in() {
    local message
    message=$(printf '{"alg":"HS256","typ":"JWT"}' | base64url).$(jq --null-input --compact-output --join-output \
        --arg user "$1" '{iss: "https://app.example", aud: "tokenvend", sub: $user, exp: (now + 600 | floor)}' |
        base64url)
    say "$message.$(printf '%s' "$message" | openssl dgst -sha256 -hmac "$app_secret" -binary | base64url)"
}

# Runs the image's own health check command.
health() { in_image "${health_words[@]}"; }

ask() { ip netns exec "$netns" curl --silent --show-error --max-time 5 "$@"; }

check_contents() {
    local root found
    root=$(buildah mount "$container")
    found=$(find "$root" -xdev -perm /6000)
    [[ -z $found ]] || fail "setuid or setgid: $found"
    found=$(find "$root" -xdev \( ! -user 0 -o ! -type l -perm /0022 \))
    [[ -z $found ]] || fail "writable by the program's user: $found"
    found=$(find "$root" -xdev -type f -perm /0111 ! -name '*.so*' ! -path "$root/usr/local/bin/tokenvend")
    [[ -z $found ]] || fail "executable besides the program: $found"
    say "$(find "$root" -xdev -type f | wc -l) files, none setuid, no executable but the program"
    say "size: $(du -s --apparent-size --block-size=kB "$root" | cut -f 1)," \
        "gzipped $(tar -C "$root" -c . | gzip | wc -c | numfmt --to=si)B"
    find "$root" -xdev -type f -printf '%s\t/%P\n' | sort -rn | head -n 5
    buildah unmount "$container" >/dev/null
}

# The image has no emulator: `tokenvend dev` and `tokenvend emulator` are not commands of its program.
check_commands() {
    local command code output
    for command in dev emulator; do
        code=0
        output=$(in_image "${entrypoint[@]}" "$command" 2>&1) || code=$?
        ((code == 64)) || fail "tokenvend $command exits with $code: $output"
        grep -qF "unrecognized subcommand '$command'" <<<"$output" || fail "tokenvend $command: $output"
        say "$command: $(head -n 1 <<<"$output")"
    done
    output=$(in_image "${entrypoint[@]}" --help)
    ! grep -E '^ +(dev|emulator) ' <<<"$output" || fail "the help shows a command of development"
    grep -qE '^ +get-open-id-token-for-developer-identity' <<<"$output" || fail "the AWS CLI's command is missing"
}

check_process() {
    local program status
    program=$(program_of "$server")
    [[ -n $program ]] || fail "the program's process was not found"
    status=$(grep -E '^(Uid|Gid|CapEff|CapPrm):' "/proc/$program/status")
    say "$status"
    grep -qE '^Uid:\s65532\s65532\s65532\s65532$' <<<"$status" || fail "the program does not run as uid 65532"
    grep -qE '^CapEff:\s0+$' <<<"$status" || fail "the program has capabilities"
}

check_health() {
    local tries
    if health 2>"$work/health"; then fail "the health check succeeds although the program is not running"; fi
    say "before the start: failing ($(head -n 1 "$work/health"))"
    serve >"$work/program.log" 2>&1 &
    server=$!
    for ((tries = 0; tries < 100; tries++)); do
        if health 2>/dev/null; then
            say "healthy at attempt $((tries + 1))"
            return
        fi
        kill -0 "$server" 2>/dev/null || break
        sleep 0.2
    done
    cat "$work/program.log" >&2
    fail "the health check did not succeed"
}

check_token() {
    local bearer answer
    in_image "${entrypoint[@]}" healthcheck --url http://localhost:8080/livez || fail "name resolution does not work"
    bearer=$(signed_in alice)
    for _ in first second; do
        answer=$(ask --fail-with-body --request POST --header "Authorization: Bearer $bearer" \
            --write-out '\n%header{tokenvend-cache}' http://127.0.0.1:8080/v1/token) || fail "no token: $answer"
        [[ $(head -n 1 <<<"$answer" | jq --raw-output '.token | length') -gt 100 ]] || fail "no token: $answer"
        say "a token for $(head -n 1 <<<"$answer" | jq --raw-output '.identityId') ($(tail -n 1 <<<"$answer"))"
    done
}

check_stop() {
    local code=0 begin=$EPOCHREALTIME
    stop_program "$(configured .StopSignal | sed 's/^SIG//')"
    wait "$server" || code=$?
    server=
    ((code == 0)) || fail "the program exited with $code: $(tail -n 5 "$work/program.log")"
    say "exited with 0 after $(jq -n "$EPOCHREALTIME - $begin | . * 100 | round / 100") s"
    if health 2>/dev/null; then fail "the health check succeeds although the program has exited"; fi
    say "the health check fails again"
}

# The example configurations in deploy/ are valid for the program in the image.
check_configurations() {
    local file variables
    for file in "$repository"/deploy/kubernetes/{base,overlays/*}/tokenvend.toml; do
        say "${file#"$repository/"}:"
        buildah run --isolation chroot --volume "$file:/etc/tokenvend/tokenvend.toml:ro" "$container" -- \
            "${entrypoint[@]}" check-config --config /etc/tokenvend/tokenvend.toml
    done
    file=deploy/ecs/task-definition.json
    say "$file:"
    mapfile -t variables < <(jq --raw-output \
        '.containerDefinitions[0].environment[] | "--env=\(.name)=\(.value)"' "$repository/$file")
    buildah run --isolation chroot "${variables[@]}" "$container" -- "${entrypoint[@]}" check-config
}

trap finish EXIT
trap 'exit 130' INT TERM
cd "$work" # buildah and ip want a directory that they can leave

step "tools"
install_missing
say "$(command buildah --version), $(rustc --version)"

step "base images"
make_base builder gcc,libc6-dev,ca-certificates
make_base runtime ""
buildah images --filter dangling=false --format '{{.Name}} {{.Size}}'

step "build"
SECONDS=0
build
build_emulator
say "built in $SECONDS s"

step "contents"
container=$(buildah from "$image")
# `ip netns exec` runs programs, not functions of this shell.
buildah_run=("$(command -v buildah)" --root "$work/storage" --runroot "$work/run"
    --storage-driver "${STORAGE_DRIVER:-vfs}" run --isolation chroot)
mapfile -t entrypoint < <(configured '.Entrypoint[]')
[[ $(configured '.Healthcheck.Test[0]') == CMD ]] || fail "the image has no health check of the exec form"
mapfile -t health_words < <(configured '.Healthcheck.Test[1:][]')
say "user $(configured .User), entrypoint ${entrypoint[*]}, command $(configured '.Cmd | join(" ")')"
say "health check: ${health_words[*]}"
check_contents

step "commands"
ip netns add "$netns"
ip -netns "$netns" link set lo up
check_commands

step "health"
app_secret=$(openssl rand -hex 32)
start_emulator
check_health

step "process"
check_process

step "token"
check_token

step "stop"
check_stop

step "configurations"
check_configurations

say
say "All checks passed."
