// Every method of CertificateClient, what the key and the secret behind a certificate are, and what
// the service says to what it refuses.
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { parseKeyVaultCertificateIdentifier } from "@azure/keyvault-certificates";
import { test } from "node:test";
import {
  api, assertError, certificateClient, collect, createCertificate, cryptoClient, deleteCertificate, fast, fresh,
  keyClient, notFound, rejects, secretClient, vaultUrl,
} from "./hub.mjs";
import { der, get, openssl, pem, put, selfSigned, sign } from "./openssl.mjs";

const client = certificateClient();
const keys = keyClient();
const secrets = secretClient();
const ec = { issuerName: "Self", subject: "CN=ec", keyType: "EC", keyCurveName: "P-256" };
const make = (name, policy = {}, options) => createCertificate(client, name, { ...ec, ...policy }, options);
const missing = (name) => ({ status: 404, code: "CertificateNotFound", message: notFound(name, "certificate") });
const badParameter = { status: 400, code: "BadParameter" };
const managed = { status: 403, code: "Forbidden", inner: "SecretManagedByKeyVault" };

test("beginCreateCertificate makes a self-signed certificate by the service's defaults", async () => {
  const name = fresh("Create");
  const poller = await client.beginCreateCertificate(name, { issuerName: "Self", subject: "cn=MyCert" }, fast);
  const made = await poller.pollUntilDone();
  const operation = (await client.getCertificateOperation(name)).getOperationState().certificateOperation;
  assert.equal(operation.status, "completed");
  assert.equal(operation.target, `${vaultUrl}/certificates/${name}`);
  assert.match(operation.requestId, /^[0-9a-f]{32}$/);
  assert.equal(made.name, name);
  const { properties, policy } = made;
  const x509 = new X509Certificate(Buffer.from(made.cer));
  assert.equal(x509.subject, "CN=MyCert");
  assert.ok(x509.verify(x509.publicKey));
  assert.equal(properties.x509ThumbprintString.toUpperCase(), x509.fingerprint.replaceAll(":", ""));
  assert.equal(properties.enabled, true);
  assert.equal(properties.notBefore.getTime(), Date.parse(x509.validFrom));
  assert.equal(properties.expiresOn.getTime(), Date.parse(x509.validTo));
  assert.equal(properties.createdOn - properties.notBefore >= 599000, true);
  assert.equal(properties.recoveryLevel, "Recoverable+Purgeable");
  assert.equal(made.keyId, `${vaultUrl}/keys/${name}/${properties.version}`);
  assert.equal(made.secretId, `${vaultUrl}/secrets/${name}/${properties.version}`);
  assert.deepEqual({ ...policy }, {
    lifetimeActions: [{ action: "AutoRenew", daysBeforeExpiry: undefined, lifetimePercentage: 80 }],
    contentType: "application/x-pkcs12",
    enhancedKeyUsage: ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
    keyUsage: ["digitalSignature", "keyEncipherment"],
    validityInMonths: 12,
    subject: "cn=MyCert",
    subjectAlternativeNames: undefined,
    enabled: true,
    keyType: "RSA",
    keySize: 2048,
    reuseKey: false,
    keyCurveName: undefined,
    exportable: true,
    issuerName: "Self",
    certificateType: undefined,
    certificateTransparency: undefined,
  });
  const id = parseKeyVaultCertificateIdentifier(properties.id);
  assert.deepEqual([id.name, id.version], [name, properties.version]);
  const key = await keys.getKey(name);
  assert.deepEqual(key.keyOperations, ["sign", "verify", "wrapKey", "unwrapKey"]);
  assert.equal(key.properties.managed, true);
});

