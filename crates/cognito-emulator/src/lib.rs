//! An emulator of Amazon Cognito identity pools over HTTP, for tests and for development without an AWS account.
//!
//! It implements the protocol that AWS SDKs and the AWS CLI use. Identities are stable, RS512 tokens can be verified
//! with the published keys, and the signatures of signed operations are checked. `/_emulator/faults` injects faults.
//! On the same address it implements parts of STS and IAM, so that a token can be exchanged for credentials.
//!
//! It mints tokens for every client. Keep it on the loopback interface. `docs/emulator.md` is the manual.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use aws_sdk_cognitoidentity::Client;
//! use aws_sdk_cognitoidentity::config::{BehaviorVersion, Config, Credentials, Region};
//! use cognito_emulator::clock::SystemClock;
//! use cognito_emulator::{AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL, Settings, start};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = start(Settings::default(), Arc::new(SystemClock::new())).await?;
//!
//! let key = AccessKey::default();
//! let config = Config::builder()
//!     .behavior_version(BehaviorVersion::latest())
//!     .region(Region::new("us-east-1"))
//!     .endpoint_url(emulator.url())
//!     .credentials_provider(Credentials::new(key.id, key.secret, None, None, "emulator"))
//!     .build();
//! let response = Client::from_conf(config)
//!     .get_open_id_token_for_developer_identity()
//!     .identity_pool_id(DEFAULT_POOL)
//!     .logins(DEFAULT_DEVELOPER_PROVIDER, "alice")
//!     .send()
//!     .await?;
//! let token = response.token().ok_or("no token")?;
//! assert_eq!(token.split('.').count(), 3, "a signed JWT");
//!
//! emulator.stop().await;
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod call_counts;
#[cfg(feature = "cli")]
pub mod command;
mod control_api;
mod dispatch;
mod emulator;
mod faults;
mod keys;
mod login_classification;
mod operations;
mod persistence;
mod pipeline;
mod pool;
mod principal;
mod protocol;
mod server;
mod settings;
mod sigv4;
mod startup;
mod state;
mod temporary_credentials;
mod token;
mod validation;

pub use clock;
pub use cognito_types;

pub use cognito_types::RoleArn;
pub use keys::SigningKey;
pub use persistence::StateFileError;
pub use settings::{AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL, PoolSeed, Settings};
pub use startup::{RunningEmulator, StartError, start};

/// Compiles the Rust examples of docs/emulator.md; `tests/api/emulator_page.rs` runs those in other languages.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/emulator.md")]
struct Page;

/// Compiles the Rust examples of README.md.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
