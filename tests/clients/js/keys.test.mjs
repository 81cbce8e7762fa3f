// Every method of KeyClient.
import assert from "node:assert/strict";
import { createECDH, generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  api, assertError, base64url, bytes, collect, deleteKey, fast, fresh, keyClient, notFound, owner, rejects, token,
  vaultUrl,
} from "./hub.mjs";

const client = keyClient();
const ALL_RSA = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"];

// A private key as the SDK takes it: JWK fields as bytes.
function jwk(type, options, operations) {
  const { privateKey } = generateKeyPairSync(type, options);
  const { kty, crv, ...numbers } = privateKey.export({ format: "jwk" });
  const key = { kty, keyOps: operations };
  if (crv) key.crv = crv === "secp256k1" ? "P-256K" : crv;
  for (const [name, value] of Object.entries(numbers)) key[name] = bytes(value);
  return key;
}

test("createKey makes an RSA key with the service's defaults", async () => {
  const name = fresh("rsa");
  const before = Math.floor(Date.now() / 1000) * 1000;
  const key = await client.createKey(name, "RSA");
  assert.equal(key.name, name);
  assert.equal(key.keyType, "RSA");
  assert.deepEqual(key.keyOperations, ALL_RSA);
  assert.equal(key.key.n.length, 256);
  assert.equal(base64url(key.key.e), "AQAB");
  assert.match(key.properties.version, /^[0-9a-f]{32}$/);
  assert.equal(key.id, `${vaultUrl}/keys/${name}/${key.properties.version}`);
  assert.equal(key.properties.vaultUrl, vaultUrl);
  assert.equal(key.properties.enabled, true);
  assert.equal(key.properties.expiresOn, undefined);
  assert.equal(key.properties.notBefore, undefined);
  assert.ok(key.properties.createdOn.getTime() >= before);
  assert.deepEqual(key.properties.updatedOn, key.properties.createdOn);
  assert.match(key.properties.recoveryLevel, /Recoverable/);
  assert.ok(key.properties.recoverableDays >= 7 && key.properties.recoverableDays <= 90);
  for (const secret of ["d", "p", "q", "dp", "dq", "qi", "k"]) assert.equal(key.key[secret], undefined);
});

for (const keySize of [2048, 3072, 4096]) {
  test(`createRsaKey makes ${keySize} bits`, async () => {
    const key = await client.createRsaKey(fresh("rsa"), { keySize });
    assert.equal(key.key.n.length, keySize / 8);
  });
}

test("createRsaKey keeps all that it is given", async () => {
  const options = {
    keyOps: ["sign", "verify"],
    enabled: false,
    notBefore: new Date("2020-09-13T12:26:40Z"),
    expiresOn: new Date("2033-05-18T03:33:20Z"),
    tags: { project: "a", "a tag": "ü" },
    exportable: false,
  };
  const name = fresh("rsa-options");
  for (const key of [await client.createRsaKey(name, options), await client.getKey(name)]) {
    assert.deepEqual(key.keyOperations, options.keyOps);
    assert.equal(key.properties.enabled, false);
    assert.deepEqual(key.properties.notBefore, options.notBefore);
    assert.deepEqual(key.properties.expiresOn, options.expiresOn);
    assert.deepEqual({ ...key.properties.tags }, options.tags);
    assert.equal(key.properties.exportable, false);
  }
});

test("createRsaKey with hsm makes RSA-HSM", async () => {
  assert.equal((await client.createRsaKey(fresh("rsa"), { hsm: true })).keyType, "RSA-HSM");
});

test("create refuses what is not an RSA key", async () => {
  await rejects(client.createRsaKey(fresh("bad"), { keySize: 1024 }), { status: 400, code: "BadParameter" });
  await rejects(client.createRsaKey(fresh("bad"), { keySize: 2049 }), { status: 400, code: "BadParameter" });
  await rejects(client.createKey(fresh("bad"), "DSA"), { status: 400, code: "BadParameter" });
  await rejects(client.createRsaKey(fresh("bad"), { keyOps: ["signAll"] }), { status: 400, code: "BadParameter" });
});

test("create honours a public exponent", async () => {
  const answer = await api("POST", `/keys/${fresh("exponent")}/create`, { kty: "RSA", public_exponent: 3 });
  assert.equal(answer.status, 200);
  assert.equal(answer.body.key.e, "Aw");
});

