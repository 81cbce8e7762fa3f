// Every method of SecretClient, and what the service says to what it refuses.
import assert from "node:assert/strict";
import { parseKeyVaultSecretIdentifier } from "@azure/keyvault-secrets";
import { test } from "node:test";
import {
  api, assertError, collect, deleteSecret, fast, fresh, keyClient, notFound, rejects, secretClient, vaultUrl,
} from "./hub.mjs";

const client = secretClient();
const missing = (name) => ({ status: 404, code: "SecretNotFound", message: notFound(name, "secret") });
const disabled = {
  status: 403,
  code: "Forbidden",
  inner: "SecretDisabled",
  message: "Operation get is not allowed on a disabled secret.",
};
const badParameter = { status: 400, code: "BadParameter" };

test("setSecret shows what was set", async () => {
  const name = fresh("Set");
  const secret = await client.setSecret(name, "value 1");
  assert.equal(secret.name, name);
  assert.equal(secret.value, "value 1");
  const { properties } = secret;
  assert.match(properties.version, /^[0-9a-f]{32}$/);
  assert.equal(properties.id, `${vaultUrl}/secrets/${name}/${properties.version}`);
  assert.equal(properties.vaultUrl, new URL(vaultUrl).origin);
  assert.equal(properties.enabled, true);
  assert.equal(properties.recoveryLevel, "Recoverable+Purgeable");
  assert.equal(properties.recoverableDays, 90);
  assert.ok(Math.abs(properties.createdOn - Date.now()) < 60000);
  assert.deepEqual(properties.updatedOn, properties.createdOn);
  for (const absent of ["contentType", "tags", "notBefore", "expiresOn", "managed", "certificateKeyId"]) {
    assert.equal(properties[absent], undefined, absent);
  }
  const id = parseKeyVaultSecretIdentifier(properties.id);
  assert.deepEqual([id.name, id.version], [name, properties.version]);
});

// Times before 2038: the SDK sends later ones as negative numbers.
test("setSecret keeps all its options", async () => {
  const name = fresh("set");
  const options = {
    enabled: true,
    contentType: "application/json; charset=utf-8",
    tags: { "a tag": "grün", empty: "" },
    notBefore: new Date("2020-01-01T00:00:00Z"),
    expiresOn: new Date("2037-01-01T00:00:00Z"),
  };
  await client.setSecret(name, "{}", options);
  const { value, properties } = await client.getSecret(name);
  assert.equal(value, "{}");
  for (const [option, expected] of Object.entries(options)) {
    assert.deepEqual(option === "tags" ? { ...properties.tags } : properties[option], expected, option);
  }
});

test("setSecret of a name that exists makes a version", async () => {
  const name = fresh("versions");
  const first = await client.setSecret(name, "one", { tags: { of: "one" }, contentType: "text/plain" });
  const second = await client.setSecret(name.toUpperCase(), "two");
  assert.notEqual(second.properties.version, first.properties.version);
  assert.equal(second.name, name);
  assert.equal(second.properties.tags, undefined);
  assert.equal(second.properties.contentType, undefined);
  assert.equal((await client.getSecret(name)).value, "two");
  const { version } = first.properties;
  const older = await client.getSecret(name, { version });
  assert.deepEqual([older.value, older.properties.id], ["one", first.properties.id]);
  assert.equal((await client.getSecret(name, { version: version.toUpperCase() })).value, "one");
});

test("a secret and a key may have the same name", async () => {
  const name = fresh("both");
  await client.setSecret(name, "value");
  await keyClient().createKey(name, "EC");
  await deleteSecret(client, name);
  assert.equal((await keyClient().getKey(name)).name, name);
  await rejects(client.getSecret(name), missing(name));
});

test("values are any text", async () => {
  const name = fresh("text");
  const controls = Array.from({ length: 31 }, (_, i) => String.fromCharCode(i + 1)).join("");
  for (const value of [
    "", " ", "a\r\nb\tc", '"quoted" \\ / </script>', "äöü ÿ Ā", "漢字 עברית", "😀 👩‍👩‍👧‍👦 \u{10ffff}", controls,
    "\u007f\u0080\u0085\u009f\u00a0", "\u2028\u2029\ufeff\ufffd\uffff", "-----BEGIN X-----\nAA==\n-----END X-----\n",
    "%s%n %00", '{"value":"nested"}',
  ]) {
    assert.equal((await client.setSecret(name, value)).value, value, JSON.stringify(value));
    assert.equal((await client.getSecret(name)).value, value, JSON.stringify(value));
  }
});

