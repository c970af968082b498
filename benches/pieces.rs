//! Benchmark of the parts of a hit, each alone: `cargo bench --bench pieces`. `hot_path` measures the whole hit, and
//! `just instructions` counts its instructions.

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark: a failed setup ends it")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{self, EcdsaKeyPair, KeyPair as _};
use aws_lc_rs::{rand, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clock::{SharedClock, SystemClock, Timestamp};
use cognito_emulator::{DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL};
use cognito_types::{IdentityId, PrincipalTags};
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use tokenvend::auth::{AuthRequest, AuthenticatorChain, Caller, HeaderView, Subject};
use tokenvend::config::{self, ConfigSource, Environment, Settings};
use tokenvend::issuer::credentials::{CredentialsIssuer, CredentialsRequest, IssuedCredentials};
use tokenvend::issuer::{IssueError, IssueErrorKind, IssueRequest, IssuedToken, TokenIssuer};
use tokenvend::metrics::Metrics;
use tokenvend::token::OpenIdToken;
use tokenvend::vending::freshness::{RefreshPolicy, Requirements};
use tokenvend::vending::{TokenRequest, TokenVendor};

/// Token issuer without Cognito.
#[derive(Debug)]
struct LocalIssuer(SharedClock);

impl TokenIssuer for LocalIssuer {
    fn issue<'a>(&'a self, request: &'a IssueRequest) -> BoxFuture<'a, Result<IssuedToken, IssueError>> {
        let identity = IdentityId::parse("us-east-1:00000000-0000-4000-8000-00000000cafe").expect("an id");
        let (now, provider) = (self.0.now().as_secs(), request.provider.as_str());
        let long = format!("{provider}:{}:{}", request.pool.as_str(), request.user.as_str());
        let tags: BTreeMap<_, _> = request.tags.iter().map(|(key, value)| (key, [value])).collect();
        let claims = json!({
            "iss": "https://cognito-identity.amazonaws.com", "aud": request.pool.as_str(), "iat": now,
            "sub": identity.as_str(), "amr": ["authenticated", provider, long],
            "https://aws.amazon.com/tags": { "principal_tags": tags },
            "exp": now + i64::from(request.duration.seconds()),
        });
        let encode = |part: String| URL_SAFE_NO_PAD.encode(part);
        let header = json!({"alg": "RS512", "kid": "bench"}).to_string();
        let signature = URL_SAFE_NO_PAD.encode([0xB5; 256]);
        let token = format!("{}.{}.{signature}", encode(header), encode(claims.to_string()));
        async move { Ok(IssuedToken { identity, token: OpenIdToken::new(token), request_id: None }) }.boxed()
    }
}

impl CredentialsIssuer for LocalIssuer {
    fn issue_credentials<'a>(
        &'a self,
        _: &'a CredentialsRequest,
    ) -> BoxFuture<'a, Result<IssuedCredentials, IssueError>> {
        async { Err(IssueError::new(IssueErrorKind::Unavailable, "none here")) }.boxed()
    }
}

/// Headers of a request with a bearer token.
struct Bearer(String);

impl HeaderView for Bearer {
    fn each_value<'h>(&'h self, name: &str, show: &mut dyn FnMut(&'h [u8])) {
        if name == "authorization" {
            show(self.0.as_bytes());
        }
    }
    fn each_name<'h>(&'h self, show: &mut dyn FnMut(&'h str)) {
        show("authorization");
    }
}

/// Generates a key of the app; returns its public key as PEM, and a bearer token.
fn sign_bearer(algorithm: &str, clock: &dyn clock::Clock) -> (String, Bearer) {
    let header = json!({"alg": algorithm, "typ": "JWT"}).to_string();
    let claims = json!({
        "iss": "https://app.example", "aud": "tokenvend", "sub": "user-0000001",
        "exp": clock.now().as_secs() + 7200, "team": "red", "groups": ["staff", "ops"],
    });
    let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", encode(header.as_bytes()), encode(claims.to_string().as_bytes()));
    let random = rand::SystemRandom::new();
    let (public, signature): (PublicKeyX509Der<'_>, Vec<u8>) = if algorithm == "RS256" {
        let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect("a key");
        let mut signed = vec![0; key.public_modulus_len()];
        key.sign(&signature::RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signed).expect("a signature");
        (key.public_key().as_der().expect("a public key"), signed)
    } else {
        let key = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let signed = key.sign(&random, message.as_bytes()).expect("a signature");
        (key.public_key().as_der().expect("a public key"), signed.as_ref().to_vec())
    };
    let pem = pem::encode(&pem::Pem::new("PUBLIC KEY", public.as_ref()));
    (pem, Bearer(format!("Bearer {message}.{}", encode(&signature))))
}

