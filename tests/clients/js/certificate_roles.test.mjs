// What the roles for certificates let an identity do, and what not. The identity is these tests'
// own, so that they may run beside others.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  api, assertError, assign, certificateClient, collect, createCertificate, deleteCertificate, fast, fresh, keyClient,
  rejects, secretClient, secretCredential,
} from "./hub.mjs";
import { get, selfSigned } from "./openssl.mjs";

const CERTIFICATES_OFFICER = "a4417e6f-fecd-4de8-b567-7b0420556985";
const CERTIFICATE_USER = "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba";
const READER = "21090545-7ca7-4776-b22c-e363652d74d2";
const CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603";

const owner = certificateClient();
const forbidden = { status: 403, code: "Forbidden", inner: "ForbiddenByRbac" };
const forbiddenList = { status: 403, code: "Forbidden" }; // the SDK's pages show no more of an error
const ec = { issuerName: "Self", subject: "CN=role", keyType: "EC", keyCurveName: "P-256" };
const name = fresh("role");
const gone = fresh("role-gone");
const pending = fresh("role-pending");
const issuer = fresh("role-issuer");
let identity, credential, app, version, backup, pem;

before(async () => {
  identity = (await api("POST", "/hub/identities", { displayName: fresh("certificates") })).body;
  const { body } = await api("POST", `/hub/identities/${identity.appId}/secrets`, {});
  credential = secretCredential(identity.appId, body.secret);
  app = certificateClient(credential);
  version = (await createCertificate(owner, name, ec)).properties.version;
  backup = await owner.backupCertificate(name);
  await createCertificate(owner, gone, ec);
  await deleteCertificate(owner, gone);
  await owner.beginCreateCertificate(pending, { ...ec, issuerName: "Unknown" }, fast);
  await owner.createIssuer(issuer, "Test");
  selfSigned("role");
  pem = Buffer.concat([get("role.key"), get("role.pem")]);
});
after(() => api("DELETE", `/hub/identities/${identity.appId}`));

const give = (role, scope) => assign(role, scope, identity.objectId);
const asApp = (method, path, body) => api(method, path, body, credential);

const reading = {
  get: () => app.getCertificate(name),
  "get a version": () => app.getCertificateVersion(name, version),
  "get the policy": () => app.getCertificatePolicy(name),
  "get the operation": () => app.getCertificateOperation(pending),
  "get deleted": () => app.getDeletedCertificate(gone),
};
const listing = {
  list: () => collect(app.listPropertiesOfCertificates()),
  "list versions": () => collect(app.listPropertiesOfCertificateVersions(name)),
  "list deleted": () => collect(app.listDeletedCertificates()),
};
const issuers = { "get an issuer": () => app.getIssuer(issuer) };
const changing = {
  create: () => app.beginCreateCertificate(fresh("role-new"), ec),
  "create a version": () => app.beginCreateCertificate(name, ec),
  import: () => app.importCertificate(fresh("role-new"), pem),
  update: () => app.updateCertificateProperties(name, "", { enabled: false }),
  "update the policy": () => app.updateCertificatePolicy(name, ec),
  merge: () => app.mergeCertificate(pending, [pem]),
  "delete the operation": () => app.deleteCertificateOperation(pending),
  delete: () => app.beginDeleteCertificate(name),
  purge: () => app.purgeDeletedCertificate(gone),
  backup: () => app.backupCertificate(name),
  restore: () => app.restoreCertificateBackup(backup),
  "create an issuer": () => app.createIssuer(fresh("role-new"), "Test"),
  "update an issuer": () => app.updateIssuer(issuer, { accountId: "x" }),
  "delete an issuer": () => app.deleteIssuer(issuer),
  "set contacts": () => app.setContacts([{ email: "a@a.com" }]),
  "get contacts": () => app.getContacts(),
  "delete contacts": () => app.deleteContacts(),
};

async function allRefused(t, attempts, expected = forbidden) {
  for (const [what, attempt] of Object.entries(attempts)) {
    await t.test(what, () => rejects(attempt(), expected));
  }
}

// What the SDK asks for in two steps.
async function rawRefused() {
  assertError(await asApp("POST", `/deletedcertificates/${gone}/recover`), forbidden);
  assertError(await asApp("PATCH", `/certificates/${pending}/pending`, { cancellation_requested: true }), forbidden);
}