test("a value has at most 25,600 bytes", async () => {
  const name = fresh("size");
  for (const one of ["x", "ü", "😀", "\u0001", '"']) {
    const value = one.repeat(25600 / Buffer.byteLength(one));
    assert.equal((await client.setSecret(name, value)).value, value);
    assert.equal((await client.getSecret(name)).value, value);
    await rejects(client.setSecret(name, `${value}x`), badParameter);
  }
  assert.equal((await collect(client.listPropertiesOfSecretVersions(name))).length, 5);
});

test("properties that cannot be are refused", async () => {
  const name = fresh("bad");
  const long = "x".repeat(256);
  const at = (year) => new Date(Date.UTC(year, 0));
  for (const options of [
    { contentType: long },
    { tags: { [`${long}x`]: "name" } },
    { tags: { value: `${long}x` } },
    { tags: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`t${i}`, "x"])) },
    { notBefore: at(2031), expiresOn: at(2030) },
    { notBefore: at(2030), expiresOn: at(2030) },
  ]) {
    await rejects(client.setSecret(name, "x", options), badParameter);
  }
  await rejects(client.getSecret(name), missing(name));
  const tags = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`t${i}`.padEnd(256, "n"), long]));
  const made = await client.setSecret(name, "x", { contentType: long.slice(1), tags });
  assert.deepEqual({ ...made.properties.tags }, tags);
});

test("names that cannot be are refused", async () => {
  for (const name of ["under_score", "dot.dot", "ü", "a b", "x".repeat(128)]) {
    await rejects(client.setSecret(name, "x"), { ...badParameter, message: /invalid name/ });
    await rejects(client.getSecret(name), badParameter);
  }
  const longest = fresh("x").padEnd(127, "x");
  assert.equal((await client.setSecret(longest, "x")).name, longest);
  await rejects(client.getSecret(longest, { version: "nothing" }), missing(`${longest}/nothing`));
});

test("getSecret of what is not there is SecretNotFound", async () => {
  const name = fresh("missing");
  await rejects(client.getSecret(name), missing(name));
  await client.setSecret(name, "x");
  const version = "0".repeat(32);
  await rejects(client.getSecret(name, { version }), missing(`${name}/${version}`));
});

test("a method that a path does not have is 405", async () => {
  const name = fresh("method");
  await client.setSecret(name, "x");
  for (const [method, path] of [
    ["PUT", "/secrets/"], ["PUT", "/secrets"], ["POST", `/secrets/${name}`], ["DELETE", `/secrets/${name}/versions`],
    ["PUT", `/deletedsecrets/${name}`], ["POST", "/deletedsecrets"], ["PUT", `/secrets/${name}/backup`],
  ]) {
    assertError(await api(method, path, {}), {
      status: 405,
      code: "MethodNotAllowed",
      message: `HTTP ${method} not allowed`,
    });
  }
});

test("updateSecretProperties changes what it is given and no more", async () => {
  const name = fresh("update");
  const expiresOn = new Date("2037-01-01T00:00:00Z");
  const { properties } = await client.setSecret(name, "value", { tags: { a: "b" }, contentType: "text/plain" });
  const updated = await client.updateSecretProperties(name, properties.version, { expiresOn });
  assert.equal(updated.id, properties.id);
  assert.deepEqual(updated.expiresOn, expiresOn);
  assert.deepEqual([{ ...updated.tags }, updated.contentType], [{ a: "b" }, "text/plain"]);
  const notBefore = new Date("2020-01-01T00:00:00Z");
  await client.updateSecretProperties(name, "", { contentType: "", notBefore, tags: { c: "d" } });
  const found = await client.getSecret(name);
  assert.equal(found.value, "value");
  assert.equal(found.properties.contentType, "");
  assert.deepEqual({ ...found.properties.tags }, { c: "d" });
  assert.deepEqual([found.properties.notBefore, found.properties.expiresOn], [notBefore, expiresOn]);
  assert.equal(found.properties.version, properties.version);
  await rejects(client.updateSecretProperties(name, "", { notBefore: expiresOn }), badParameter);
  await rejects(client.updateSecretProperties(fresh("missing"), "", {}), { status: 404, code: "SecretNotFound" });
  await rejects(client.updateSecretProperties(name, "0".repeat(32), {}), missing(`${name}/${"0".repeat(32)}`));
});