test("beginCreateCertificate keeps all its options", async () => {
  const name = fresh("options");
  const names = {
    dnsNames: ["a.example", "*.b.example"],
    emails: ["me@a.example"],
    userPrincipalNames: ["me@corp"],
    uniformResourceIdentifiers: ["spiffe://vdc.example/db"],
    ipAddresses: ["10.0.0.1", "fd00::1"],
  };
  const policy = {
    subject: "CN=options, O=Example",
    subjectAlternativeNames: names,
    keyCurveName: "P-384",
    reuseKey: true,
    exportable: false,
    contentType: "application/x-pem-file",
    enhancedKeyUsage: ["1.3.6.1.5.5.7.3.2"],
    keyUsage: ["digitalSignature", "nonRepudiation"],
    validityInMonths: 3,
    lifetimeActions: [
      { action: "AutoRenew", daysBeforeExpiry: 20 },
      { action: "EmailContacts", lifetimePercentage: 90 },
    ],
  };
  const made = await make(name, policy, { tags: { "a tag": "grün" }, enabled: false, preserveCertificateOrder: true });
  assert.deepEqual({ ...made.policy.subjectAlternativeNames }, names);
  for (const [option, expected] of Object.entries(policy)) {
    if (option === "lifetimeActions" || option === "subjectAlternativeNames") continue;
    assert.deepEqual(made.policy[option], expected, option);
  }
  assert.equal(made.policy.lifetimeActions[0].daysBeforeExpiry, 20);
  assert.equal(made.policy.lifetimeActions[1].lifetimePercentage, 90);
  assert.equal(made.properties.enabled, false);
  assert.equal(made.properties.preserveCertificateOrder, true);
  assert.deepEqual({ ...made.properties.tags }, { "a tag": "grün" });
  const text = openssl(["x509", "-inform", "DER", "-noout", "-text"], Buffer.from(made.cer));
  for (const part of [
    "DNS:a.example, DNS:*.b.example", "email:me@a.example", "URI:spiffe://vdc.example/db", "IP Address:10.0.0.1",
    "IP Address:FD00:0:0:0:0:0:0:1", "Digital Signature, Non Repudiation", "TLS Web Client Authentication", "secp384r1",
    "CA:FALSE",
  ]) assert.ok(text.includes(part), `${part} in ${text}`);
});

test("a certificate's secret is PKCS#12 with an empty password", async () => {
  const name = fresh("pkcs12");
  const made = await make(name);
  const { value, properties } = await secrets.getSecret(name);
  assert.equal(properties.contentType, "application/x-pkcs12");
  assert.equal(properties.managed, true);
  assert.equal(properties.certificateKeyId.href ?? properties.certificateKeyId, made.keyId);
  put("secret.p12", Buffer.from(value, "base64"));
  const all = openssl(["pkcs12", "-in", "secret.p12", "-passin", "pass:", "-nodes"]);
  assert.deepEqual(der(/-----BEGIN CERT[^]*/.exec(all)[0]), Buffer.from(made.cer));
  put("secret.key", /-----BEGIN PRIVATE[^]*?-----END PRIVATE KEY-----\n/.exec(all)[0]);
  const { key } = await keys.getKey(name);
  const point = Buffer.concat([Buffer.from(key.x), Buffer.from(key.y)]).toString("hex");
  const text = openssl(["pkey", "-in", "secret.key", "-text", "-noout"]).replace(/[\s:]/g, "");
  assert.ok(text.includes(point), "the secret's key is the certificate's");
});

test("a certificate's secret is PEM, if the policy says so", async () => {
  const name = fresh("pem");
  const made = await make(name, { contentType: "application/x-pem-file" });
  const { value, properties } = await secrets.getSecret(name);
  assert.equal(properties.contentType, "application/x-pem-file");
  assert.match(value, /^-----BEGIN PRIVATE KEY-----\n[^]*-----END CERTIFICATE-----\n$/);
  put("both.pem", value);
  openssl(["verify", "-CAfile", "both.pem", "both.pem"]);
  assert.deepEqual(der(/-----BEGIN CERT[^]*/.exec(value)[0]), Buffer.from(made.cer));
});

test("a key that may not leave is not in the secret", async () => {
  for (const contentType of ["application/x-pkcs12", "application/x-pem-file"]) {
    const name = fresh("stays");
    await make(name, { exportable: false, contentType });
    const { value } = await secrets.getSecret(name);
    const all = contentType.includes("pem")
      ? value
      : openssl(["pkcs12", "-in", put("stays.p12", Buffer.from(value, "base64")), "-passin", "pass:", "-nodes"]);
    assert.match(all, /BEGIN CERTIFICATE/);
    assert.doesNotMatch(all, /PRIVATE KEY/);
  }
});