for (const [curve, size] of [["P-256", 32], ["P-384", 48], ["P-521", 66], ["P-256K", 32]]) {
  test(`createEcKey makes ${curve}`, async () => {
    for (const hsm of [false, true]) {
      const key = await client.createEcKey(fresh("ec"), { curve, hsm });
      assert.equal(key.keyType, hsm ? "EC-HSM" : "EC");
      assert.equal(key.key.crv, curve);
      assert.equal(key.key.x.length, size);
      assert.equal(key.key.y.length, size);
      assert.deepEqual(key.keyOperations, ["sign", "verify"]);
      assert.equal(key.key.d, undefined);
    }
  });
}

test("createEcKey takes P-256 when no curve is named, and no unknown one", async () => {
  assert.equal((await client.createEcKey(fresh("ec"))).key.crv, "P-256");
  await rejects(client.createEcKey(fresh("bad"), { curve: "P-512" }), { status: 400, code: "BadParameter" });
});

for (const keySize of [128, 192, 256]) {
  test(`createOctKey makes ${keySize} bits and shows none of them`, async () => {
    for (const hsm of [false, true]) {
      const key = await client.createOctKey(fresh("oct"), { keySize, hsm });
      assert.equal(key.keyType, hsm ? "oct-HSM" : "oct");
      assert.deepEqual([...key.keyOperations].sort(), ["decrypt", "encrypt", "unwrapKey", "wrapKey"]);
      assert.equal(key.key.k, undefined);
    }
  });
}

test("a second create makes a new version and keeps the first", async () => {
  const name = fresh("versions");
  const first = await client.createKey(name, "EC");
  const second = await client.createKey(name, "EC");
  assert.notEqual(first.properties.version, second.properties.version);
  assert.equal((await client.getKey(name)).id, second.id);
  assert.equal((await client.getKey(name, { version: first.properties.version })).id, first.id);
});

test("importKey takes RSA keys and gives back the public half", async () => {
  const key = jwk("rsa", { modulusLength: 2048 }, ["sign", "verify"]);
  const stripped = key.n;
  key.n = new Uint8Array([0, ...key.n]); // as some encoders write it
  const imported = await client.importKey(fresh("import"), key, { tags: { from: "here" } });
  assert.equal(imported.keyType, "RSA");
  assert.equal(base64url(imported.key.n), base64url(stripped));
  assert.deepEqual(imported.keyOperations, ["sign", "verify"]);
  assert.deepEqual({ ...imported.properties.tags }, { from: "here" });
  assert.equal(imported.key.d, undefined);
});

for (const namedCurve of ["P-256", "P-384", "P-521", "secp256k1"]) {
  test(`importKey takes ${namedCurve} keys`, async () => {
    const key = jwk("ec", { namedCurve }, ["sign", "verify"]);
    const imported = await client.importKey(fresh("import"), key);
    assert.equal(imported.keyType, "EC");
    assert.equal(imported.key.crv, key.crv);
    assert.equal(base64url(imported.key.x), base64url(key.x));
    assert.equal(base64url(imported.key.y), base64url(key.y));
  });
}

test("importKey takes oct keys, and hardwareProtected makes them -HSM", async () => {
  const key = { kty: "oct", k: randomBytes(32), keyOps: ["wrapKey", "unwrapKey"] };
  const imported = await client.importKey(fresh("import"), key, { hardwareProtected: true, enabled: false });
  assert.equal(imported.keyType, "oct-HSM");
  assert.equal(imported.properties.enabled, false);
  assert.equal(imported.key.k, undefined);
});

test("importKey refuses keys that do not hold together", async () => {
  const good = jwk("ec", { namedCurve: "P-256" });
  const ecdh = createECDH("prime256v1");
  ecdh.generateKeys();
  const refused = { status: 400, code: "BadParameter" };
  await rejects(client.importKey(fresh("bad"), { ...good, x: good.y, y: good.x }), refused);
  await rejects(client.importKey(fresh("bad"), { ...good, d: ecdh.getPrivateKey() }), refused);
  await rejects(client.importKey(fresh("bad"), { ...good, d: undefined }), refused);
  const rsa = jwk("rsa", { modulusLength: 2048 });
  await rejects(client.importKey(fresh("bad"), { ...rsa, n: rsa.n.map((byte) => byte ^ 2) }), refused);
  await rejects(client.importKey(fresh("bad"), { kty: "oct", k: randomBytes(20) }), refused);
});