test("updateSecretProperties of an older version leaves the latest alone", async () => {
  const name = fresh("update");
  const first = await client.setSecret(name, "one");
  await client.setSecret(name, "two");
  await client.updateSecretProperties(name, first.properties.version, { enabled: false, tags: { old: "yes" } });
  await rejects(client.getSecret(name, { version: first.properties.version }), disabled);
  const latest = await client.getSecret(name);
  assert.deepEqual([latest.value, latest.properties.tags], ["two", undefined]);
});

test("a disabled secret gives no value and can be enabled again", async () => {
  const name = fresh("disabled");
  const { properties } = await client.setSecret(name, "value", { enabled: false });
  assert.equal(properties.enabled, false);
  await rejects(client.getSecret(name), disabled);
  await rejects(client.getSecret(name, { version: properties.version }), disabled);
  const [listed] = await collect(client.listPropertiesOfSecretVersions(name));
  assert.equal(listed.enabled, false);
  await client.updateSecretProperties(name, properties.version, { enabled: true });
  assert.equal((await client.getSecret(name)).value, "value");
  await client.updateSecretProperties(name, properties.version, { enabled: false });
  assert.equal((await deleteSecret(client, name)).name, name);
  await rejects(client.getDeletedSecret(name), disabled);
  await client.purgeDeletedSecret(name);
});

test("nbf and exp only inform", async () => {
  const name = fresh("time");
  await client.setSecret(name, "expired", { expiresOn: new Date("2001-01-01T00:00:00Z") });
  assert.equal((await client.getSecret(name)).value, "expired");
  await client.setSecret(name, "later", { notBefore: new Date("2037-12-31T00:00:00Z") });
  assert.equal((await client.getSecret(name)).value, "later");
});

test("only getSecret and setSecret show the value", async () => {
  const name = fresh("value");
  const value = fresh("the-value");
  const { properties } = await client.setSecret(name, value);
  const unseen = (answer) => assert.ok(!JSON.stringify(answer.body).includes(value), JSON.stringify(answer.body));
  unseen(await api("PATCH", `/secrets/${name}/${properties.version}`, { tags: {} }));
  unseen(await api("GET", `/secrets/${name}/versions`));
  const pages = await collect(client.listPropertiesOfSecrets().byPage());
  assert.ok(!JSON.stringify(pages).includes(value));
  unseen(await api("POST", `/secrets/${name}/backup`));
  unseen(await api("DELETE", `/secrets/${name}`));
  unseen(await api("GET", `/deletedsecrets/${name}`));
  assert.ok(!JSON.stringify(await collect(client.listDeletedSecrets())).includes(value));
  unseen(await api("POST", `/deletedsecrets/${name}/recover`));
  assert.equal((await client.getSecret(name)).value, value);
});

test("listPropertiesOfSecrets shows each secret once, in order, without version", async () => {
  const stem = fresh("list");
  const names = Array.from({ length: 32 }, (_, i) => `${stem}-${(i * 7) % 32}${i % 2 ? "-b" : "-A"}`);
  for (const name of names) await client.setSecret(name, "1", { contentType: "text/plain", tags: { n: name } });
  await client.setSecret(names[0], "2", { tags: { n: "again" } });
  await client.updateSecretProperties(names[1], "", { enabled: false });
  const all = await collect(client.listPropertiesOfSecrets());
  const ours = all.filter((one) => one.name.startsWith(stem));
  const sorted = [...names].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  assert.deepEqual(ours.map((one) => one.name), sorted);
  for (const one of ours) {
    assert.equal(one.version, undefined);
    assert.equal(one.id, `${vaultUrl}/secrets/${one.name}`);
    assert.equal(one.enabled, one.name !== names[1]);
    assert.equal(one.contentType, one.name === names[0] ? undefined : "text/plain");
    assert.equal(one.tags.n, one.name === names[0] ? "again" : one.name);
  }
  const lower = all.map((one) => one.name.toLowerCase());
  assert.deepEqual(lower, [...lower].sort());
});

