//! Temporary AWS credentials: of the right shape, and good for nothing at all.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Call;
use super::describing::epoch_seconds;
use super::identities::enter;
use crate::emulator::input::{self, Pairs};
use crate::emulator::wire::{Answer, answer};

/// How long AWS lets the credentials of the enhanced flow live.
const CREDENTIALS_LIFE: Duration = Duration::from_secs(3600);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    identity_id: Option<String>,
    logins: Option<Pairs>,
    custom_role_arn: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    identity_id: &'a str,
    credentials: Credentials,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials {
    access_key_id: String,
    secret_key: String,
    session_token: String,
    expiration: f64,
}

/// Answers whether or not the pool has roles: the emulator has no IAM that could refuse one.
pub(super) fn get_credentials_for_identity(call: &Call<'_>) -> Answer {
    let input: Input = input::parse(call.body)?;
    let id = input::identity_id(input.identity_id)?;
    if let Some(arn) = &input.custom_role_arn {
        input::length("customRoleArn", arn, 20..=2048)?;
    }
    enter(call, &id, input::logins(input.logins)?)?;
    // From a plain random source: nothing in the world accepts these.
    let mut random = call.state().fork_random();
    answer(&Output {
        identity_id: id.as_str(),
        credentials: Credentials {
            access_key_id: format!("ASIA{}", random_text(&mut random, 16).to_ascii_uppercase()),
            secret_key: random_text(&mut random, 40),
            session_token: random_text(&mut random, 200),
            expiration: epoch_seconds(call.now + CREDENTIALS_LIFE).floor(),
        },
    })
}

fn random_text(random: &mut fastrand::Rng, length: usize) -> String {
    std::iter::repeat_with(|| random.alphanumeric()).take(length).collect()
}