/// The settings, and the key file that the authenticator reads at start.
fn settings(algorithm: &str, cache_ttl: &str, pem: &str) -> (Settings, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), pem).expect("a key file");
    let text = format!(
        "[pools.main]\nidentity_pool_id = \"{DEFAULT_POOL}\"\ndeveloper_provider = \"{DEFAULT_DEVELOPER_PROVIDER}\"\n\
         [pools.main.tags]\nteam = \"{{team}}\"\nstage = \"prod\"\n\
         [pools.main.allow.staff]\nclaims = {{ groups = [\"staff\"] }}\n\
         [auth.app]\nissuer = \"https://app.example\"\naudience = [\"tokenvend\"]\ncache_ttl = \"{cache_ttl}\"\n\
         algorithms = [\"{algorithm}\"]\nkey_file = {:?}\n",
        file.path()
    );
    let document = ConfigSource { name: "bench".to_owned(), text };
    (config::load(&[document], &Environment::default()).expect("settings").settings, file)
}

fn presented(bearer: &Bearer) -> AuthRequest<'_> {
    AuthRequest { headers: bearer, peer: None, certificate: None, is_from_allowed_page: false }
}

struct Bench {
    runtime: tokio::runtime::Runtime,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl Bench {
    fn authenticator(&self, settings: &Settings) -> AuthenticatorChain {
        let wanted = settings.pools.used_claims();
        let room = settings.max_auth_cache_entries;
        let start =
            AuthenticatorChain::start(&settings.auth, &settings.users, wanted, room, &self.clock, &self.metrics);
        self.runtime.block_on(start).expect("an authenticator")
    }
}

fn authentication(criterion: &mut Criterion, bench: &Bench) {
    for algorithm in ["RS256", "ES256"] {
        let (pem, bearer) = sign_bearer(algorithm, &*bench.clock);
        for (name, cache_ttl) in [("verified each time", "0s"), ("cached", "1h")] {
            let (settings, _key_file) = settings(algorithm, cache_ttl, &pem);
            let authenticator = bench.authenticator(&settings);
            criterion.bench_function(&format!("bearer/{algorithm}, {name}"), |bencher| {
                bencher.iter(|| {
                    let verdict = authenticator.authenticate(&presented(black_box(&bearer))).now_or_never();
                    black_box(verdict.expect("at once").expect("a caller"))
                });
            });
        }
    }
}

fn policy(criterion: &mut Criterion, settings: &Settings, caller: &Caller) {
    let pool = settings.pools.find(None).expect("a pool");
    criterion.bench_function("policy/which rule describes the caller", |bencher| {
        bencher.iter(|| {
            black_box(
                pool.access.matching_rule(&caller.authenticator, &caller.issuer, black_box(&caller.claims)).is_some(),
            )
        });
    });
    criterion.bench_function("policy/two principal tags of its claims", |bencher| {
        bencher.iter(|| black_box(pool.tags.render(black_box(&caller.claims)).expect("tags")));
    });
}

fn vending(criterion: &mut Criterion, bench: &Bench, settings: &Settings, caller: &Caller) {
    let _entered = bench.runtime.enter();
    let pool = settings.pools.find(None).expect("a pool").clone();
    let clock = bench.clock.clone();
    let vendor = TokenVendor::new(
        settings.vending,
        &settings.pools,
        |_| Arc::new(LocalIssuer(clock.clone())),
        bench.clock.clone(),
        bench.metrics.clone(),
    );
    let tags = PrincipalTags::parse([("team", "red"), ("stage", "prod")]).expect("tags");
    let Subject::User(user) = caller.subject.clone() else { panic!("not a user") };
    let request = TokenRequest { pool, user, tags, not_after: None, min_ttl: None, refresh: false };
    let vended = bench.runtime.block_on(vendor.vend(&request, Some(&caller.last_entry))).expect("a token");
    criterion.bench_function("vending/key", |bencher| bencher.iter(|| black_box(black_box(&request).key())));
    criterion.bench_function("vending/hit", |bencher| {
        bencher.iter(|| {
            black_box(
                vendor
                    .vend(black_box(&request), Some(&caller.last_entry))
                    .now_or_never()
                    .expect("at once")
                    .expect("a token"),
            )
        });
    });
    criterion.bench_function("vending/body", |bencher| {
        bencher.iter(|| black_box(vended.entry.value().to_json(black_box(vended.remaining_life))));
    });
    let policy = RefreshPolicy {
        clock_skew_allowance: Duration::from_secs(300),
        advisory_window: Duration::from_secs(120),
        refresh_jitter: Duration::from_secs(60),
        min_remaining_life: Duration::from_secs(60),
    };
    let now = Timestamp::from_secs(1_767_225_600);
    let (times, needs) = (policy.lifetime(now, now + Duration::from_secs(900), 0.5), Requirements::default());
    criterion.bench_function("vending/freshness", |bencher| {
        bencher.iter(|| {
            let (times, now) = (black_box(&times), black_box(now));
            black_box((policy.classify(times, now), needs.are_met_by(times, now)))
        });
    });
}

fn pieces(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    let bench = Bench { runtime, clock: Arc::new(SystemClock::new()), metrics };
    authentication(criterion, &bench);
    let (pem, bearer) = sign_bearer("RS256", &*bench.clock);
    let (settings, _key_file) = settings("RS256", "1h", &pem);
    let authenticator = bench.authenticator(&settings);
    let caller = authenticator.authenticate(&presented(&bearer)).now_or_never();
    let caller = caller.expect("at once").expect("a caller");
    policy(criterion, &settings, &caller);
    vending(criterion, &bench, &settings, &caller);
}

criterion_group!(all, pieces);
criterion_main!(all);
