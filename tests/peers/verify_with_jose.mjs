// Verifies a token by the published keys, as a Node service would.
// Usage: node verify_with_jose.mjs JWKS_URL TOKEN AUDIENCE
// Looks for `jose` where it runs: the script is copied beside its node_modules.
import { createRemoteJWKSet, jwtVerify } from "jose";

const [jwksUrl, token, audience] = process.argv.slice(2);
const { payload, protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL(jwksUrl)), {
  algorithms: ["RS512"],
  audience,
  issuer: "https://cognito-identity.amazonaws.com",
});
if (protectedHeader.typ !== "JWS" || payload.amr[0] !== "authenticated") {
  throw new Error(`not Cognito's form: ${JSON.stringify({ protectedHeader, payload })}`);
}
console.log(`ok   jose verifies ${payload.sub}`);
