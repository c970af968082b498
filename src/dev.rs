//! Development environment on one machine: the service, the Cognito emulator as its upstream, and a demo app that signs
//! users in by name. For trials and development; not safe for any other use.

mod addresses;
mod demo_sign_in;

use std::net::SocketAddr;

use crate::app::{self, RunningApp, StartError};
use crate::config::{self, ConfigError, ConfigSource, Environment};
use crate::issuer::cognito::AccessKey;
use crate::secret::Secret;
use crate::telemetry;
use addresses::{later_port, local_url};
use clock::SharedClock;
use cognito_emulator::RunningEmulator;
use demo_sign_in::DemoSignIn;

#[derive(Debug, thiserror::Error)]
pub enum DevError {
    #[error(transparent)]
    Service(#[from] StartError),
    #[error("the emulator cannot start: {0}")]
    Emulator(#[from] cognito_emulator::StartError),
    #[error("the demo sign-in cannot listen on {address}: {error}; is another process there? --port moves all four")]
    SignIn { address: SocketAddr, error: std::io::Error },
    #[error("the log output cannot start")]
    Log(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The built-in configuration is invalid together with the environment's overrides.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// All parts, running.
#[derive(Debug)]
pub struct RunningDev {
    app: RunningApp,
    emulator: RunningEmulator,
    sign_in: DemoSignIn,
}

/// Starts the emulator and the sign-in, then the log output, and last the service, which listens on `address`. The admin
/// listener, the emulator and the sign-in take the next three ports.
///
/// # Errors
/// A port is in use, or an override of the environment is invalid.
pub async fn start(address: SocketAddr, environment: &Environment, clock: SharedClock) -> Result<RunningDev, DevError> {
    let emulator_settings =
        cognito_emulator::Settings { listen: later_port(address, 2), ..cognito_emulator::Settings::default() };
    let key = emulator_settings.access_keys.first().cloned();
    let emulator = cognito_emulator::start(emulator_settings, clock.clone()).await?;
    let sign_in_address = later_port(address, 3);
    let sign_in = DemoSignIn::start(sign_in_address, clock.clone())
        .map_err(|error| DevError::SignIn { address: sign_in_address, error })?;

    let built_in = ConfigSource { name: "config/dev.toml".to_owned(), text: config::DEV_CONFIG.to_owned() };
    let (emulator_url, issuer) = (local_url(emulator.address()), local_url(sign_in.address()));
    let text = format!(
        "http.listen = \"{address}\"\nadmin.listen = \"{}\"\nupstream.endpoint_url = \"{emulator_url}\"\n\
         auth.demo.issuer = \"{issuer}\"\nauth.demo.jwks_url = \"{issuer}/.well-known/jwks.json\"\n",
        later_port(address, 1),
    );
    let overlay = ConfigSource { name: "tokenvend dev".to_owned(), text };
    let mut settings = config::load(&[built_in, overlay], environment)?.settings;
    settings.cognito.credentials = key.map(|key| AccessKey { id: key.id, secret: Secret::new(key.secret.as_bytes()) });
    telemetry::start(&settings.log).map_err(|error| DevError::Log(error.into()))?;
    let app = app::start(settings, clock).await?;
    Ok(RunningDev { app, emulator, sign_in })
}

impl RunningDev {
    /// The addresses of all parts, and example commands.
    pub fn banner(&self) -> String {
        let service = local_url(self.app.public_address());
        let admin = local_url(self.app.admin_address());
        let (emulator, sign_in) = (local_url(self.emulator.address()), local_url(self.sign_in.address()));
        format!(
            r#"tokenvend dev: everything runs on this machine, no AWS account is needed.

  service   {service}   what apps call
  admin     {admin}   metrics and health, for operators
  emulator  {emulator}   Cognito, as far as the service can tell
  sign-in   {sign_in}   a demo app: signs users in by name alone

A token for alice, from Cognito; run it again and it comes from the cache (see Tokenvend-Cache):

  curl -si -X POST -H "Authorization: Bearer $(curl -s -X POST '{sign_in}/sign-in?name=alice')" {service}/v1/token

In the form of Cognito itself:

  curl -s -H "Authorization: Bearer $(curl -s -X POST '{sign_in}/sign-in?name=alice')" '{service}/v1/token?format=aws'

The metrics:

  curl -s {admin}/metrics | grep tokenvend_vends_total

Ctrl-C stops it.
"#
        )
    }

    /// Stops all parts, the service first.
    pub async fn stop(self) {
        self.app.drain().await;
        self.sign_in.stop().await;
        self.emulator.stop().await;
    }
}
