# The image contains the program, the three libraries that it links, and root certificates. It contains no other
# executable: no shell, no package manager. `deploy/container/build-and-check.sh` builds and tests it without a daemon.
#
# Pin both base images by digest if builds must be reproducible. They must be the same Debian release, or RUNTIME_IMAGE
# a later one: the program is linked against the C library of the builder, and runs with that of the runtime.
ARG BUILDER_IMAGE=rust:1-slim-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${BUILDER_IMAGE} AS builder
WORKDIR /build
# Builds the dependencies alone, with an empty program: this layer is reused until Cargo.toml, Cargo.lock or a crate of
# the workspace change. Benchmarks and the like are removed from the manifests, because their files are absent. AWS-LC
# needs a C compiler but no CMake: for Linux it ships its bindings. The image contains no emulator: `tokenvend dev` and
# `tokenvend emulator` are for development, and mint tokens for every request.
ARG BUILD_ARGUMENTS="--package tokenvend --no-default-features --features aws-cli"
COPY Cargo.toml Cargo.lock ./
COPY crates crates
RUN sed -i '/^\[\[/,/^$/d' Cargo.toml \
    && sed -i '/^\[\[test/,/^$/d' crates/*/Cargo.toml \
    && mkdir src \
    && touch src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked $BUILD_ARGUMENTS \
    && rm -r src
COPY config config
COPY docs/openapi docs/openapi
COPY src src
# Copied sources keep their old timestamps, so cargo would consider the empty program newer.
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked $BUILD_ARGUMENTS

FROM ${RUNTIME_IMAGE} AS rootfs
COPY --from=builder /build/target/release/tokenvend /rootfs/usr/local/bin/tokenvend
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/ca-certificates.crt
WORKDIR /rootfs
# Each library is copied with the record of its Debian package, which vulnerability scanners read, and with its licence.
# Since glibc 2.34 the C library resolves names itself, without loading plug-ins.
RUN set -eu; \
    libraries=$(ldd usr/local/bin/tokenvend | grep -o '/[^ ]*' | grep -v '^/rootfs'); \
    ! ldd usr/local/bin/tokenvend | grep 'not found'; \
    mkdir -p etc var/lib/dpkg/status.d; \
    for library in $libraries; do \
        mkdir -p ".${library%/*}"; \
        cp -L "$library" ".$library"; \
        package=$(dpkg-query --search "*/${library##*/}" | head -n 1 | cut -d : -f 1); \
        dpkg-query --status "$package" > "var/lib/dpkg/status.d/$package"; \
        mkdir -p "usr/share/doc/$package"; \
        cp "/usr/share/doc/$package/copyright" "usr/share/doc/$package/copyright"; \
    done; \
    cp -L /etc/os-release etc/os-release; \
    echo 'hosts: files dns' > etc/nsswitch.conf; \
    echo 'tokenvend:x:65532:65532::/nonexistent:/usr/sbin/nologin' > etc/passwd; \
    echo 'tokenvend:x:65532:' > etc/group; \
    chmod -R u=rwX,go=rX .

FROM scratch
COPY --from=rootfs /rootfs /
# Numeric, so that Kubernetes can verify that it is not root.
USER 65532:65532
# Loopback would be the container's own. The environment overrides a configuration file: to listen elsewhere, set this
# variable. The admin listener stays on loopback unless TOKENVEND__ADMIN__LISTEN says otherwise.
ENV TOKENVEND__HTTP__LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 \
    CMD ["/usr/local/bin/tokenvend", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/tokenvend"]
CMD ["serve"]
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tokenvend" \
    org.opencontainers.image.description="A token-vending service for Amazon Cognito developer-authenticated identities" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
