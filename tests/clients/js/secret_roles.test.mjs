// What the roles for secrets let an identity do, and what not. The identity is these tests' own, so
// that they may run beside others.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  api, assertError, assign, collect, deleteSecret, fast, fresh, rejects, secretClient, secretCredential,
} from "./hub.mjs";

const SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6";
const SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7";
const READER = "21090545-7ca7-4776-b22c-e363652d74d2";
const CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603";

const owner = secretClient();
const forbidden = { status: 403, code: "Forbidden", inner: "ForbiddenByRbac" };
const forbiddenList = { status: 403, code: "Forbidden" }; // the SDK's pages show no more of an error
const name = fresh("role");
const gone = fresh("role-gone");
let identity, credential, app, version, backup;

before(async () => {
  identity = (await api("POST", "/hub/identities", { displayName: fresh("secrets") })).body;
  const { body } = await api("POST", `/hub/identities/${identity.appId}/secrets`, {});
  credential = secretCredential(identity.appId, body.secret);
  app = secretClient(credential);
  await owner.setSecret(name, "first");
  version = (await owner.setSecret(name, "value")).properties.version;
  backup = await owner.backupSecret(name);
  await owner.setSecret(gone, "gone");
  await deleteSecret(owner, gone);
});
after(() => api("DELETE", `/hub/identities/${identity.appId}`));

const give = (role, scope) => assign(role, scope, identity.objectId);
const asApp = (method, path, body) => api(method, path, body, credential);

const reading = {
  get: () => app.getSecret(name),
  "get a version": () => app.getSecret(name, { version }),
};
const listing = {
  list: () => collect(app.listPropertiesOfSecrets()),
  "list versions": () => collect(app.listPropertiesOfSecretVersions(name)),
  "list deleted": () => collect(app.listDeletedSecrets()),
};
const changing = {
  set: () => app.setSecret(fresh("role-new"), "x"),
  "set a version": () => app.setSecret(name, "x"),
  update: () => app.updateSecretProperties(name, "", { enabled: false }),
  "update a version": () => app.updateSecretProperties(name, version, { tags: { a: "b" } }),
  delete: () => app.beginDeleteSecret(name),
  recover: () => app.beginRecoverDeletedSecret(gone),
  purge: () => app.purgeDeletedSecret(gone),
  backup: () => app.backupSecret(name),
  restore: () => app.restoreSecretBackup(backup),
};

async function allRefused(t, attempts, expected = forbidden) {
  for (const [what, attempt] of Object.entries(attempts)) {
    await t.test(what, () => rejects(attempt(), expected));
  }
}

async function nothingChanged() {
  const { value, properties } = await owner.getSecret(name);
  assert.deepEqual([value, properties.version, properties.tags], ["value", version, undefined]);
  assert.equal((await collect(owner.listPropertiesOfSecretVersions(name))).length, 2);
  assert.equal((await owner.getDeletedSecret(gone)).name, gone);
}

test("without a role no secret is reached", async (t) => {
  await allRefused(t, reading);
  await allRefused(t, listing, forbiddenList);
  await allRefused(t, changing);
  await nothingChanged();
});

test("the refusal says who, what and where, and not whether the secret exists", async () => {
  const nowhere = fresh("missing");
  const { status, body } = await asApp("GET", `/secrets/${name}`);
  assert.equal(status, 403);
  assert.ok(body.error.message.includes(`appid=${identity.appId};oid=${identity.objectId}`));
  assert.ok(body.error.message.includes("Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'"));
  assert.ok(body.error.message.includes(`/secrets/${name}'`));
  const missing = await asApp("GET", `/secrets/${nowhere}`);
  assert.equal(missing.body.error.message.replaceAll(nowhere, name), body.error.message);
});

test("Secrets User may get and list and nothing else", async (t) => {
  t.after(await give(SECRETS_USER));
  for (const attempt of Object.values(reading)) assert.equal((await attempt()).value, "value");
  assert.ok((await listing.list()).some((one) => one.name === name));
  assert.equal((await listing["list versions"]()).length, 2);
  assert.ok((await listing["list deleted"]()).some((one) => one.name === gone));
  assert.equal((await app.getDeletedSecret(gone)).name, gone);
  await allRefused(t, changing);
  assertError(await asApp("GET", "/keys"), forbidden);
  await nothingChanged();
});

test("Reader may list and gets no value", async (t) => {
  t.after(await give(READER));
  for (const attempt of Object.values(listing)) assert.ok((await attempt()).length > 0);
  await allRefused(t, reading);
  await allRefused(t, changing);
  await nothingChanged();
});

test("a role for keys reaches no secret", async (t) => {
  t.after(await give(CRYPTO_OFFICER));
  await allRefused(t, { ...reading, ...changing });
  await allRefused(t, listing, forbiddenList);
});

test("Secrets Officer may do everything with secrets", async (t) => {
  t.after(await give(SECRETS_OFFICER));
  const mine = fresh("role-mine");
  const set = await app.setSecret(mine, "mine");
  await app.updateSecretProperties(mine, set.properties.version, { tags: { a: "b" } });
  assert.equal((await app.getSecret(mine)).value, "mine");
  for (const attempt of Object.values(listing)) assert.ok((await attempt()).length > 0);
  const blob = await app.backupSecret(mine);
  await deleteSecret(app, mine);
  await (await app.beginRecoverDeletedSecret(mine, fast)).pollUntilDone();
  await deleteSecret(app, mine);
  assert.equal((await app.getDeletedSecret(mine)).name, mine);
  await app.purgeDeletedSecret(mine);
  assert.equal((await app.restoreSecretBackup(blob)).id, set.properties.id);
  assertError(await asApp("GET", "/keys"), forbidden);
  assertError(await asApp("GET", "///providers/Microsoft.Authorization/roleAssignments"), forbidden);
});

test("a role at one secret holds for this secret only", async (t) => {
  const other = fresh("role-other");
  await owner.setSecret(other, "other");
  t.after(await give(SECRETS_OFFICER, `/secrets/${name}`));
  assert.equal((await app.getSecret(name)).value, "value");
  assert.equal((await asApp("GET", `/secrets/${name.toUpperCase()}`)).status, 200);
  assert.equal((await collect(app.listPropertiesOfSecretVersions(name))).length, 2);
  await rejects(app.getSecret(other), forbidden);
  await rejects(app.setSecret(other, "x"), forbidden);
  await rejects(app.restoreSecretBackup(backup), forbidden);
  await rejects(collect(app.listPropertiesOfSecrets()), forbiddenList);
  await rejects(app.getSecret(`${name}-x`), forbidden);
  assertError(await asApp("GET", `/keys/${name}`), forbidden);
});

test("a role at /secrets holds for all secrets and no keys", async (t) => {
  const remove = await give(SECRETS_USER, "/secrets");
  assert.equal((await app.getSecret(name)).value, "value");
  assert.ok((await listing.list()).length > 0);
  assertError(await asApp("GET", "/keys"), forbidden);
  await remove();
  await allRefused(t, reading);
});