test("getKey of a missing key or version is KeyNotFound", async () => {
  const name = fresh("missing");
  await rejects(client.getKey(name), { status: 404, code: "KeyNotFound", message: notFound(name) });
  const key = await client.createKey(name, "EC");
  const version = key.properties.version.replace(/./g, "0");
  await rejects(client.getKey(name, { version }), {
    status: 404,
    code: "KeyNotFound",
    message: notFound(`${name}/${version}`),
  });
});

test("names keep their case and are found in any", async () => {
  const name = fresh("MixedCase");
  const key = await client.createKey(name, "EC");
  assert.equal((await client.getKey(name.toLowerCase())).properties.version, key.properties.version);
  assert.equal((await client.getKey(name.toUpperCase())).name, name);
});

test("names outside the alphabet are refused", async () => {
  for (const name of ["under_score", "dot.ted", "a".repeat(128)]) {
    await rejects(client.createKey(name, "EC"), { status: 400, code: "BadParameter" });
  }
});

test("updateKeyProperties changes the latest or a named version", async () => {
  const name = fresh("update");
  const first = await client.createKey(name, "RSA", { tags: { keep: "me" } });
  const second = await client.createKey(name, "RSA");
  const expiresOn = new Date("2037-01-01T00:00:00Z");
  const notBefore = new Date("2020-01-01T00:00:00Z");
  const latest = await client.updateKeyProperties(name, { expiresOn, notBefore, tags: { a: "1" } });
  assert.equal(latest.id, second.id);
  assert.deepEqual(latest.properties.expiresOn, expiresOn);
  assert.deepEqual(latest.properties.notBefore, notBefore);
  assert.deepEqual({ ...latest.properties.tags }, { a: "1" });
  const older = await client.updateKeyProperties(name, first.properties.version, {
    keyOps: ["sign"],
    enabled: false,
  });
  assert.equal(older.id, first.id);
  assert.deepEqual(older.keyOperations, ["sign"]);
  assert.equal(older.properties.enabled, false);
  assert.deepEqual({ ...older.properties.tags }, { keep: "me" });
  assert.equal((await client.getKey(name)).properties.enabled, true);
});

test("a disabled key can be read and enabled again", async () => {
  const name = fresh("disable");
  await client.createKey(name, "EC");
  await client.updateKeyProperties(name, { enabled: false });
  assert.equal((await client.getKey(name)).properties.enabled, false);
  await client.updateKeyProperties(name, { enabled: true });
  assert.equal((await client.getKey(name)).properties.enabled, true);
});

test("updateKeyProperties of a missing key is KeyNotFound", async () => {
  await rejects(client.updateKeyProperties(fresh("missing"), { enabled: true }), {
    status: 404,
    code: "KeyNotFound",
  });
});

test("listPropertiesOfKeys shows each key once, in order, without version", async () => {
  const stem = fresh("list");
  const names = ["b", "A", "c", "B2"].map((suffix) => `${stem}-${suffix}`);
  for (const name of names) await client.createKey(name, "EC", { tags: { list: "yes" } });
  await client.createKey(names[0], "EC", { tags: { list: "again" } });
  const all = await collect(client.listPropertiesOfKeys());
  const ours = all.filter((one) => one.name.startsWith(stem));
  const sorted = [...names].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  assert.deepEqual(ours.map((one) => one.name), sorted);
  for (const one of ours) {
    assert.equal(one.version, undefined);
    assert.equal(one.id, `${vaultUrl}/keys/${one.name}`);
    assert.equal(one.enabled, true);
  }
  assert.equal(ours.find((one) => one.name === names[0]).tags.list, "again");
  const lower = all.map((one) => one.name.toLowerCase());
  assert.deepEqual(lower, [...lower].sort());
});

test("lists come in pages that can be continued", async () => {
  const stem = fresh("page");
  const names = Array.from({ length: 7 }, (_, i) => `${stem}-${i}`);
  for (const name of names) await client.createKey(name, "EC");
  const pages = await collect(client.listPropertiesOfKeys().byPage({ maxPageSize: 3 }));
  for (const page of pages) assert.ok(page.length <= 3);
  const paged = pages.flat().map((one) => one.name);
  const whole = (await collect(client.listPropertiesOfKeys())).map((one) => one.name);
  for (const name of names) {
    assert.equal(paged.filter((one) => one === name).length, 1);
    assert.equal(whole.filter((one) => one === name).length, 1);
  }
  const { body } = await api("GET", "/keys?maxresults=2");
  assert.equal(body.value.length, 2);
  assert.match(body.nextLink, /\$skiptoken=/);
  const rest = client.listPropertiesOfKeys().byPage({ maxPageSize: 2, continuationToken: body.nextLink });
  const { value } = await rest.next();
  const first = body.value.map((one) => one.kid);
  for (const one of value) assert.ok(!first.includes(one.id));
});