test("CryptographyClient uses the key of a certificate", async () => {
  const made = await make(fresh("crypto"));
  const digest = createHash("sha256").update("data").digest();
  const signed = await cryptoClient(made.keyId).sign("ES256", digest);
  assert.equal((await cryptoClient(made.keyId).verify("ES256", digest, signed.result)).result, true);
  const other = await make(fresh("crypto"));
  assert.equal((await cryptoClient(other.keyId).verify("ES256", digest, signed.result)).result, false);
});

test("key and secret of a certificate change with the certificate only", async () => {
  const name = fresh("managed");
  await make(name);
  await rejects(keys.beginDeleteKey(name), managed);
  await rejects(secrets.beginDeleteSecret(name), managed);
  await rejects(keys.updateKeyProperties(name, { enabled: false }), managed);
  await rejects(secrets.updateSecretProperties(name, "", { enabled: false }), managed);
  await rejects(keys.rotateKey(name), managed);
  await rejects(keys.createKey(name, "EC"), managed);
  await rejects(secrets.setSecret(name, "x"), managed);
  await rejects(keys.backupKey(name), managed);
  await rejects(secrets.backupSecret(name), managed);
  await client.updateCertificateProperties(name, "", { enabled: false });
  assert.equal((await keys.getKey(name)).properties.enabled, false);
  await rejects(secrets.getSecret(name), { status: 403, inner: "SecretDisabled" });
  const listed = (await collect(secrets.listPropertiesOfSecrets())).find((one) => one.name === name);
  assert.equal(listed.managed, true);
  assert.equal((await collect(keys.listPropertiesOfKeys())).find((one) => one.name === name).managed, true);
});

test("a certificate does not take a key's or a secret's name", async () => {
  const [key, secret] = [fresh("taken"), fresh("taken")];
  await keys.createKey(key, "EC");
  await secrets.setSecret(secret, "x");
  for (const name of [key, secret]) {
    await rejects(client.beginCreateCertificate(name, ec), { status: 409, code: "Conflict" });
    await rejects(client.getCertificate(name), missing(name));
  }
});

test("getCertificate, getCertificateVersion and the lists", async () => {
  const name = fresh("List");
  const first = await make(name, {}, { tags: { of: "first" } });
  const second = await make(name.toUpperCase(), {}, { tags: { of: "second" } });
  const { version } = first.properties;
  assert.notEqual(version, second.properties.version);
  assert.equal((await client.getCertificate(name)).properties.version, second.properties.version);
  const older = await client.getCertificateVersion(name, version);
  assert.deepEqual(Buffer.from(older.cer), Buffer.from(first.cer));
  assert.equal(older.properties.tags.of, "first");
  const versions = await collect(client.listPropertiesOfCertificateVersions(name));
  assert.deepEqual(versions.map((one) => one.version), [version, second.properties.version].sort());
  assert.ok(versions.every((one) => one.x509Thumbprint.length === 20 && one.name === name));
  const listed = (await collect(client.listPropertiesOfCertificates())).filter((one) => one.name === name);
  assert.deepEqual(listed.map((one) => [one.id, one.tags.of]), [[`${vaultUrl}/certificates/${name}`, "second"]]);
  // the SDK does not pass on how long a page is to be
  const page = await api("GET", `/certificates/${name}/versions?maxresults=1`);
  assert.equal(page.body.value.length, 1);
  const next = new URL(page.body.nextLink);
  const rest = await api("GET", `${next.pathname}?maxresults=1&$skiptoken=${next.searchParams.get("$skiptoken")}`);
  assert.deepEqual([...page.body.value, ...rest.body.value].map((one) => one.id), versions.map((one) => one.id));
  assert.equal(rest.body.nextLink, null);
  assert.deepEqual(await collect(client.listPropertiesOfCertificateVersions(fresh("none"))), []);
});

