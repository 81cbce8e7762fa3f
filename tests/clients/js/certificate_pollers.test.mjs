// Pollers of certificates against a hub that takes its time (up --test-async-delete): they wait side by
// side.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { api, certificateClient, fast, fresh, keyClient, rejects, secretClient } from "./hub.mjs";

const secrets = secretClient();
const certificates = certificateClient();
const policy = { issuerName: "Self", subject: "CN=poll", keyType: "EC", keyCurveName: "P-256" };
const operationOf = async (name) =>
  (await certificates.getCertificateOperation(name)).getOperationState().certificateOperation;
const created = async (name) => (await certificates.beginCreateCertificate(name, policy, fast)).pollUntilDone();

describe("pollers of certificates", { concurrency: true }, () => {
  test("beginCreateCertificate waits until the certificate is issued", async () => {
    const name = fresh("poll");
    const poller = await certificates.beginCreateCertificate(name, policy, fast);
    assert.equal(poller.isDone(), false);
    const operation = await operationOf(name);
    assert.deepEqual([operation.status, operation.target], ["inProgress", undefined]);
    assert.match(operation.statusDetails, /^Pending certificate created/);
    const pending = await certificates.getCertificate(name);
    assert.deepEqual([pending.properties.enabled, pending.cer, pending.keyId], [false, undefined, undefined]);
    await rejects(keyClient().getKey(name), { status: 404 });
    await rejects(certificates.beginCreateCertificate(name, policy), { status: 409, code: "Conflict" });
    const made = await poller.pollUntilDone();
    assert.equal(made.properties.enabled, true);
    assert.equal(made.properties.version, pending.properties.version);
    assert.equal((await operationOf(name)).status, "completed");
    assert.equal((await keyClient().getKey(name)).id, made.keyId);
  });

  test("beginCreateCertificate can resume from a stopped poller", async () => {
    const name = fresh("poll");
    const poller = await certificates.beginCreateCertificate(name, policy, fast);
    poller.pollUntilDone().catch((error) => assert.equal(error.name, "PollerStoppedError"));
    poller.stopPolling();
    const resumeFrom = poller.toString();
    const resumed = await certificates.beginCreateCertificate(name, policy, { ...fast, resumeFrom });
    assert.equal((await resumed.pollUntilDone()).name, name);
  });

  test("a certificate's operation can be cancelled, and is then not completed", async () => {
    const name = fresh("poll");
    const poller = await certificates.beginCreateCertificate(name, policy, fast);
    await poller.cancelOperation();
    assert.equal((await operationOf(name)).cancellationRequested, true);
    await new Promise((resolve) => setTimeout(resolve, 1700));
    assert.equal((await operationOf(name)).status, "inProgress");
    assert.equal((await certificates.getCertificate(name)).properties.enabled, false);
    const deleted = await certificates.deleteCertificateOperation(name);
    assert.deepEqual([deleted.cancellationRequested, deleted.status], [true, "inProgress"]);
    await rejects(certificates.getCertificateOperation(name), { status: 404, code: "PendingCertificateNotFound" });
    assert.equal((await created(name)).properties.enabled, true);
  });

  test("getCertificateOperation waits, and cancels", async () => {
    const [name, other] = [fresh("poll"), fresh("poll")];
    await certificates.beginCreateCertificate(name, policy, fast);
    await certificates.beginCreateCertificate(other, policy, fast);
    const poller = await certificates.getCertificateOperation(name, fast);
    assert.equal(poller.isDone(), false);
    const cancelled = await certificates.getCertificateOperation(other, fast);
    await cancelled.cancelOperation();
    assert.equal(cancelled.getOperationState().certificateOperation.cancellationRequested, true);
    assert.equal((await poller.pollUntilDone()).properties.enabled, true);
    assert.equal((await api("PATCH", `/certificates/${name}/pending`, { cancellation_requested: true })).status, 409);
  });

  test("beginDeleteCertificate waits until the certificate is deleted", async () => {
    const name = fresh("poll");
    await created(name);
    const poller = await certificates.beginDeleteCertificate(name, fast);
    assert.equal(poller.isDone(), false);
    await rejects(certificates.getDeletedCertificate(name), { status: 404, code: "CertificateNotFound" });
    await rejects(certificates.beginCreateCertificate(name, policy), { status: 409, inner: "ObjectIsBeingDeleted" });
    await rejects(keyClient().createKey(name, "EC"), { status: 409, inner: "ObjectIsBeingDeleted" });
    poller.pollUntilDone().catch((error) => assert.equal(error.name, "PollerStoppedError"));
    poller.stopPolling();
    const resumed = await certificates.beginDeleteCertificate(name, { ...fast, resumeFrom: poller.toString() });
    assert.equal((await resumed.pollUntilDone()).name, name);
    assert.equal((await certificates.getDeletedCertificate(name)).name, name);
  });

  test("beginRecoverDeletedCertificate waits until the certificate is back", async () => {
    const name = fresh("poll");
    const made = await created(name);
    await (await certificates.beginDeleteCertificate(name, fast)).pollUntilDone();
    const poller = await certificates.beginRecoverDeletedCertificate(name, fast);
    assert.equal(poller.isDone(), false);
    await rejects(certificates.getCertificate(name), { status: 404, code: "CertificateNotFound" });
    await rejects(secrets.getSecret(name), { status: 404, code: "SecretNotFound" });
    assert.equal((await poller.pollUntilDone()).properties.id, made.properties.id);
    assert.equal((await secrets.getSecret(name)).properties.version, made.properties.version);
  });
});
