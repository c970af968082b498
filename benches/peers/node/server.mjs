// The token service as a good team writes it in Node: fastify with schemas; it verifies a bearer and returns the cached
// OpenID token of the user. `node server.mjs jose` verifies each bearer; `node server.mjs fast-jwt` caches verified ones,
// which is the fastest variant for Node.
import { readFileSync } from 'node:fs'
import { CognitoIdentityClient, GetOpenIdTokenForDeveloperIdentityCommand } from '@aws-sdk/client-cognito-identity'
import Fastify from 'fastify'
import { Histogram, register } from 'prom-client'

const { PORT, COGNITO_URL, KEY_FILE, ISSUER, AUDIENCE, POOL, PROVIDER } = process.env
const REGION = POOL.split(':')[0]
const TOKEN_DURATION = 3600
const SKEW_ALLOWANCE_MS = 300_000

const verifiers = {
  async jose() {
    const { importSPKI, jwtVerify } = await import('jose')
    const key = await importSPKI(readFileSync(KEY_FILE, 'utf8'), 'RS256')
    const demands = { algorithms: ['RS256'], issuer: ISSUER, audience: AUDIENCE, requiredClaims: ['exp', 'sub'] }
    return async (bearer) => (await jwtVerify(bearer, key, demands)).payload
  },
  async 'fast-jwt'() {
    const { createVerifier } = await import('fast-jwt')
    return createVerifier({
      key: readFileSync(KEY_FILE),
      algorithms: ['RS256'],
      allowedIss: ISSUER,
      allowedAud: AUDIENCE,
      requiredClaims: ['iss', 'aud', 'exp', 'sub'],
      cache: 100_000,
      cacheTTL: 300_000
    })
  }
}

const cognito = new CognitoIdentityClient({ endpoint: COGNITO_URL, region: REGION })
const tokens = new Map()
const flights = new Map()

async function mint(user) {
  const answer = await cognito.send(new GetOpenIdTokenForDeveloperIdentityCommand({
    IdentityPoolId: POOL,
    Logins: { [PROVIDER]: user },
    TokenDuration: TOKEN_DURATION
  }))
  const { exp } = JSON.parse(Buffer.from(answer.Token.split('.')[1], 'base64url'))
  const minted = {
    identityId: answer.IdentityId,
    token: answer.Token,
    expiresAt: new Date(exp * 1000).toISOString(),
    expiresAtMs: exp * 1000
  }
  tokens.set(user, minted)
  return minted
}

function tokenOf(user, now) {
  const kept = tokens.get(user)
  if (kept && kept.expiresAtMs - now > SKEW_ALLOWANCE_MS) return kept
  let flight = flights.get(user)
  if (!flight) {
    flight = mint(user).finally(() => flights.delete(user))
    flights.set(user, flight)
  }
  return flight
}

const duration = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'Time from a request to its answer',
  labelNames: ['route', 'status'],
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
})

const verify = await verifiers[process.argv[2]]()
const app = Fastify({ logger: false })
app.addHook('onResponse', (request, reply, done) => {
  duration.observe({ route: request.routeOptions.url, status: reply.statusCode }, reply.elapsedTime / 1000)
  done()
})
const text = { type: 'string' }
const schema = {
  response: {
    200: {
      type: 'object',
      properties: {
        identityId: text,
        token: text,
        provider: text,
        identityPoolId: text,
        region: text,
        expiresAt: text,
        expiresIn: { type: 'integer' }
      }
    }
  }
}
// An empty body is a body that need not be parsed.
app.addContentTypeParser('*', (request, payload, done) => done(null))
app.post('/v1/token', { schema }, async (request, reply) => {
  const authorization = request.headers.authorization
  let claims
  try {
    if (!authorization?.startsWith('Bearer ')) throw new Error('no bearer')
    claims = await verify(authorization.slice(7))
    if (typeof claims.sub !== 'string') throw new Error('no user')
  } catch {
    return reply.code(401).header('www-authenticate', 'Bearer').send({ error: 'unauthorized' })
  }
  const now = Date.now()
  const minted = await tokenOf(claims.sub, now)
  reply.header('cache-control', 'no-store').header('vary', 'Authorization, Origin')
  return {
    identityId: minted.identityId,
    token: minted.token,
    provider: 'cognito-identity.amazonaws.com',
    identityPoolId: POOL,
    region: REGION,
    expiresAt: minted.expiresAt,
    expiresIn: Math.floor((minted.expiresAtMs - now) / 1000)
  }
})
app.get('/metrics', async (request, reply) => {
  reply.type(register.contentType)
  return register.metrics()
})
await app.listen({ host: '127.0.0.1', port: Number(PORT) })