async function nothingChanged() {
  const { properties } = await owner.getCertificate(name);
  assert.deepEqual([properties.version, properties.enabled], [version, true]);
  assert.equal((await collect(owner.listPropertiesOfCertificateVersions(name))).length, 1);
  assert.equal((await owner.getDeletedCertificate(gone)).name, gone);
  const { certificateOperation } = (await owner.getCertificateOperation(pending)).getOperationState();
  assert.deepEqual([certificateOperation.status, certificateOperation.cancellationRequested], ["inProgress", false]);
  assert.equal((await owner.getIssuer(issuer)).accountId, undefined);
}

test("without a role no certificate is reached", async (t) => {
  await allRefused(t, { ...reading, ...changing, ...issuers });
  await allRefused(t, listing, forbiddenList);
  await rawRefused();
  await nothingChanged();
});

test("Reader may get and list and nothing else", async (t) => {
  t.after(await give(READER));
  for (const attempt of Object.values(reading)) assert.ok(await attempt());
  for (const attempt of Object.values(listing)) assert.ok((await attempt()).length > 0);
  assert.equal((await issuers["get an issuer"]()).provider, "Test");
  await allRefused(t, changing);
  await rawRefused();
  await rejects(secretClient(credential).getSecret(name), forbidden);
  await nothingChanged();
});

test("Certificate User may also get the private key, and changes nothing", async (t) => {
  t.after(await give(CERTIFICATE_USER));
  for (const attempt of Object.values(reading)) assert.ok(await attempt());
  assert.match((await secretClient(credential).getSecret(name)).value, /^MII/);
  assert.equal((await keyClient(credential).getKey(name)).name, name);
  await allRefused(t, { ...changing, ...issuers });
  await rawRefused();
  await nothingChanged();
});

test("a role for keys reaches no certificate, and its key only as a key", async (t) => {
  t.after(await give(CRYPTO_OFFICER));
  await allRefused(t, { ...reading, ...changing, ...issuers });
  await allRefused(t, listing, forbiddenList);
  await rejects(keyClient(credential).beginDeleteKey(name), { status: 403, inner: "SecretManagedByKeyVault" });
  await nothingChanged();
});

test("Certificates Officer may do everything with certificates", async (t) => {
  t.after(await give(CERTIFICATES_OFFICER));
  const mine = fresh("role-mine");
  await createCertificate(app, mine, ec);
  await app.updateCertificateProperties(mine, "", { tags: { a: "b" } });
  await app.updateCertificatePolicy(mine, ec);
  const blob = await app.backupCertificate(mine);
  await deleteCertificate(app, mine);
  await (await app.beginRecoverDeletedCertificate(mine, fast)).pollUntilDone();
  await deleteCertificate(app, mine);
  await app.purgeDeletedCertificate(mine);
  assert.equal((await app.restoreCertificateBackup(blob)).name, mine);
  assert.equal((await app.importCertificate(fresh("role-mine"), pem)).policy.subject, "CN=role");
  await app.createIssuer(fresh("role-mine"), "Test");
  await app.setContacts([{ email: "a@a.com" }]);
  assert.equal((await app.getContacts()).length, 1);
  await app.deleteContacts();
  await rejects(secretClient(credential).getSecret(mine), forbidden);
  await rejects(keyClient(credential).getKey(mine), forbidden);
  // the hub's own authority issues to those whom it may issue to
  await rejects(app.beginCreateCertificate(fresh("role-mine"), { ...ec, issuerName: "Hub" }), {
    status: 403, code: "Forbidden", inner: "AccessDenied",
  });
});

test("a role at one certificate holds for this certificate only", async (t) => {
  t.after(await give(CERTIFICATES_OFFICER, `/certificates/${name}`));
  assert.equal((await app.getCertificate(name)).properties.version, version);
  assert.equal((await asApp("GET", `/certificates/${name.toUpperCase()}/policy`)).status, 200);
  await rejects(app.getCertificate(pending), forbidden);
  await rejects(app.beginCreateCertificate(`${name}-x`, ec), forbidden);
  await rejects(app.restoreCertificateBackup(backup), forbidden);
  await rejects(app.createIssuer(fresh("role-new"), "Test"), forbidden);
  await rejects(app.getContacts(), forbidden);
  await rejects(listing.list(), forbiddenList);
});