test("what is not there is not found", async () => {
  const name = fresh("missing");
  await rejects(client.getCertificate(name), missing(name));
  const made = fresh("there");
  await make(made);
  const version = "0".repeat(32);
  await rejects(client.getCertificateVersion(made, version), missing(`${made}/versions/${version}`));
  await rejects(client.getCertificatePolicy(name), missing(name));
  await rejects(client.updateCertificatePolicy(name, ec), missing(name));
  await rejects(client.updateCertificateProperties(name, "", {}), missing(name));
  await rejects(client.getCertificateOperation(name), missing(name));
  await rejects(client.backupCertificate(name), missing(name));
  await rejects(client.beginDeleteCertificate(name), missing(name));
  await rejects(client.getDeletedCertificate(name), {
    status: 404, code: "CertificateNotFound", message: `Deleted Certificate not found: ${name}`,
  });
  await rejects(client.purgeDeletedCertificate(name), { status: 404, code: "CertificateNotFound" });
  await rejects(client.beginRecoverDeletedCertificate(name), missing(name));
});

test("updateCertificateProperties changes state and tags", async () => {
  const name = fresh("update");
  const made = await make(name, {}, { tags: { a: "1" } });
  const { version } = made.properties;
  const updated = await client.updateCertificateProperties(name, version, { tags: { customTag: "value" } });
  assert.deepEqual({ ...updated.properties.tags }, { customTag: "value" });
  assert.deepEqual(Buffer.from(updated.cer), Buffer.from(made.cer));
  await client.updateCertificateProperties(name, "", { enabled: false });
  const found = await client.getCertificate(name);
  assert.equal(found.properties.enabled, false);
  assert.deepEqual({ ...found.properties.tags }, { customTag: "value" });
  assert.deepEqual(found.properties.expiresOn, made.properties.expiresOn);
});

test("getCertificatePolicy and updateCertificatePolicy", async () => {
  const name = fresh("policy");
  await make(name);
  await client.updateCertificatePolicy(name, { issuerName: "Self", subject: "cn=MyOtherCert" });
  const policy = await client.getCertificatePolicy(name);
  assert.equal(policy.subject, "cn=MyOtherCert");
  assert.deepEqual([policy.keyType, policy.keyCurveName], ["EC", "P-256"]);
  assert.equal(policy.enabled, true);
  // the next version is made like that
  const next = await (await client.beginCreateCertificate(name, policy, fast)).pollUntilDone();
  assert.equal(new X509Certificate(Buffer.from(next.cer)).subject, "CN=MyOtherCert");
  // without a policy it is the one that is there
  const answer = await api("POST", `/certificates/${name}/create`, {});
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get("retry-after"), "0");
  const location = new URL(answer.headers.get("location"));
  assert.equal(location.pathname, `/certificates/${name}/pending`);
  assert.equal(location.searchParams.get("request_id"), answer.body.request_id);
  assertError(await api("POST", `/certificates/${fresh("new")}/create`, {}), badParameter);
});

test("reuseKey keeps the key", async () => {
  for (const reuseKey of [true, false]) {
    const name = fresh("reuse");
    const first = await make(name, { reuseKey });
    const second = await make(name, { reuseKey });
    const [one, other] = await Promise.all([first, second].map(async (made) =>
      Buffer.from((await keys.getKey(name, { version: made.properties.version })).key.x).toString("hex")));
    assert.equal(one === other, reuseKey);
  }
});

test("mergeCertificate completes what another authority issued", async () => {
  selfSigned("authority");
  for (const form of [
    (text) => [der(text)],
    (text) => [Buffer.from(der(text).toString("base64"))], // as in the SDK's own example
    (text) => [Buffer.from(text)],
    (text) => [der(get("authority.pem").toString()), der(text)],
  ]) {
    const name = fresh("merge");
    await client.beginCreateCertificate(name, { ...ec, issuerName: "Unknown", subject: "CN=merged" }, fast);
    const pending = await client.getCertificate(name);
    assert.equal(pending.properties.enabled, false);
    for (const absent of ["cer", "keyId", "secretId"]) assert.equal(pending[absent], undefined, absent);
    const poller = await client.getCertificateOperation(name);
    const operation = poller.getOperationState().certificateOperation;
    assert.equal(operation.status, "inProgress");
    assert.equal(operation.cancellationRequested, false);
    await rejects(keys.getKey(name), { status: 404 });
    const signed = sign(operation.csr, "authority");
    const merged = await client.mergeCertificate(name, form(signed), { tags: { a: "b" } });
    assert.deepEqual(Buffer.from(merged.cer), der(signed));
    assert.equal(merged.properties.enabled, true);
    assert.equal(merged.policy.issuerName, "Unknown");
    assert.equal(merged.policy.lifetimeActions[0].action, "EmailContacts");
    assert.equal((await poller.pollUntilDone()).properties.version, merged.properties.version);
    put("merged.pem", signed);
    openssl(["verify", "-CAfile", "authority.pem", "merged.pem"]);
    const digest = createHash("sha256").update(name).digest();
    assert.ok((await cryptoClient(merged.keyId).sign("ES256", digest)).result);
  }
});

