// Walks a token to credentials as a web app does, with the AWS SDK for JavaScript, and asks STS whose they are.
// Usage: node credentials_with_aws_sdk.mjs URL IDENTITY_ID TOKEN ROLE_ARN
// Looks for the SDK where it runs: the script is copied beside its node_modules.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromCognitoIdentity, fromWebToken } from "@aws-sdk/credential-providers";

const [endpoint, identityId, token, roleArn] = process.argv.slice(2);
const clientConfig = { endpoint, region: "us-east-1" };

async function expect(name, credentials, arn) {
  const sts = new STSClient({ ...clientConfig, credentials });
  const caller = await sts.send(new GetCallerIdentityCommand({}));
  const { expiration } = await credentials();
  const minutes = (expiration.getTime() - Date.now()) / 60_000;
  if (!arn.test(caller.Arn) || minutes < 59 || minutes > 61) {
    throw new Error(`${name}: ${JSON.stringify({ caller, expiration })}`);
  }
  console.log(`ok   ${name}: ${caller.Arn}`);
}

const logins = { "cognito-identity.amazonaws.com": async () => token };
await expect(
  "fromCognitoIdentity",
  fromCognitoIdentity({ identityId, logins, clientConfig }),
  /:assumed-role\/EmulatorAuthenticated\/CognitoIdentityCredentials$/,
);
await expect(
  "fromWebToken",
  fromWebToken({ roleArn, roleSessionName: "web", webIdentityToken: token, clientConfig }),
  new RegExp(`:assumed-role/${roleArn.split("/").pop()}/web$`),
);