test("nextLink is null on the last page, and can be fetched as it is", async () => {
  const stem = fresh("link");
  for (let i = 0; i < 3; i++) await client.createKey(stem, "EC");
  let link = `${vaultUrl}/keys/${stem}/versions?api-version=7.4&maxresults=1`;
  const versions = [];
  const headers = { authorization: `Bearer ${await token(owner)}` };
  while (link) {
    const page = await (await fetch(link, { headers })).json();
    assert.ok("nextLink" in page);
    versions.push(...page.value.map((one) => one.kid));
    link = page.nextLink;
  }
  assert.equal(new Set(versions).size, 3);
});

test("maxresults outside 1..25 is refused", async () => {
  for (const count of ["0", "26", "-1", "x"]) {
    assertError(await api("GET", `/keys?maxresults=${count}`), { status: 400, code: "BadParameter" });
  }
});

test("listPropertiesOfKeyVersions is sorted by version", async () => {
  const name = fresh("versions");
  for (let i = 0; i < 4; i++) await client.createKey(name, "EC");
  const versions = (await collect(client.listPropertiesOfKeyVersions(name))).map((one) => one.version);
  assert.equal(versions.length, 4);
  assert.deepEqual(versions, [...versions].sort());
  assert.deepEqual(await collect(client.listPropertiesOfKeyVersions(fresh("missing"))), []);
});

test("delete, look at, recover and purge", async () => {
  const name = fresh("life");
  const key = await client.createKey(name, "EC", { tags: { a: "b" } });
  const poller = await client.beginDeleteKey(name, fast);
  const deleted = await poller.pollUntilDone();
  assert.equal(deleted.name, name);
  assert.equal(deleted.id, key.id);
  assert.equal(deleted.properties.recoveryId, `${vaultUrl}/deletedkeys/${name}`);
  assert.ok(deleted.properties.deletedOn <= new Date());
  const days = (deleted.properties.scheduledPurgeDate - deleted.properties.deletedOn) / 86400000;
  assert.equal(days, deleted.properties.recoverableDays);

  await rejects(client.getKey(name), { status: 404, code: "KeyNotFound", message: notFound(name) });
  await rejects(client.createKey(name, "EC"), {
    status: 409,
    code: "Conflict",
    inner: "ObjectIsDeletedButRecoverable",
    message:
      `Key ${name} is currently in a deleted but recoverable state, and its name cannot be reused; ` +
      "in this state, the key can only be recovered or purged.",
  });
  assert.equal((await client.getDeletedKey(name)).properties.recoveryId, deleted.properties.recoveryId);
  const listed = (await collect(client.listDeletedKeys())).find((one) => one.name === name);
  assert.equal(listed.properties.recoveryId, deleted.properties.recoveryId);
  assert.ok(!(await collect(client.listPropertiesOfKeys())).some((one) => one.name === name));

  const recovered = await (await client.beginRecoverDeletedKey(name, fast)).pollUntilDone();
  assert.equal(recovered.id, key.id);
  assert.deepEqual({ ...(await client.getKey(name)).properties.tags }, { a: "b" });

  await deleteKey(client, name);
  await client.purgeDeletedKey(name);
  await rejects(client.getDeletedKey(name), {
    status: 404,
    code: "KeyNotFound",
    message: `Deleted Key not found: ${name}`,
  });
  await rejects(client.getKey(name), { status: 404, code: "KeyNotFound" });
  assert.notEqual((await client.createKey(name, "EC")).id, key.id);
});

test("a deleted key does nothing", async () => {
  const name = fresh("dead");
  const key = await client.createKey(name, "RSA");
  const digest = base64url(randomBytes(32));
  await deleteKey(client, name);
  assertError(await api("POST", `/keys/${name}/${key.properties.version}/sign`, { alg: "RS256", value: digest }), {
    status: 404,
    code: "KeyNotFound",
  });
  assert.deepEqual(await collect(client.listPropertiesOfKeyVersions(name)), []);
});

test("delete, purge and recover of what is not there", async () => {
  const name = fresh("missing");
  await rejects(client.beginDeleteKey(name), { status: 404, code: "KeyNotFound", message: notFound(name) });
  await rejects(client.purgeDeletedKey(name), { status: 404, code: "KeyNotFound" });
  await rejects(client.beginRecoverDeletedKey(name), { status: 404, code: "KeyNotFound", message: notFound(name) });
});