test("mergeCertificate refuses another key's certificate, and merges once", async () => {
  const name = fresh("merge");
  selfSigned("other");
  await client.beginCreateCertificate(name, { ...ec, issuerName: "Unknown" }, fast);
  await rejects(client.beginCreateCertificate(name, { ...ec, issuerName: "Unknown" }, fast), { status: 409 });
  await rejects(client.mergeCertificate(name, [der(get("other.pem").toString())]), {
    ...badParameter,
    message:
      "The public key of the end-entity certificate in the specified X.509 certificate content does not match " +
      "the public part of the specified private key. Please check if certificate is valid.",
  });
  await rejects(client.mergeCertificate(name, [Buffer.from("nonsense")]), badParameter);
  assertError(await api("POST", `/certificates/${name}/pending/merge`, { x5c: [] }), badParameter);
  assertError(await api("POST", `/certificates/${name}/pending/merge`, { x5c: [5] }), badParameter);
  selfSigned("ca");
  const { csr } = (await client.getCertificateOperation(name)).getOperationState().certificateOperation;
  const signed = der(sign(csr, "ca"));
  const answer = await api("POST", `/certificates/${name}/pending/merge`, { x5c: [signed.toString("base64")] });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get("location"), `${vaultUrl}/certificates/${name}`);
  await rejects(client.mergeCertificate(name, [signed]), { status: 409 });
});

test("an operation is deleted; the certificate stays as it was", async () => {
  const name = fresh("forget");
  await client.beginCreateCertificate(name, { ...ec, issuerName: "Unknown" }, fast);
  const deleted = await client.deleteCertificateOperation(name);
  assert.equal(deleted.status, "inProgress");
  await rejects(client.getCertificateOperation(name), {
    status: 404, code: "PendingCertificateNotFound", message: `Pending certificate not found: ${name}`,
  });
  assert.equal((await client.getCertificate(name)).properties.enabled, false);
  const made = await make(name);
  assert.equal(made.properties.enabled, true);
});

test("an operation is cancelled", async () => {
  const name = fresh("cancel");
  const poller = await client.beginCreateCertificate(name, { ...ec, issuerName: "Unknown" }, fast);
  await poller.cancelOperation();
  assert.equal(poller.getOperationState().isCancelled, true);
  const { cancellationRequested, status } = (await client.getCertificateOperation(name)).getOperationState()
    .certificateOperation;
  assert.deepEqual([cancellationRequested, status], [true, "inProgress"]);
  assertError(await api("PATCH", `/certificates/${name}/pending`, { cancellation_requested: false }), badParameter);
});