test("lists of secrets come in pages that can be continued", async () => {
  const stem = fresh("page");
  const names = Array.from({ length: 31 }, (_, i) => `${stem}-${String(i).padStart(2, "0")}`);
  for (const name of names) await client.setSecret(name, "x");
  for (const maxPageSize of [undefined, 4, 25]) {
    const pages = await collect(client.listPropertiesOfSecrets().byPage({ maxPageSize }));
    assert.ok(pages.length >= 2);
    for (const page of pages) assert.ok(page.length <= (maxPageSize ?? 25));
    assert.deepEqual(pages.flat().map((one) => one.name).filter((one) => one.startsWith(stem)), names);
  }
  const { body } = await api("GET", "/secrets?maxresults=2");
  assert.equal(body.value.length, 2);
  assert.match(body.nextLink, /\/secrets\?.*\$skiptoken=/);
  const rest = client.listPropertiesOfSecrets().byPage({ maxPageSize: 2, continuationToken: body.nextLink });
  const { value } = await rest.next();
  assert.equal(value.length, 2);
  for (const one of value) assert.ok(one.id > body.value[1].id);
  for (const count of ["0", "26", "x"]) {
    for (const path of ["/secrets", "/deletedsecrets", `/secrets/${names[0]}/versions`]) {
      assertError(await api("GET", `${path}?maxresults=${count}`), badParameter);
    }
  }
});

test("listPropertiesOfSecretVersions is sorted by version", async () => {
  const name = fresh("versions");
  for (let i = 0; i < 30; i++) await client.setSecret(name, `${i}`, { tags: { n: `${i}` } });
  const pages = await collect(client.listPropertiesOfSecretVersions(name).byPage());
  assert.deepEqual(pages.map((page) => page.length), [25, 5]);
  const versions = pages.flat().map((one) => one.version);
  assert.deepEqual(versions, [...versions].sort());
  assert.equal(new Set(pages.flat().map((one) => one.tags.n)).size, 30);
  const whole = await collect(client.listPropertiesOfSecretVersions(name));
  assert.deepEqual(whole.map((one) => one.version), versions);
  for (const one of whole) assert.equal(one.id, `${vaultUrl}/secrets/${name}/${one.version}`);
  assert.deepEqual(await collect(client.listPropertiesOfSecretVersions(fresh("missing"))), []);
});

test("delete, look at, recover and purge a secret", async () => {
  const name = fresh("life");
  const secret = await client.setSecret(name, "value", { tags: { a: "b" }, contentType: "text/plain" });
  const poller = await client.beginDeleteSecret(name, fast);
  const deleted = await poller.pollUntilDone();
  assert.equal(deleted.name, name);
  assert.equal(deleted.value, undefined);
  const { properties } = deleted;
  assert.equal(properties.id, secret.properties.id);
  assert.equal(properties.recoveryId, `${vaultUrl}/deletedsecrets/${name}`);
  assert.equal(deleted.recoveryId, properties.recoveryId);
  assert.deepEqual([{ ...properties.tags }, properties.contentType], [{ a: "b" }, "text/plain"]);
  assert.equal((properties.scheduledPurgeDate - properties.deletedOn) / 86400000, properties.recoverableDays);

  await rejects(client.getSecret(name), missing(name));
  await rejects(client.updateSecretProperties(name, "", { tags: {} }), missing(name));
  await rejects(client.backupSecret(name), missing(name));
  await rejects(client.beginDeleteSecret(name), missing(name));
  assert.deepEqual(await collect(client.listPropertiesOfSecretVersions(name)), []);
  await rejects(client.setSecret(name, "other"), {
    status: 409,
    code: "Conflict",
    inner: "ObjectIsDeletedButRecoverable",
    message:
      `Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused; ` +
      "in this state, the secret can only be recovered or purged.",
  });
  assert.equal((await client.getDeletedSecret(name)).properties.recoveryId, properties.recoveryId);
  const pages = await collect(client.listDeletedSecrets().byPage({ maxPageSize: 3 }));
  const listed = pages.flat().find((one) => one.name === name);
  assert.equal(listed.properties.recoveryId, properties.recoveryId);
  assert.equal(listed.properties.version, undefined);
  assert.ok(!(await collect(client.listPropertiesOfSecrets())).some((one) => one.name === name));

  const recovered = await (await client.beginRecoverDeletedSecret(name, fast)).pollUntilDone();
  assert.equal(recovered.id, secret.properties.id);
  assert.equal((await client.getSecret(name)).value, "value");
  await rejects(client.getDeletedSecret(name), {
    status: 404,
    code: "SecretNotFound",
    message: `Deleted Secret not found: ${name}`,
  });

  await deleteSecret(client, name);
  await client.purgeDeletedSecret(name);
  await rejects(client.getDeletedSecret(name), { status: 404, code: "SecretNotFound" });
  const again = await client.setSecret(name, "new");
  assert.notEqual(again.properties.id, secret.properties.id);
  assert.equal((await collect(client.listPropertiesOfSecretVersions(name))).length, 1);
});

