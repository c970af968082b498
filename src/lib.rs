//! tokenvend vends tokens for Amazon Cognito developer-authenticated identities: an app's own signed-in user
//! comes with the app's own credential, and leaves with an OpenID token that Cognito minted for that user.
//!
//! # The house
//! Data flows one way, and so do the imports (`tests/api/fences.rs` keeps it so):
//!
//! ```text
//! main → cli → app → http, admin → auth, policy → linking → lifecycle → vending → issuer → token, identity, clock
//! ```
//!
//! | room | what is in it |
//! |---|---|
//! | [`cli`] | the command, one file a subcommand |
//! | `aws_cli` | the AWS CLI's language: arguments, shorthand, JMESPath, output formats; for the command of its name |
//! | [`app`] | the composition root: settings become a running service, and come to an end |
//! | [`config`] | three layers of configuration, proved into [`config::Settings`], all faults at once |
//! | [`http`], `admin` | the two listeners: routes, one file a resource, problems, what every request passes |
//! | [`auth`] | who is calling; one file a way of authenticating |
//! | [`claims`] | what a verified credential says, and how the configuration points into it |
//! | [`hops`] | from where a request comes: the peer, and the client that trusted proxies speak for |
//! | [`limits`] | how often an address or a user may ask |
//! | `policy` | what a verified caller may have: a pool, tags, until when |
//! | [`vending`] | **the use case**, [`vending::TokenVendor`] for tokens and AWS credentials, and one file for each decision in it |
//! | [`linking`] | what else a user proves to be: public logins and guests, linked to the user's identity |
//! | [`lifecycle`] | the administrators' use case: identities looked up, merged, unlinked, deleted |
//! | [`issuer`] | the port towards whoever makes tokens, and Cognito behind it |
//! | [`jws`] | signed tokens taken apart and proved, by keys that are fixed or fetched |
//! | `sigv4` | requests signed with AWS credentials, where none of the SDK's clients makes the call |
//! | [`proof`] | whether a token that somebody hands in is one that Cognito minted |
//! | [`pools`], [`identity`], [`token`], [`secret`] | the words: types that cannot hold a wrong value or show a secret |
//! | [`tls`] | the listeners' certificates, and which clients' certificates are believed |
//! | [`clock`] | time, handed in |
//! | [`bookmark`] | what a remembered caller's last request led to |
//! | [`budget`] | our share of Cognito's quotas |
//! | [`metrics`], [`telemetry`], `causes` | what operators see, errors told with all that led to them |
//! | [`audit`] | what auditors see: an event for every token, refusal and act of an administrator |
//! | [`emulator`] | Cognito and what STS and IAM say of its tokens and roles, over HTTP, for tests and development; shares nothing with the service but names and time |
//! | [`doctor`] | what must hold for the service to work, checked from outside |
//! | [`dev`] | all of it on one machine |
//!
//! Start with [`vending`]. The caches and the way of a request are told in `docs/architecture.md`, every
//! setting in `config/default.toml`.

mod admin;
pub mod app;
pub mod audit;
pub mod auth;
mod authorization;
pub mod bookmark;
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
pub mod http;
pub mod identity_admin;
pub mod issuer;
pub mod jws;
pub mod linking;
pub mod metrics;
pub mod pools;
pub mod rate_limit;
pub mod secret;
mod single_flight;
pub mod telemetry;
pub mod tls;
pub mod token;
pub mod vending;