test("importCertificate takes PEM and PKCS#12, in every form", async () => {
  selfSigned("imported", "-addext", "subjectAltName=DNS:a.example,IP:10.0.0.1,URI:https://a.example/x");
  openssl(["pkcs12", "-export", "-in", "imported.pem", "-inkey", "imported.key", "-out", "none.p12", "-passout", "pass:"]);
  openssl(["pkcs12", "-export", "-in", "imported.pem", "-inkey", "imported.key", "-out", "locked.p12", "-passout",
    "pass:grün"]);
  const text = Buffer.concat([get("imported.key"), get("imported.pem")]);
  const expected = der(get("imported.pem").toString());
  const contentType = "application/x-pem-file";
  for (const [bytes, options, type] of [
    [text, { policy: { contentType } }, contentType], // the SDK sends it as text
    [text, {}, contentType], // as base64
    [get("none.p12"), {}, "application/x-pkcs12"],
    [get("locked.p12"), { password: "grün", tags: { a: "b" } }, "application/x-pkcs12"],
  ]) {
    const name = fresh("import");
    const made = await client.importCertificate(name, bytes, options);
    assert.deepEqual(Buffer.from(made.cer), expected);
    assert.equal(made.policy.contentType, type);
    assert.equal(made.policy.issuerName, "Unknown");
    assert.equal(made.policy.subject, "CN=imported");
    assert.deepEqual({ ...made.policy.subjectAlternativeNames }, {
      dnsNames: ["a.example"], uniformResourceIdentifiers: ["https://a.example/x"], ipAddresses: ["10.0.0.1"],
    });
    assert.deepEqual([made.policy.keyType, made.policy.keyCurveName, made.policy.validityInMonths], ["EC", "P-256", 1]);
    assert.deepEqual(made.properties.tags && { ...made.properties.tags }, options.tags);
    assert.equal((await secrets.getSecret(name)).properties.contentType, type);
    await rejects(client.getCertificateOperation(name), { status: 404, code: "PendingCertificateNotFound" });
  }
});

test("importCertificate takes what a certificate's secret is", async () => {
  for (const contentType of ["application/x-pkcs12", "application/x-pem-file"]) {
    const [name, copy] = [fresh("source"), fresh("copy")];
    const made = await make(name, { contentType });
    const { value } = await secrets.getSecret(name);
    const answer = await api("POST", `/certificates/${copy}/import`, { value });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(answer.body.cer, Buffer.from(made.cer).toString("base64"));
    assert.equal(answer.body.policy.secret_props.contentType, contentType);
  }
});

test("importCertificate sorts a chain, or keeps its order", async () => {
  selfSigned("root");
  openssl(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=leaf",
    "-keyout", "leaf.key", "-out", "leaf.csr"]);
  openssl(["x509", "-req", "-in", "leaf.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "5",
    "-out", "leaf.pem"]);
  const bytes = Buffer.concat([get("root.pem"), get("leaf.pem"), get("leaf.key")]);
  const [root, leaf] = ["root.pem", "leaf.pem"].map((name) => der(get(name).toString()).toString("base64"));
  for (const [preserveCertificateOrder, expected] of [[false, [leaf, root]], [true, [root, leaf]]]) {
    const name = fresh("chain");
    const made = await client.importCertificate(name, bytes, { preserveCertificateOrder });
    assert.equal(Buffer.from(made.cer).toString("base64"), leaf);
    assert.equal(made.properties.preserveCertificateOrder, preserveCertificateOrder || undefined);
    const { value } = await secrets.getSecret(name);
    const found = [...value.matchAll(/-----BEGIN CERTIFICATE-----[^-]*/g)].map(([one]) => der(one).toString("base64"));
    assert.deepEqual(found, expected);
  }
});

test("importCertificate refuses what does not fit", async () => {
  selfSigned("one");
  selfSigned("two");
  openssl(["pkcs12", "-export", "-in", "one.pem", "-inkey", "one.key", "-out", "one.p12", "-passout", "pass:right"]);
  const name = fresh("refused");
  const mixed = Buffer.concat([get("one.key"), get("two.pem")]);
  const refused = (bytes, options, message) =>
    rejects(client.importCertificate(name, bytes, options), { ...badParameter, message });
  await refused(mixed, {}, /does not match the public part of the specified private key/);
  await refused(get("one.p12"), { password: "wrong" }, /password/);
  await refused(get("one.p12"), {}, /password/);
  await refused(get("one.pem"), {}, /private key/);
  await refused(get("one.key"), {}, /certificate/i);
  await refused(get("one.p12").subarray(0, 100), { password: "right" }, /./);
  await refused(Buffer.alloc(0), {}, /./);
  await rejects(client.getCertificate(name), missing(name));
});

