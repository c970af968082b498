//! The whole of it on one machine: the service, the Cognito emulator as its upstream, and a demo app that signs
//! users in by asking their name. For trying out and for developing against; nothing here is safe elsewhere.

mod demo_sign_in;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::app::{self, RunningApp, StartError};
use crate::config::{self, ConfigError, ConfigSource, Environment, Settings};
use crate::issuer::cognito::AccessKey;
use crate::secret::Secret;
use clock::SharedClock;
use cognito_emulator::RunningEmulator;
use demo_sign_in::DemoSignIn;

/// Where the parts listen: four ports in a row, the service's first, or any free ones from port 0.
#[derive(Debug, Clone, Copy)]
pub struct DevAddresses {
    /// The address of all parts.
    pub ip: IpAddr,
    /// The service's port. The admin listener, the emulator and the sign-in follow.
    pub port: u16,
}

impl DevAddresses {
    fn at(self, offset: u16) -> SocketAddr {
        let port = if self.port == 0 { 0 } else { self.port.saturating_add(offset) };
        SocketAddr::new(self.ip, port)
    }
}

/// Why it cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// The service cannot start.
    #[error(transparent)]
    Service(#[from] StartError),
    /// The emulator cannot start.
    #[error("the emulator cannot start: {0}")]
    Emulator(#[from] cognito_emulator::StartError),
    /// The demo sign-in cannot start.
    #[error(
        "the demo sign-in cannot listen on {address}: {error}; is another process there? --port moves all four"
    )]
    SignIn {
        /// Where it should have listened.
        address: SocketAddr,
        /// The system's words.
        error: std::io::Error,
    },
    /// The configuration is wrong: the built-in one, or what the environment lays over it.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// The emulator and the sign-in, answering, and the settings of a service that works with them.
#[derive(Debug)]
pub struct DevEnvironment {
    emulator: RunningEmulator,
    sign_in: DemoSignIn,
    /// The settings of the service.
    pub settings: Settings,
}

/// All parts, answering.
#[derive(Debug)]
pub struct RunningDev {
    app: RunningApp,
    emulator: RunningEmulator,
    sign_in: DemoSignIn,
}

/// Starts the emulator and the sign-in.
///
/// # Errors
/// A port is taken, or the environment lays something over the configuration that does not hold.
pub async fn surroundings(
    addresses: DevAddresses,
    environment: &Environment,
    clock: SharedClock,
) -> Result<DevEnvironment, DevError> {
    let emulator_settings =
        cognito_emulator::Settings { listen: addresses.at(2), ..cognito_emulator::Settings::default() };
    let key = emulator_settings.credentials.first().cloned();
    let emulator = cognito_emulator::start(emulator_settings, clock.clone()).await?;
    let address = addresses.at(3);
    let sign_in = DemoSignIn::start(address, clock).map_err(|error| DevError::SignIn { address, error })?;

    let overlay = overlay(addresses, &local_url(emulator.address()), &local_url(sign_in.address()));
    let built_in = ConfigSource { name: "config/dev.toml".to_owned(), text: config::DEV_CONFIG.to_owned() };
    let mut settings = config::load(&[built_in, overlay], environment)?.settings;
    settings.cognito.credentials =
        key.map(|key| AccessKey { id: key.id, secret: Secret::new(key.secret.as_bytes()) });
    Ok(DevEnvironment { emulator, sign_in, settings })
}

impl DevEnvironment {
    /// Starts the service in them.
    ///
    /// # Errors
    /// A port is taken.
    pub async fn start(self, clock: SharedClock) -> Result<RunningDev, DevError> {
        let app = app::start(self.settings, clock).await?;
        Ok(RunningDev { app, emulator: self.emulator, sign_in: self.sign_in })
    }
}

/// The part of the configuration that depends on where the others listen.
fn overlay(addresses: DevAddresses, emulator: &str, sign_in: &str) -> ConfigSource {
    let text = format!(
        "http.listen = \"{}\"\nadmin.listen = \"{}\"\nupstream.endpoint_url = \"{emulator}\"\n\
         auth.demo.issuer = \"{sign_in}\"\nauth.demo.jwks_url = \"{sign_in}/.well-known/jwks.json\"\n",
        addresses.at(0),
        addresses.at(1),
    );
    ConfigSource { name: "tokenvend dev".to_owned(), text }
}

/// How a part is reached from this machine, also where it listens on all addresses.
fn local_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

impl RunningDev {
    /// What runs where, and lines to copy.
    pub fn introduction(&self) -> String {
        let service = local_url(self.app.public_address());
        let admin = local_url(self.app.admin_address());
        let (emulator, sign_in) = (local_url(self.emulator.address()), local_url(self.sign_in.address()));
        format!(
            r#"tokenvend dev: everything runs on this machine, no AWS account is needed.

  service   {service}   what apps call
  admin     {admin}   metrics and health, for operators
  emulator  {emulator}   Cognito, as far as the service can tell
  sign-in   {sign_in}   a demo app: signs in whoever says a name

A token for alice, from Cognito; run it again and it comes from the cache (see Tokenvend-Cache):

  curl -si -X POST -H "Authorization: Bearer $(curl -s -X POST '{sign_in}/sign-in?name=alice')" {service}/v1/token

In the form of Cognito itself:

  curl -s -H "Authorization: Bearer $(curl -s -X POST '{sign_in}/sign-in?name=alice')" '{service}/v1/token?format=aws'

What was counted:

  curl -s {admin}/metrics | grep tokenvend_vends_total

Ctrl-C ends it.
"#
        )
    }

    /// Ends all parts, the service first.
    pub async fn stop(self) {
        self.app.drain().await;
        self.sign_in.stop().await;
        self.emulator.stop().await;
    }
}
