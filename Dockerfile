# The image holds the program, the three libraries that it links, root certificates, and nothing that could be run
# instead: no shell, no package manager. `deploy/container/build-and-check.sh` builds and uses it without a daemon.
#
# Pin both by digest where builds must be repeatable. They have to be Debian of the same release, or RUNTIME_IMAGE a
# later one: the program is linked against the first's C library and carries the second's.
ARG BUILDER_IMAGE=rust:1-slim-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${BUILDER_IMAGE} AS builder
WORKDIR /build
# The dependencies alone, against an empty program: this layer holds until Cargo.toml or Cargo.lock change. Benches
# and the like are struck from the manifest, whose files are not here. AWS-LC needs a C compiler and no CMake: for
# Linux it ships its bindings.
COPY Cargo.toml Cargo.lock ./
RUN sed -i '/^\[\[/,/^$/d' Cargo.toml \
    && mkdir src \
    && touch src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cargo build --release --locked \
    && rm -r src
COPY config config
COPY src src
# Sources keep their old dates when copied, so cargo would take the empty program for newer.
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked

FROM ${RUNTIME_IMAGE} AS rootfs
COPY --from=builder /build/target/release/tokenvend /rootfs/usr/local/bin/tokenvend
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/ca-certificates.crt
WORKDIR /rootfs
# Each library goes to its place with the record of its Debian package, where scanners look for what to patch, and
# with its licence. Since glibc 2.34 names are resolved by the C library itself, without plug-ins to load.
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
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
# Loopback would be the container's own. The environment wins over a configuration file: to listen elsewhere, set
# this. The admin listener stays on loopback until TOKENVEND__ADMIN__LISTEN says otherwise.
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
