// Several vaults in one hub, by name, with no client option at all: what the clients take from the
// challenge, the ids and the pages is the vault's own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import { SecretClient, parseKeyVaultSecretIdentifier } from "@azure/keyvault-secrets";
import { api, collect, deleteKey, deleteSecret, env, fast, fresh, owner, rejects, vaultUrl } from "./hub.mjs";

const url = (vault) => `https://${vault}.${env("HUB_DOMAIN")}:${new URL(vaultUrl).port}`;
const names = ["conf", "payroll"];
const vaults = [vaultUrl, ...names.map(url)];
const keys = vaults.map((at) => new KeyClient(at, owner));
const secrets = vaults.map((at) => new SecretClient(at, owner));

before(async () => {
  for (const name of names) {
    const { status, body } = await api("PUT", `/hub/vaults/${name}`, {});
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(body.properties.vaultUri, `${url(name)}/`);
  }
});
after(async () => {
  for (const name of names) {
    await api("DELETE", `/hub/vaults/${name}`);
    assert.equal((await api("DELETE", `/hub/deletedvaults/${name}`)).status, 204);
  }
});

test("one name is another key and another secret in each vault", async () => {
  const name = fresh("same");
  const made = [];
  for (const [i, client] of keys.entries()) {
    const key = await client.createEcKey(name);
    assert.ok(key.id.startsWith(`${vaults[i]}/keys/${name}/`), key.id);
    assert.equal(key.properties.vaultUrl, vaults[i]);
    made.push(Buffer.from(key.key.x).toString("hex"));
    const secret = await secrets[i].setSecret(name, `of ${vaults[i]}`);
    assert.equal(parseKeyVaultSecretIdentifier(secret.properties.id).vaultUrl, vaults[i]);
  }
  assert.equal(new Set(made).size, vaults.length);
  for (const [i, client] of secrets.entries()) {
    assert.equal((await client.getSecret(name)).value, `of ${vaults[i]}`);
  }
});

test("what one vault's key signed and wrapped, another's does not know", async () => {
  const name = fresh("use");
  const clients = [];
  for (const client of keys) clients.push(new CryptographyClient(await client.createRsaKey(name), owner));
  const { result } = await clients[1].wrapKey("RSA-OAEP-256", Buffer.alloc(32, 7));
  assert.deepEqual(Buffer.from((await clients[1].unwrapKey("RSA-OAEP-256", result)).result), Buffer.alloc(32, 7));
  for (const other of [clients[0], clients[2]]) await rejects(other.unwrapKey("RSA-OAEP-256", result), { status: 400 });
});

test("pages lead on within the vault", async () => {
  const made = [];
  for (let i = 0; i < 7; i++) made.push((await secrets[1].setSecret(fresh("page"), "x")).name);
  const seen = [];
  for await (const page of secrets[1].listPropertiesOfSecrets().byPage({ maxPageSize: 3 })) {
    for (const one of page) {
      assert.ok(one.id.startsWith(`${vaults[1]}/secrets/`), one.id);
      seen.push(one.name);
    }
  }
  for (const name of made) assert.ok(seen.includes(name));
  const others = (await collect(secrets[2].listPropertiesOfSecrets())).map((one) => one.name);
  for (const name of made) assert.ok(!others.includes(name));
});

test("pollers and backups stay within the vault", async () => {
  const name = fresh("life");
  await keys[1].createEcKey(name);
  const backup = await keys[1].backupKey(name);
  await rejects(keys[2].restoreKeyBackup(backup), { status: 400 });
  assert.equal((await deleteKey(keys[1], name)).name, name);
  await (await keys[1].beginRecoverDeletedKey(name, fast)).pollUntilDone();
  await deleteKey(keys[1], name);
  await keys[1].purgeDeletedKey(name);
  assert.ok((await keys[1].restoreKeyBackup(backup)).id.startsWith(vaults[1]));
  const secret = fresh("life");
  await secrets[1].setSecret(secret, "x");
  await deleteSecret(secrets[1], secret);
  await rejects(secrets[2].getDeletedSecret(secret), { status: 404 });
  await secrets[1].purgeDeletedSecret(secret);
});

test("a deleted vault answers nothing, and all is there when it is recovered", async () => {
  const name = fresh("kept");
  await secrets[2].setSecret(name, "kept");
  assert.equal((await api("DELETE", `/hub/vaults/${names[1]}`)).status, 200);
  await rejects(secrets[2].getSecret(name), { status: 404 });
  assert.equal((await api("POST", `/hub/deletedvaults/${names[1]}/recover`)).status, 200);
  assert.equal((await secrets[2].getSecret(name)).value, "kept");
});
