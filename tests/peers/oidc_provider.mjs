// An OpenID provider (npm's oidc-provider) for the tests: JWT and opaque access tokens by the client credentials
// grant, discovery, introspection, revocation, and keys that rotate on POST /rotate. Prints its issuer's URL.
import { generateKeyPairSync } from "node:crypto";
import http from "node:http";
import Provider from "oidc-provider";

const newKey = (kid) => ({
  ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }),
  kid,
  alg: "RS256",
  use: "sig",
});

const client = (client_id, client_secret) => ({
  client_id,
  client_secret,
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
});

const server = http.createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

// The one store of all providers: what one issued, the next one knows.
const kept = new Map();
class Adapter {
  constructor(kind) {
    this.kind = kind;
  }
  async upsert(id, payload) {
    kept.set(`${this.kind}:${id}`, payload);
  }
  async find(id) {
    return kept.get(`${this.kind}:${id}`);
  }
  async destroy(id) {
    kept.delete(`${this.kind}:${id}`);
  }
}

function provider(keys) {
  const made = new Provider(issuer, {
    adapter: Adapter,
    jwks: { keys },
    clients: [client("mobile-app", "mobile secret"), client("tokenvend", "vend:s%cret+")],
    scopes: ["tokens:vend"],
    ttl: { ClientCredentials: 3600 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          audience: "tokenvend",
          scope: "tokens:vend",
          accessTokenTTL: 3600,
          accessTokenFormat: resource.endsWith(":jwt") ? "jwt" : "opaque",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
      revocation: { enabled: true },
    },
  });
  return made.callback();
}

let keys = [newKey("key-0")];
let answer = provider(keys);
server.on("request", (request, response) => {
  if (request.url === "/rotate") {
    // The newest signs; the one before stays published for what it signed.
    keys = [newKey(`key-${Number(keys[0].kid.slice(4)) + 1}`), keys[0]];
    answer = provider(keys);
    response.end(keys[0].kid);
    return;
  }
  answer(request, response);
});
console.log(issuer);
