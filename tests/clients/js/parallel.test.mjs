// Many requests at once over one client, and keys that change while they are used.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { base64url, collect, cryptoClient, deleteKey, fresh, keyClient } from "./hub.mjs";

const client = keyClient();
const times = (count, make) => Promise.all(Array.from({ length: count }, (_, i) => make(i)));

test("one client serves many requests at once", async () => {
  const oct = cryptoClient(await client.createOctKey(fresh("parallel"), { keySize: 256 }));
  await times(200, async () => {
    const plain = randomBytes(32);
    const { result } = await oct.wrapKey("A256KW", plain);
    assert.equal(base64url((await oct.unwrapKey("A256KW", result)).result), base64url(plain));
  });
});

test("keys created at once are all there", async () => {
  const stem = fresh("parallel");
  await times(40, (i) => client.createKey(`${stem}-${i}`, i % 8 ? "EC" : "RSA"));
  const names = (await collect(client.listPropertiesOfKeys())).map((one) => one.name);
  assert.equal(names.filter((name) => name.startsWith(`${stem}-`)).length, 40);
});

test("versions created at once are all there and all different", async () => {
  const name = fresh("parallel");
  const keys = await times(20, () => client.createKey(name, "EC"));
  assert.equal(new Set(keys.map((key) => key.id)).size, 20);
  const versions = (await collect(client.listPropertiesOfKeyVersions(name))).map((one) => one.id);
  assert.deepEqual(versions, keys.map((key) => key.id).sort());
});

test("signatures verify while the key is rotated", async () => {
  const name = fresh("parallel");
  await client.createKey(name, "EC");
  const digest = randomBytes(32);
  await Promise.all([
    times(10, () => client.rotateKey(name)),
    times(50, async () => {
      const key = await client.getKey(name);
      const crypto = cryptoClient(key);
      assert.ok((await crypto.verify("ES256", digest, (await crypto.sign("ES256", digest)).result)).result);
    }),
  ]);
  assert.equal((await collect(client.listPropertiesOfKeyVersions(name))).length, 11);
});

test("of many creations over a deleted key none succeeds", async () => {
  const name = fresh("parallel");
  await client.createKey(name, "EC");
  await deleteKey(client, name);
  const outcomes = await times(10, () => client.createKey(name, "EC").then(() => 200, (error) => error.statusCode));
  assert.deepEqual(new Set(outcomes), new Set([409]));
});