test("the hub's own authority issues, if it is the issuer", async () => {
  const name = fresh("hub");
  const made = await make(name, {
    issuerName: "Hub", subject: "CN=db.vdc.example", subjectAlternativeNames: { dnsNames: ["db.vdc.example"] },
  });
  assert.equal(made.properties.enabled, true);
  const { value } = await secrets.getSecret(name);
  put("hub.p12", Buffer.from(value, "base64"));
  const chain = openssl(["pkcs12", "-in", "hub.p12", "-passin", "pass:", "-nokeys"]);
  assert.equal([...chain.matchAll(/BEGIN CERTIFICATE/g)].length, 2);
  put("chain.pem", chain);
  openssl(["verify", "-CAfile", process.env.SSL_CERT_FILE ?? process.env.NODE_EXTRA_CA_CERTS, "-untrusted", "chain.pem",
    put("hub.pem", pem("CERTIFICATE", made.cer))]);
  assert.equal(new X509Certificate(Buffer.from(made.cer)).checkHost("db.vdc.example"), "db.vdc.example");
});

test("issuers are created, read, updated and deleted", async () => {
  const name = fresh("Issuer");
  const administratorContacts = [
    { firstName: "John", lastName: "Doe", email: "admin@microsoft.com", phone: "4255555555" },
  ];
  const made = await client.createIssuer(name, "Test", { accountId: "keyvaultuser", password: "secret", administratorContacts });
  assert.deepEqual([made.provider, made.accountId, made.password], ["Test", "keyvaultuser", undefined]);
  const found = await client.getIssuer(name); // whose name the SDK takes for "issuers"
  assert.equal(found.id, `${vaultUrl}/certificates/issuers/${name}`);
  assert.deepEqual(found.administratorContacts.map((one) => ({ ...one })), administratorContacts);
  const updated = await client.updateIssuer(name, { accountId: "keyvaultuser2" });
  assert.deepEqual([updated.accountId, updated.provider, updated.enabled], ["keyvaultuser2", "Test", true]);
  assert.deepEqual(updated.administratorContacts.map((one) => ({ ...one })), administratorContacts);
  const listed = (await collect(client.listPropertiesOfIssuers())).find((one) => one.id === found.id);
  assert.equal(listed.provider, "Test");
  // a certificate of such an issuer is signed elsewhere and merged
  const certificate = fresh("named");
  await client.beginCreateCertificate(certificate, { ...ec, issuerName: name }, fast);
  const operation = (await client.getCertificateOperation(certificate)).getOperationState().certificateOperation;
  assert.equal(operation.status, "inProgress");
  assert.equal((await client.getCertificatePolicy(certificate)).issuerName, name);
  assert.equal((await client.deleteIssuer(name)).id, found.id);
  const gone = { status: 404, code: "CertificateIssuerNotFound", message: "Issuer not found" };
  await rejects(client.getIssuer(name), gone);
  await rejects(client.updateIssuer(name, { enabled: true }), gone);
  await rejects(client.deleteIssuer(name), gone);
  await rejects(client.beginCreateCertificate(fresh("named"), { ...ec, issuerName: name }), gone);
  for (const builtIn of ["Self", "unknown", "HUB"]) await rejects(client.createIssuer(builtIn, "Test"), badParameter);
  await rejects(client.createIssuer("a_b", "Test"), badParameter);
});

test("contacts are set, read and deleted", async () => {
  const contacts = [
    { email: "a@a.com", name: "a", phone: "111111111111" }, { email: "b@b.com", name: "b", phone: "222222222222" },
  ];
  const plain = (list) => list.map((one) => ({ ...one }));
  assert.deepEqual(plain(await client.setContacts(contacts)), contacts);
  assert.deepEqual(plain(await client.getContacts()), contacts);
  assert.deepEqual((await api("DELETE", "/certificates/contacts")).body.contacts, contacts);
  await client.setContacts(contacts.slice(1));
  await client.deleteContacts(); // of whose answer the SDK shows nothing
  const none = { status: 404, code: "ContactsNotFound", message: "Contacts not found" };
  await rejects(client.getContacts(), none);
  await rejects(client.deleteContacts(), none);
  await rejects(client.setContacts([{ name: "nobody" }]), badParameter);
});