test("a backup brings all versions of a purged key back", async () => {
  const name = fresh("backup");
  const first = await client.createKey(name, "RSA", { tags: { one: "1" } });
  const second = await client.createKey(name, "RSA");
  const digest = randomBytes(32);
  const versionPath = `/keys/${name}/${first.properties.version}`;
  const signed = await api("POST", `${versionPath}/sign`, { alg: "RS256", value: base64url(digest) });
  const backup = await client.backupKey(name);
  assert.ok(backup.length > 100);

  await rejects(client.restoreKeyBackup(backup), { status: 409, code: "Conflict", message: /conflict restoring/ });
  await deleteKey(client, name);
  await rejects(client.restoreKeyBackup(backup), { status: 409, code: "Conflict" });
  await client.purgeDeletedKey(name);
  const restored = await client.restoreKeyBackup(backup);
  assert.equal(restored.id, second.id);
  assert.deepEqual(restored.properties.createdOn, second.properties.createdOn);
  const versions = (await collect(client.listPropertiesOfKeyVersions(name))).map((one) => one.id);
  assert.deepEqual(versions.sort(), [first.id, second.id].sort());
  const older = await client.getKey(name, { version: first.properties.version });
  assert.deepEqual({ ...older.properties.tags }, { one: "1" });
  const verified = await api("POST", `${versionPath}/verify`, {
    alg: "RS256",
    digest: base64url(digest),
    value: signed.body.value,
  });
  assert.deepEqual(verified.body, { value: true });
});

test("a backup blob that was touched is refused", async () => {
  const name = fresh("backup");
  await client.createKey(name, "EC");
  const backup = await client.backupKey(name);
  await deleteKey(client, name);
  await client.purgeDeletedKey(name);
  const refused = {
    status: 400,
    code: "Malformed backup blob",
    message: "Backup blob contains invalid or corrupt version.",
  };
  for (const at of [0, 10, backup.length >> 1, backup.length - 1]) {
    const touched = Uint8Array.from(backup);
    touched[at] ^= 1;
    await rejects(client.restoreKeyBackup(touched), refused);
  }
  await rejects(client.restoreKeyBackup(backup.subarray(0, backup.length - 1)), refused);
  await rejects(client.restoreKeyBackup(new Uint8Array(4728)), refused);
});

test("backupKey of a missing key is KeyNotFound", async () => {
  const name = fresh("missing");
  await rejects(client.backupKey(name), { status: 404, code: "KeyNotFound", message: notFound(name) });
});

test("rotateKey makes a version of the same kind", async () => {
  const name = fresh("rotate");
  const key = await client.createRsaKey(name, { keySize: 3072, keyOps: ["wrapKey", "unwrapKey"], tags: { a: "b" } });
  const rotated = await client.rotateKey(name);
  assert.notEqual(rotated.properties.version, key.properties.version);
  assert.equal(rotated.key.n.length, 384);
  assert.notEqual(base64url(rotated.key.n), base64url(key.key.n));
  assert.deepEqual(rotated.keyOperations, ["wrapKey", "unwrapKey"]);
  assert.deepEqual({ ...rotated.properties.tags }, { a: "b" });
  assert.equal((await client.getKey(name)).id, rotated.id);
  await rejects(client.rotateKey(fresh("missing")), { status: 404, code: "KeyNotFound" });
});

test("a rotation policy is kept and decides about the expiry of new versions", async () => {
  const name = fresh("policy");
  await client.createKey(name, "RSA");
  const policy = await client.updateKeyRotationPolicy(name, {
    expiresIn: "P90D",
    lifetimeActions: [{ action: "Rotate", timeBeforeExpiry: "P30D" }],
  });
  assert.equal(policy.expiresIn, "P90D");
  assert.ok(policy.createdOn && policy.updatedOn);
  assert.equal(policy.id, `${vaultUrl}/keys/${name}/rotationpolicy`);
  const rotate = (await client.getKeyRotationPolicy(name)).lifetimeActions.filter((one) => one.action === "Rotate");
  assert.deepEqual(rotate, [{ action: "Rotate", timeAfterCreate: undefined, timeBeforeExpiry: "P30D" }]);
  const { properties } = await client.rotateKey(name);
  assert.equal(properties.expiresOn - properties.createdOn, 90 * 86400000);
});

