// An application identity may use keys and change none; what it may do follows its roles at once.
import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import {
  api, assertError, assign, base64url, bytes, collect, cryptoClient, deleteKey, env, fresh, keyClient, rejects,
  secretCredential,
} from "./hub.mjs";

const ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6";
const CRYPTO_USER = "12338af0-0e69-4776-bea7-57ae8d297424";
const CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603";

const application = secretCredential(env("APP_CLIENT_ID"), env("APP_CLIENT_SECRET"));
const owner = keyClient();
const app = keyClient(application);
const forbidden = { status: 403, code: "Forbidden", inner: "ForbiddenByRbac" };
const forbiddenList = { status: 403, code: "Forbidden" }; // the SDK's pages show no more of an error

const name = fresh("role");
const gone = fresh("role-gone");
const oct = fresh("role-oct");
let key, backup;
before(async () => {
  key = await owner.createRsaKey(name);
  await owner.createRsaKey(name);
  await owner.createOctKey(oct, { keySize: 256 });
  backup = await owner.backupKey(name);
  await owner.createKey(gone, "EC");
  await deleteKey(owner, gone);
});

const wrapBody = { alg: "RSA-OAEP-256", value: base64url(randomBytes(32)) };
const asApp = (method, path, body) => api(method, path, body, application);

test("without a role nothing is allowed", async () => {
  await rejects(app.getKey(name), forbidden);
  await rejects(collect(app.listPropertiesOfKeys()), forbiddenList);
  assertError(await asApp("POST", `/keys/${name}/wrapkey`, wrapBody), forbidden);
});

test("the refusal says who, what and where", async () => {
  const { status, body } = await asApp("GET", `/keys/${name}`);
  assert.equal(status, 403);
  assert.match(body.error.message, /^Caller is not authorized to perform action on resource\./);
  assert.ok(body.error.message.includes(`appid=${env("APP_CLIENT_ID")}`));
  assert.ok(body.error.message.includes("Action: 'Microsoft.KeyVault/vaults/keys/read"));
});

test("a refusal does not tell whether a key exists", async () => {
  const there = await asApp("GET", `/keys/${name}`);
  const missing = fresh("missing");
  const nowhere = await asApp("GET", `/keys/${missing}`);
  assert.equal(nowhere.status, 403);
  assert.equal(nowhere.body.error.message.replaceAll(missing, name), there.body.error.message);
});

test("Crypto Service Encryption User may read, wrap and unwrap", async (t) => {
  const remove = await assign(ENCRYPTION_USER);
  t.after(remove);
  assert.equal((await app.getKey(name)).name, name);
  assert.equal((await collect(app.listPropertiesOfKeyVersions(name))).length, 2);
  assert.ok((await collect(app.listPropertiesOfKeys())).some((one) => one.name === name));
  const plain = randomBytes(32);
  for (const [id, algorithm] of [[key.id, "RSA-OAEP-256"], [(await app.getKey(oct)).id, "A256KW"]]) {
    const crypto = cryptoClient(id, application);
    const wrapped = await crypto.wrapKey(algorithm, plain);
    assert.equal(base64url((await crypto.unwrapKey(algorithm, wrapped.result)).result), base64url(plain));
  }
  assert.equal((await asApp("POST", `/keys/${name}/wrapkey`, wrapBody)).status, 200);
});