test("a deleted certificate takes its key and its secret along, and brings them back", async () => {
  const name = fresh("delete");
  const made = await make(name, {}, { tags: { a: "b" } });
  const deleted = await deleteCertificate(client, name);
  assert.equal(deleted.recoveryId, `${vaultUrl}/deletedcertificates/${name}`);
  assert.equal(deleted.scheduledPurgeDate - deleted.deletedOn, 90 * 86400000);
  assert.equal(deleted.policy.subject, "CN=ec");
  assert.deepEqual(Buffer.from(deleted.cer), Buffer.from(made.cer));
  await rejects(client.getCertificate(name), missing(name));
  await rejects(keys.getKey(name), { status: 404 });
  await rejects(secrets.getSecret(name), { status: 404 });
  await rejects(client.beginCreateCertificate(name, ec), { status: 409, inner: "ObjectIsDeletedButRecoverable" });
  await rejects(keys.createKey(name, "EC"), { status: 409, inner: "ObjectIsDeletedButRecoverable" });
  await rejects(keys.purgeDeletedKey(name), managed);
  await rejects(secrets.beginRecoverDeletedSecret(name), managed);
  assert.ok((await collect(client.listDeletedCertificates())).some((one) => one.name === name));
  assert.equal((await client.getDeletedCertificate(name)).properties.id, made.properties.id);
  const back = await (await client.beginRecoverDeletedCertificate(name, fast)).pollUntilDone();
  assert.equal(back.properties.id, made.properties.id);
  assert.equal((await secrets.getSecret(name)).properties.version, made.properties.version);
  assert.equal((await keys.getKey(name)).id, made.keyId);
  assertError(await api("POST", `/deletedcertificates/${name}/recover`), {
    status: 400, code: "MethodNotAllowed", inner: "RequestNotAllowedOnNonDeletedObject",
    message: `Certificate exists already: ${name}`,
  });
  await deleteCertificate(client, name);
  await client.purgeDeletedCertificate(name);
  await rejects(client.getDeletedCertificate(name), { status: 404 });
  await rejects(keys.getDeletedKey(name), { status: 404 });
  assert.equal((await make(name)).name, name);
});

test("backupCertificate and restoreCertificateBackup", async () => {
  const name = fresh("backup");
  const first = await make(name);
  const second = await make(name);
  const backup = await client.backupCertificate(name);
  await rejects(client.restoreCertificateBackup(backup), { status: 409, code: "Conflict" });
  await deleteCertificate(client, name);
  await rejects(client.restoreCertificateBackup(backup), { status: 409, code: "Conflict" });
  await client.purgeDeletedCertificate(name);
  const restored = await client.restoreCertificateBackup(backup);
  assert.equal(restored.properties.id, second.properties.id);
  assert.equal(restored.policy.subject, "CN=ec");
  const versions = await collect(client.listPropertiesOfCertificateVersions(name));
  assert.equal(versions.length, 2);
  const { version } = first.properties;
  const digest = createHash("sha256").update("x").digest();
  assert.ok((await cryptoClient(first.keyId).sign("ES256", digest)).result);
  assert.match((await secrets.getSecret(name, { version })).value, /^MII/);
  await rejects(client.restoreCertificateBackup(Buffer.alloc(4000)), {
    status: 400, code: "Malformed backup blob", message: "Backup blob contains invalid or corrupt version.",
  });
});

test("certificates that are pending are listed on request", async () => {
  const name = fresh("pending");
  await client.beginCreateCertificate(name, { ...ec, issuerName: "Unknown" }, fast);
  const names = async (options) => (await collect(client.listPropertiesOfCertificates(options))).map((one) => one.name);
  assert.equal((await names()).includes(name), false);
  assert.equal((await names({ includePending: true })).includes(name), true);
  await deleteCertificate(client, name);
  const gone = async (options) => (await collect(client.listDeletedCertificates(options))).map((one) => one.name);
  assert.equal((await gone()).includes(name), false);
  assert.equal((await gone({ includePending: true })).includes(name), true);
});

test("names that are not certificates'", async () => {
  for (const name of ["issuers", "contacts", "Restore", "a_b"]) {
    assertError(await api("POST", `/certificates/${name}/create`, { policy: {} }), {
      ...badParameter, message: `The request URI contains an invalid name: ${name}`,
    });
  }
  assertError(await api("POST", "/certificates//create", {}), {
    status: 405, code: "MethodNotAllowed", message: "HTTP POST not allowed",
  });
  assertError(await api("PUT", `/certificates/${fresh("x")}`, {}), { status: 405 });
});