test("the service adds a notice 30 days before expiry", async () => {
  const name = fresh("policy");
  await client.createKey(name, "EC");
  const policy = await client.updateKeyRotationPolicy(name, {
    lifetimeActions: [{ action: "Rotate", timeAfterCreate: "P2M" }],
    expiresIn: "P1Y",
  });
  assert.deepEqual(
    policy.lifetimeActions.map((one) => [one.action, one.timeAfterCreate ?? one.timeBeforeExpiry]).sort(),
    [["Notify", "P30D"], ["Rotate", "P2M"]],
  );
});

test("rotation policies that cannot be are refused", async () => {
  const name = fresh("policy");
  await client.createKey(name, "EC");
  const refused = { status: 400, code: "BadParameter" };
  const rotate = (trigger) => ({ lifetimeActions: [{ action: "Rotate", ...trigger }], expiresIn: "P90D" });
  await rejects(client.updateKeyRotationPolicy(name, rotate({ timeAfterCreate: "P1D" })), refused);
  await rejects(client.updateKeyRotationPolicy(name, rotate({ timeAfterCreate: "soon" })), refused);
  await rejects(client.updateKeyRotationPolicy(name, { ...rotate({ timeAfterCreate: "P10D" }), expiresIn: "P1D" }), refused);
  await rejects(client.getKeyRotationPolicy(fresh("missing")), { status: 404, code: "KeyNotFound" });
});

test("getRandomBytes gives 1 to 128 bytes", async () => {
  for (const count of [1, 16, 128]) assert.equal((await client.getRandomBytes(count)).length, count);
  const one = base64url(await client.getRandomBytes(32));
  assert.notEqual(one, base64url(await client.getRandomBytes(32)));
  for (const count of [0, -1, 129]) {
    await rejects(client.getRandomBytes(count), {
      status: 400,
      code: "BadParameter",
      message: /^GetRandomBytesRequest: count cannot be greater than 128 or less than 1/,
    });
  }
});

test("exportable and release policy belong together", async () => {
  const encodedPolicy = Buffer.from(
    JSON.stringify({
      version: "1.0.0",
      anyOf: [{ authority: "https://attest.example", allOf: [{ claim: "sdk-test", equals: "true" }] }],
    }),
  );
  await rejects(client.createRsaKey(fresh("export"), { exportable: true, hsm: true }), {
    status: 400,
    code: "BadParameter",
    message: "AKV.SKR.1004: Exportable keys must have release policy.",
  });
  await rejects(client.createRsaKey(fresh("export"), { hsm: true, releasePolicy: { encodedPolicy } }), {
    status: 400,
    code: "BadParameter",
    message: "AKV.SKR.1005: Non-exportable keys must not have release policy.",
  });
  const name = fresh("export");
  const key = await client.createRsaKey(name, {
    exportable: true,
    hsm: true,
    keyOps: ["encrypt", "decrypt"],
    releasePolicy: { encodedPolicy, immutable: true },
  });
  assert.equal(key.properties.exportable, true);
  assert.deepEqual(
    JSON.parse(Buffer.from(key.properties.releasePolicy.encodedPolicy)),
    JSON.parse(encodedPolicy),
  );
  const other = Buffer.from(encodedPolicy.toString().replace("true", "false"));
  await rejects(client.updateKeyProperties(name, { releasePolicy: { encodedPolicy: other, immutable: true } }), {
    status: 400,
    code: "BadParameter",
    message: "AKV.SKR.1020: Immutable Key Release Policy cannot be modified.",
  });
  await rejects(client.releaseKey(name, "not an attestation"), {
    status: 403,
    code: "Forbidden",
    inner: "AccessDenied",
    message: "Target environment attestation statement cannot be verified.",
  });
});

test("getKeyAttestation of a key without one is a clear refusal", async () => {
  const name = fresh("attest");
  const { properties } = await client.createKey(name, "EC");
  await rejects(client.getKeyAttestation(name, { version: properties.version }), { status: /^40[04]$/, code: /./ });
});

test("getCryptographyClient works on the latest and on a named version", async () => {
  const name = fresh("crypto");
  const first = await client.createKey(name, "EC");
  const second = await client.createKey(name, "EC");
  const digest = randomBytes(32);
  const latest = await client.getCryptographyClient(name).sign("ES256", digest);
  const named = client.getCryptographyClient(name, { keyVersion: first.properties.version });
  assert.equal((await named.verify("ES256", digest, latest.result)).result, false);
  const signed = await named.sign("ES256", digest);
  assert.equal((await named.verify("ES256", digest, signed.result)).result, true);
  assert.notEqual(first.id, second.id);
});
