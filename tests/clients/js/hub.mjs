// What every test here needs: the hub of the environment, its owner, and ways to ask for refusals.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { ClientSecretCredential } from "@azure/identity";
import { CertificateClient } from "@azure/keyvault-certificates";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import { SecretClient } from "@azure/keyvault-secrets";

export const env = (name) => {
  assert.ok(process.env[name], `${name} is not set`);
  return process.env[name];
};

export const vaultUrl = env("KEY_VAULT_URL").replace(/\/$/, "");
export const tenant = env("AZURE_TENANT_ID");

// With the vault's real name (HUB_BY_NAME) the clients need no option at all. At localhost the
// challenge's resource cannot be a parent domain of the vault's host.
export const clientOptions = () =>
  process.env.HUB_BY_NAME ? {} : { disableChallengeResourceVerification: true };

// In a closed network there is no public login host to ask about the authority.
export const closed = { disableInstanceDiscovery: true };

export const secretCredential = (id, secret) =>
  new ClientSecretCredential(tenant, id, secret, closed);
export const owner = secretCredential(env("AZURE_CLIENT_ID"), env("AZURE_CLIENT_SECRET"));
export const keyClient = (credential = owner) =>
  new KeyClient(vaultUrl, credential, clientOptions());
export const secretClient = (credential = owner) =>
  new SecretClient(vaultUrl, credential, clientOptions());
export const certificateClient = (credential = owner) =>
  new CertificateClient(vaultUrl, credential, clientOptions());
export const cryptoClient = (key, credential = owner) =>
  new CryptographyClient(key, credential, clientOptions());

// A name that no other test uses, also not another run against the same hub.
export const fresh = (stem) => `${stem}-${randomBytes(5).toString("hex")}`;

export const base64url = (bytes) => Buffer.from(bytes).toString("base64url");
export const bytes = (text) => new Uint8Array(Buffer.from(text, "base64url"));

// The resource that the vault's challenge names is the one to ask a token for.
let scope;
export async function token(credential = owner) {
  if (!scope) {
    const answer = await fetch(`${vaultUrl}/keys?api-version=7.4`);
    scope = `${/resource="([^"]*)"/.exec(answer.headers.get("www-authenticate"))[1]}/.default`;
  }
  return (await credential.getToken(scope)).token;
}

// One request without the SDK, for what the SDK does locally or would not send.
export async function api(method, path, body, credential = owner) {
  const answer = await fetch(`${vaultUrl}${path}${path.includes("?") ? "&" : "?"}api-version=2025-07-01`, {
    method,
    headers: {
      authorization: `Bearer ${await token(credential)}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : undefined };
}

// An answer of api() that is an error; expected: {status, code, inner, message}, each optional.
export function assertError(answer, expected) {
  const error = answer.body?.error ?? {};
  const found = {
    status: answer.status,
    code: error.code,
    inner: error.innererror?.code,
    message: error.message,
  };
  for (const [name, value] of Object.entries(expected)) {
    if (value instanceof RegExp) assert.match(String(found[name]), value, JSON.stringify(found));
    else assert.equal(found[name], value, `${name} of ${JSON.stringify(found)}`);
  }
}

// The same for what an SDK method throws.
export async function rejects(promise, expected) {
  const error = await promise.then(
    () => assert.fail(`succeeded; expected ${JSON.stringify(expected)}`),
    (thrown) => thrown,
  );
  if (error.statusCode === undefined) throw error;
  const inner = error.details?.error?.innerError ?? error.details?.error?.innererror;
  assertError(
    {
      status: error.statusCode,
      body: { error: { code: error.code, message: error.message, innererror: inner } },
    },
    expected,
  );
}

// Gives an identity a role and returns what takes it away again.
const scopePath = (scope) => (scope === "/" ? "//" : `/${scope}`);
export async function assign(role, scope = "/", principalId = env("APP_OBJECT_ID")) {
  const id = randomUUID();
  const path = `${scopePath(scope)}/providers/Microsoft.Authorization/roleAssignments/${id}`;
  const roleDefinitionId = `Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/${role}`;
  const answer = await api("PUT", path, { properties: { roleDefinitionId, principalId } });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  assert.equal(answer.body.properties.scope, scope);
  return async () => assert.equal((await api("DELETE", path)).status, 200);
}

export const notFound = (name, noun = "key") =>
  `A ${noun} with (name/id) ${name} was not found in this key vault. If you recently deleted this ${noun} ` +
  "you may be able to recover it using the correct recovery command. For help resolving this issue, " +
  "please see https://go.microsoft.com/fwlink/?linkid=2125182";

export async function collect(iterable) {
  const all = [];
  for await (const one of iterable) all.push(one);
  return all;
}

export const fast = { intervalInMs: 100 };
export async function deleteKey(client, name) {
  return (await client.beginDeleteKey(name, fast)).pollUntilDone();
}
export async function deleteSecret(client, name) {
  return (await client.beginDeleteSecret(name, fast)).pollUntilDone();
}
export async function deleteCertificate(client, name) {
  return (await client.beginDeleteCertificate(name, fast)).pollUntilDone();
}
export async function createCertificate(client, name, policy, options) {
  return (await client.beginCreateCertificate(name, policy, { ...fast, ...options })).pollUntilDone();
}
