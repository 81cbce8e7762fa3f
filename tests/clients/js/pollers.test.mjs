// Pollers of delete and recover against a hub that takes its time, as the real service does
// (up --test-async-delete).
import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, fast, fresh, keyClient, rejects, secretClient } from "./hub.mjs";

const client = keyClient();
const secrets = secretClient();

test("beginDeleteKey waits until the key is deleted", async () => {
  const name = fresh("poll");
  await client.createKey(name, "EC");
  const poller = await client.beginDeleteKey(name, fast);
  assert.equal(poller.isDone(), false);
  assert.equal(poller.getResult().name, name);
  await rejects(client.getDeletedKey(name), { status: 404, code: "KeyNotFound" });
  await rejects(client.createKey(name, "EC"), { status: 409, code: "Conflict", inner: "ObjectIsBeingDeleted" });
  const deleted = await poller.pollUntilDone();
  assert.equal(poller.getOperationState().isCompleted, true);
  assert.equal((await client.getDeletedKey(name)).id, deleted.id);
  assert.ok((await collect(client.listDeletedKeys())).some((one) => one.name === name));
});

test("beginDeleteKey can resume from a stopped poller", async () => {
  const name = fresh("poll");
  await client.createKey(name, "EC");
  const poller = await client.beginDeleteKey(name, fast);
  assert.equal(poller.isDone(), false);
  poller.pollUntilDone().catch((error) => assert.equal(error.name, "PollerStoppedError"));
  poller.stopPolling();
  assert.ok(poller.isStopped());
  const resumeFrom = poller.toString();
  const resumed = await client.beginDeleteKey(name, { ...fast, resumeFrom });
  assert.equal(resumed.getOperationState().isStarted, true);
  assert.equal((await resumed.pollUntilDone()).name, name);
});

test("beginRecoverDeletedKey waits until the key is back", async () => {
  const name = fresh("poll");
  const key = await client.createKey(name, "EC");
  await (await client.beginDeleteKey(name, fast)).pollUntilDone();
  const poller = await client.beginRecoverDeletedKey(name, fast);
  assert.equal(poller.isDone(), false);
  await rejects(client.getKey(name), { status: 404, code: "KeyNotFound" });
  await rejects(client.createKey(name, "EC"), { status: 409, code: "Conflict", inner: "ObjectIsBeingRecovered" });
  const recovered = await poller.pollUntilDone();
  assert.equal(recovered.id, key.id);
  assert.equal((await client.getKey(name)).id, key.id);
});

test("beginRecoverDeletedKey can resume from a stopped poller", async () => {
  const name = fresh("poll");
  await client.createKey(name, "EC");
  await (await client.beginDeleteKey(name, fast)).pollUntilDone();
  const poller = await client.beginRecoverDeletedKey(name, fast);
  assert.equal(poller.isDone(), false);
  poller.pollUntilDone().catch((error) => assert.equal(error.name, "PollerStoppedError"));
  poller.stopPolling();
  const resumed = await client.beginRecoverDeletedKey(name, { ...fast, resumeFrom: poller.toString() });
  assert.equal((await resumed.pollUntilDone()).name, name);
});

test("a poller cannot be cancelled", async () => {
  const name = fresh("poll");
  await client.createKey(name, "EC");
  const poller = await client.beginDeleteKey(name, fast);
  await assert.rejects(poller.cancelOperation(), /not supported/);
  await poller.pollUntilDone();
});

test("beginDeleteSecret waits until the secret is deleted", async () => {
  const name = fresh("poll");
  await secrets.setSecret(name, "value");
  const poller = await secrets.beginDeleteSecret(name, fast);
  assert.equal(poller.isDone(), false);
  assert.equal(poller.getResult().name, name);
  await rejects(secrets.getDeletedSecret(name), { status: 404, code: "SecretNotFound" });
  await rejects(secrets.getSecret(name), { status: 404, code: "SecretNotFound" });
  await rejects(secrets.setSecret(name, "x"), { status: 409, code: "Conflict", inner: "ObjectIsBeingDeleted" });
  await rejects(secrets.purgeDeletedSecret(name), {
    status: 409,
    code: "Conflict",
    inner: "ObjectIsBeingDeleted",
    message: "Secret is currently being deleted.",
  });
  const deleted = await poller.pollUntilDone();
  assert.equal(poller.getOperationState().isCompleted, true);
  assert.equal((await secrets.getDeletedSecret(name)).properties.id, deleted.properties.id);
  assert.ok((await collect(secrets.listDeletedSecrets())).some((one) => one.name === name));
});

test("beginDeleteSecret can resume from a stopped poller", async () => {
  const name = fresh("poll");
  await secrets.setSecret(name, "value");
  const poller = await secrets.beginDeleteSecret(name, fast);
  assert.equal(poller.isDone(), false);
  poller.pollUntilDone().catch((error) => assert.equal(error.name, "PollerStoppedError"));
  poller.stopPolling();
  assert.ok(poller.isStopped());
  const resumeFrom = poller.toString();
  const resumed = await secrets.beginDeleteSecret(name, { ...fast, resumeFrom });
  assert.equal(resumed.getOperationState().isStarted, true);
  assert.equal((await resumed.pollUntilDone()).name, name);
});

test("beginRecoverDeletedSecret waits until the secret is back", async () => {
  const name = fresh("poll");
  const secret = await secrets.setSecret(name, "value");
  await (await secrets.beginDeleteSecret(name, fast)).pollUntilDone();
  const poller = await secrets.beginRecoverDeletedSecret(name, fast);
  assert.equal(poller.isDone(), false);
  await rejects(secrets.getSecret(name), { status: 404, code: "SecretNotFound" });
  await rejects(secrets.setSecret(name, "x"), { status: 409, code: "Conflict", inner: "ObjectIsBeingRecovered" });
  assert.equal((await poller.pollUntilDone()).id, secret.properties.id);
  assert.equal((await secrets.getSecret(name)).value, "value");
});

test("beginRecoverDeletedSecret can resume from a stopped poller", async () => {
  const name = fresh("poll");
  await secrets.setSecret(name, "value");
  await (await secrets.beginDeleteSecret(name, fast)).pollUntilDone();
  const poller = await secrets.beginRecoverDeletedSecret(name, fast);
  assert.equal(poller.isDone(), false);
  poller.pollUntilDone().catch((error) => assert.equal(error.name, "PollerStoppedError"));
  poller.stopPolling();
  const resumed = await secrets.beginRecoverDeletedSecret(name, { ...fast, resumeFrom: poller.toString() });
  assert.equal((await resumed.pollUntilDone()).name, name);
});

test("a secret's poller cannot be cancelled", async () => {
  const name = fresh("poll");
  await secrets.setSecret(name, "value");
  const poller = await secrets.beginDeleteSecret(name, fast);
  await assert.rejects(poller.cancelOperation(), /not supported/);
  await poller.pollUntilDone();
});
