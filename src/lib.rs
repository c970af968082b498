//! tokenvend vends OpenID tokens for Amazon Cognito developer-authenticated identities: a user of an app sends the app's
//! own credential, and receives a token that Cognito minted for that user. The service is a read-through cache in front
//! of Cognito.
//!
//! # Modules
//! Data flows in one direction, and imports follow it (`tests/architecture` checks them):
//!
//! ```text
//! main → cli → app → http, admin → auth, authorization → linking → identity_admin → vending → issuer → token
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`cli`] | the command, one file a subcommand |
//! | [`app`] | composition root: starts the service from its settings, and drains it |
//! | [`config`] | three layers of configuration, validated into [`config::Settings`]; all errors are reported at once |
//! | [`http`], `admin` | the two listeners: routes, one file a resource, middleware, problems |
//! | [`auth`] | who the caller is; one file for each kind of authenticator |
//! | [`claims`] | claims of a verified credential, and the templates and conditions that read them |
//! | [`client_address`] | peer address and client address of a request, trusted proxies |
//! | [`rate_limit`] | inbound rate limits by address and user |
//! | `authorization` | what a verified caller may have: pool, principal tags, latest expiry |
//! | [`vending`] | **the use case**: [`vending::TokenVendor`] for tokens and AWS credentials, one file for each decision |
//! | [`linking`] | links public logins and guests to the user's identity, after verifying proof of both |
//! | [`identity_admin`] | identity administration: lookup, describe, list, merge, unlink, delete, purge |
//! | [`issuer`] | port to the token issuer, and Cognito behind it |
//! | [`cognito_token_verifier`] | verifies OpenID tokens that Cognito minted |
//! | [`pools`], [`token`], [`secret`] | types that cannot hold an invalid value or print a secret |
//! | [`gcra`], [`call_rate_limit`] | the arithmetic of all rate limits; the limit on outbound calls |
//! | `single_flight`, `keyed_mutex`, `per_region` | one load for each key; a mutex for each key; one object for each region |
//! | [`tls`] | certificates of the listeners, and trusted client CAs |
//! | [`metrics`], [`telemetry`], `error_chain` | what operators read: metrics, logs, errors with their causes |
//! | [`audit`] | what auditors read: an event for each token, denial and administrative action |
//! | [`doctor`] | checks of configuration, machine, AWS and keys from outside the service |
//! | `dev` | service, emulator and demo identity provider in one process |
//!
//! The crates beside it: `clock` (time as a value that is passed in), `cognito-types` (Cognito's ids and limits), `jose`
//! (JWS and remote key sets), `bounded-http` (outbound HTTP clients with limits), `http-listener` (inbound HTTP, not used
//! yet), `cognito-emulator` (Cognito, STS and IAM for tests and development, feature `emulator`) and `aws-cli-compat` (the
//! AWS CLI's command, feature `aws-cli`).
//!
//! Start with [`vending`]. `docs/architecture.md` describes the caches and the path of a request, `docs/glossary.md` the
//! terms, and `config/default.toml` every setting.

mod admin;
pub mod app;
pub mod audit;
pub mod auth;
mod authorization;
pub mod call_rate_limit;
pub mod claims;
pub mod cli;
pub mod client_address;
pub mod cognito_token_verifier;
pub mod config;
#[cfg(feature = "emulator")]
pub mod dev;
pub mod doctor;
mod error_chain;
pub mod gcra;
pub mod http;
pub mod identity_admin;
pub mod issuer;
mod keyed_mutex;
pub mod linking;
pub mod metrics;
mod per_region;
pub mod pools;
pub mod rate_limit;
pub mod secret;
mod single_flight;
pub mod telemetry;
pub mod tls;
pub mod token;
pub mod vending;