test("Crypto Service Encryption User may do nothing else", async (t) => {
  const remove = await assign(ENCRYPTION_USER);
  t.after(remove);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, ...numbers } = privateKey.export({ format: "jwk" });
  const jwk = { kty, crv, ...Object.fromEntries(Object.entries(numbers).map(([n, v]) => [n, bytes(v)])) };
  const version = key.properties.version;
  const digest = base64url(randomBytes(32));
  for (const [what, attempt] of Object.entries({
    create: () => app.createKey(fresh("role-new"), "EC"),
    "create a version": () => app.createKey(name, "RSA"),
    import: () => app.importKey(fresh("role-new"), jwk),
    update: () => app.updateKeyProperties(name, { enabled: false }),
    "update a version": () => app.updateKeyProperties(name, version, { keyOps: ["sign"] }),
    delete: () => app.beginDeleteKey(name),
    rotate: () => app.rotateKey(name),
    "set the policy": () =>
      app.updateKeyRotationPolicy(name, {
        lifetimeActions: [{ action: "Rotate", timeAfterCreate: "P30D" }],
        expiresIn: "P90D",
      }),
    "read the policy": () => app.getKeyRotationPolicy(name),
    backup: () => app.backupKey(name),
    restore: () => app.restoreKeyBackup(backup),
    recover: () => app.beginRecoverDeletedKey(gone),
    purge: () => app.purgeDeletedKey(gone),
    release: () => app.releaseKey(name, "x"),
    "random bytes": () => app.getRandomBytes(8),
  })) {
    await t.test(what, () => rejects(attempt(), forbidden));
  }
  for (const operation of ["encrypt", "decrypt", "sign", "verify"]) {
    const alg = operation === "sign" || operation === "verify" ? "RS256" : "RSA-OAEP";
    const answer = await asApp("POST", `/keys/${name}/${version}/${operation}`, { alg, digest, value: digest });
    await t.test(operation, () => assertError(answer, forbidden));
  }
  for (const [method, path, body] of [
    ["PUT", `///providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`, {
      properties: { roleDefinitionId: CRYPTO_OFFICER, principalId: env("APP_OBJECT_ID") },
    }],
    ["PUT", `///providers/Microsoft.Authorization/roleDefinitions/${randomUUID()}`, { properties: { roleName: "x" } }],
    ["GET", "///providers/Microsoft.Authorization/roleAssignments"],
  ]) {
    await t.test(`${method} ${path}`, async () => assertError(await asApp(method, path, body), forbidden));
  }
  assert.equal((await owner.getKey(name)).properties.enabled, true);
  assert.equal((await collect(owner.listPropertiesOfKeyVersions(name))).length, 2);
  assert.equal((await owner.getDeletedKey(gone)).name, gone);
});

test("a role that is taken away is gone with the next request", async () => {
  const remove = await assign(ENCRYPTION_USER);
  assert.equal((await asApp("POST", `/keys/${name}/wrapkey`, wrapBody)).status, 200);
  await remove();
  assertError(await asApp("POST", `/keys/${name}/wrapkey`, wrapBody), forbidden);
});

test("a role at one key holds for this key only", async (t) => {
  t.after(await assign(CRYPTO_USER, `/keys/${name}`));
  const digest = base64url(randomBytes(32));
  assert.equal((await asApp("POST", `/keys/${name}/sign`, { alg: "RS256", value: digest })).status, 200);
  assert.equal((await asApp("GET", `/keys/${name.toUpperCase()}`)).status, 200);
  await rejects(app.getKey(oct), forbidden);
  await rejects(app.createKey(name, "RSA"), forbidden);
  await rejects(collect(app.listPropertiesOfKeys()), forbiddenList);
});

test("a role at /keys holds for all keys and not for roles", async (t) => {
  t.after(await assign(CRYPTO_OFFICER, "/keys"));
  const mine = fresh("role-mine");
  await app.createKey(mine, "EC");
  await deleteKey(app, mine);
  await app.purgeDeletedKey(mine);
  assertError(await asApp("GET", "///providers/Microsoft.Authorization/roleAssignments"), forbidden);
});

test("a custom role grants what it lists", async (t) => {
  const id = randomUUID();
  const path = `///providers/Microsoft.Authorization/roleDefinitions/${id}`;
  const made = await api("PUT", path, {
    properties: {
      roleName: `reader ${id}`,
      description: "reads and verifies",
      type: "CustomRole",
      permissions: [
        {
          actions: [], notActions: [],
          dataActions: ["Microsoft.KeyVault/vaults/keys/*"],
          notDataActions: ["Microsoft.KeyVault/vaults/keys/sign/action", "Microsoft.KeyVault/vaults/keys/delete"],
        },
      ],
      assignableScopes: ["/"],
    },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const remove = await assign(id, `/keys/${name}`);
  const digest = base64url(randomBytes(32));
  const verify = { alg: "RS256", digest, value: base64url(randomBytes(256)) };
  assert.equal((await asApp("POST", `/keys/${name}/verify`, verify)).status, 200);
  assertError(await asApp("POST", `/keys/${name}/sign`, { alg: "RS256", value: digest }), forbidden);
  await rejects(app.beginDeleteKey(name), forbidden);
  await remove();
  assert.equal((await api("DELETE", path)).status, 200);
  assertError(await asApp("GET", `/keys/${name}`), forbidden);
});