test("delete, purge and recover of a secret that is not there", async () => {
  const name = fresh("missing");
  await rejects(client.beginDeleteSecret(name), missing(name));
  await rejects(client.beginRecoverDeletedSecret(name), missing(name));
  await rejects(client.purgeDeletedSecret(name), { status: 404, message: `Deleted Secret not found: ${name}` });
  await rejects(client.backupSecret(name), missing(name));
  await client.setSecret(name, "x");
  assertError(await api("POST", `/deletedsecrets/${name}/recover`), {
    status: 400,
    code: "MethodNotAllowed",
    inner: "RequestNotAllowedOnNonDeletedObject",
    message: `Secret exists already: ${name}`,
  });
});

test("a backup brings all versions of a purged secret back", async () => {
  const name = fresh("Backup");
  const first = await client.setSecret(name, "one 😀", { tags: { one: "1" }, contentType: "text/plain" });
  const second = await client.setSecret(name, "", { enabled: true });
  const backup = await client.backupSecret(name);
  await rejects(client.restoreSecretBackup(backup), { status: 409, code: "Conflict", message: /the secret 'https:/ });
  await deleteSecret(client, name);
  await rejects(client.restoreSecretBackup(backup), { status: 409, code: "Conflict" });
  await client.purgeDeletedSecret(name);
  const restored = await client.restoreSecretBackup(backup);
  assert.equal(restored.id, second.properties.id);
  assert.deepEqual(restored.createdOn, second.properties.createdOn);
  assert.equal((await client.getSecret(name)).value, "");
  const older = await client.getSecret(name, { version: first.properties.version });
  assert.equal(older.value, "one 😀");
  assert.deepEqual([{ ...older.properties.tags }, older.properties.contentType], [{ one: "1" }, "text/plain"]);
});

test("a backup of another kind, or one that was touched, is refused", async () => {
  const name = fresh("backup");
  const refused = {
    status: 400,
    code: "Malformed backup blob",
    message: "Backup blob contains invalid or corrupt version.",
  };
  await client.setSecret(name, "value");
  const backup = await client.backupSecret(name);
  await deleteSecret(client, name);
  await client.purgeDeletedSecret(name);
  await keyClient().createKey(name, "EC");
  await rejects(client.restoreSecretBackup(await keyClient().backupKey(name)), refused);
  await rejects(keyClient().restoreKeyBackup(backup), refused);
  for (const at of [0, 10, backup.length >> 1, backup.length - 1]) {
    const touched = Uint8Array.from(backup);
    touched[at] ^= 1;
    await rejects(client.restoreSecretBackup(touched), refused);
  }
  await rejects(client.restoreSecretBackup(backup.subarray(1)), refused);
  assertError(await api("POST", "/secrets/restore", { value: "not base64url!" }), refused);
  assert.equal((await client.restoreSecretBackup(backup)).name, name);
});
