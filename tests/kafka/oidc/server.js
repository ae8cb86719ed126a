// The OIDC server of a secured cluster: oidc-provider, which is certified, with clients and keys made at start.
//
// Usage: server.js CONFIGURATION.json
//
// POST /token issues JWTs for the grants client_credentials (with a secret or a client assertion) and jwt-bearer; GET
// /jwks has the public key. Both over http and over https. A token's audience is `kafka`.
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

// oidc-provider needs these, of which Node 18 has none and Node 20 not the last.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;
URL.parse ??= (text) => (URL.canParse(text) ? new URL(text) : null);
const { Provider, errors } = await import('oidc-provider');
const { calculateJwkThumbprint, createLocalJWKSet, decodeJwt, jwtVerify } = await import('jose');

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const RESOURCE = 'urn:kafka';
const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const issuer = `http://127.0.0.1:${config.port}`;
const audiences = [issuer, `${issuer}/token`, `https://localhost:${config.tlsPort}/token`];
const described = new Map(config.clients.map((client) => [client.id, client]));

async function jwk(key, alg) {
  const exported = key.export({ format: 'jwk' });
  return { ...exported, use: 'sig', alg, kid: await calculateJwkThumbprint(exported) };
}

for (const client of config.clients.filter(({ keys }) => keys)) {
  const publicJwk = ({ file, alg }) => jwk(createPublicKey(readFileSync(file)), alg);
  client.jwks = { keys: await Promise.all(client.keys.map(publicJwk)) };
}

function resourceServer(client) {
  return {
    audience: 'kafka',
    scope: 'produce consume',
    accessTokenFormat: 'jwt',
    accessTokenTTL: described.get(client.clientId).lifetime,
    jwt: { sign: { alg: 'RS256' } },
  };
}

const provider = new Provider(issuer, {
  clients: config.clients.map((client) => ({
    client_id: client.id,
    client_secret: client.secret,
    token_endpoint_auth_method: client.authentication,
    grant_types: [client.authentication === 'none' ? JWT_BEARER : 'client_credentials'],
    redirect_uris: [],
    response_types: [],
    jwks: client.jwks,
  })),
  jwks: { keys: [await jwk(createPrivateKey(readFileSync(config.signingKey)), 'RS256')] },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      getResourceServerInfo: (_, resource, client) => resourceServer(client),
    },
  },
  formats: {
    customizers: {
      jwt: (_, token, { payload }) => {
        payload.sub = described.get(token.clientId).subject;
      },
    },
  },
});

// RFC 7523, section 2.1. oidc-provider has no such grant of its own.
provider.registerGrantType(JWT_BEARER, async (ctx) => {
  const { client, params } = ctx.oidc;
  const { ClientCredentials, ResourceServer } = ctx.oidc.provider;
  try {
    const keys = createLocalJWKSet(described.get(client.clientId).jwks);
    const requiredClaims = ['exp', 'sub'];
    await jwtVerify(params.assertion, keys, { issuer: client.clientId, audience: audiences, requiredClaims });
  } catch (error) {
    throw new errors.InvalidGrant(`the assertion is refused: ${error.message}`);
  }
  const token = new ClientCredentials({ client, scope: params.scope });
  token.resourceServer = new ResourceServer(RESOURCE, resourceServer(client));
  ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: token.tokenType };
}, ['assertion', 'scope']);

// Such a request names its client in the assertion alone; oidc-provider wants client_id.
provider.use(async (ctx, next) => {
  if (ctx.method === 'POST' && ctx.path === '/token') {
    const chunks = [];
    for await (const chunk of ctx.req) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    if (form.get('grant_type') === JWT_BEARER && !form.has('client_id')) {
      try {
        form.set('client_id', decodeJwt(form.get('assertion')).iss);
      } catch {
        // The provider refuses the request: no client.
      }
    }
    ctx.req.body = form.toString();
  }
  await next();
});

/** Writes a token of the first client to a file, for clients that read tokens from files. */
async function writeToken() {
  const { id, secret } = config.clients[0];
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const answer = await response.json();
  if (!answer.access_token) throw new Error(`no token for ${id}: ${JSON.stringify(answer)}`);
  writeFileSync(`${config.tokenFile}.new`, answer.access_token);
  renameSync(`${config.tokenFile}.new`, config.tokenFile);
}

const listen = (server, port) => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
provider.on('server_error', (ctx, error) => console.error(error));
provider.on('grant.error', (ctx, error) => console.error(error.message, error.error_description, error.error_detail));
await listen(http.createServer(provider.callback()), config.port);
await writeToken();
// Last, because whoever started this server waits for this port.
const identity = readFileSync(config.tlsIdentity);
await listen(https.createServer({ key: identity, cert: identity }, provider.callback()), config.tlsPort);
