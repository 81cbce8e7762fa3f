// npm's acme-client against the hub's ACME server: every kind of challenge and of account key, addresses,
// wildcards, key change, revocation and renewal information.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import acme from "acme-client";

const { DIRECTORY, EAB_KID, EAB_KEY, HTTP_PORT, TLS_PORT, TXT_FILE } = process.env;
const web = new Map(); // path -> key authorization
let alpn; // { key, cert, names }
let http, tls;

before(async () => {
  http = createServer((request, response) => {
    const found = web.get(request.url);
    response.writeHead(found ? 200 : 404).end(found);
  });
  tls = createTlsServer({
    ALPNProtocols: ["acme-tls/1"],
    SNICallback: (name, done) => { alpn.names.push(name); done(null, alpn.context); },
  });
  await new Promise((done) => http.listen(Number(HTTP_PORT), "127.0.0.1", done));
});
after(() => { http.close(); tls.close(); });

const fast = (client) => {
  Object.assign(client.backoffOpts, { attempts: 60, min: 200, max: 500 });
  return client;
};
const unbound = (accountKey) => fast(new acme.Client({ directoryUrl: DIRECTORY, accountKey }));
const bound = (accountKey) => fast(new acme.Client({
  directoryUrl: DIRECTORY, accountKey, externalAccountBinding: { kid: EAB_KID, hmacKey: EAB_KEY },
}));
const account = async (key) => {
  const client = bound(key ?? await acme.crypto.createPrivateEcdsaKey());
  await client.createAccount({ termsOfServiceAgreed: true, contact: ["mailto:a@example.com"] });
  return client;
};

// Puts what the challenge wants where it wants it; what takes it away again.
const show = {
  "http-01": async (authz, challenge, authorization) => {
    const path = `/.well-known/acme-challenge/${challenge.token}`;
    web.set(path, authorization);
    return () => web.delete(path);
  },
  "dns-01": async (authz, challenge, authorization) => {
    appendFileSync(TXT_FILE, `_acme-challenge.${authz.identifier.value} ${authorization}\n`);
    return () => {};
  },
  "tls-alpn-01": async (authz, challenge, authorization) => {
    const [key, cert] = await acme.crypto.createAlpnCertificate(authz, authorization, await acme.crypto.createPrivateEcdsaKey());
    const { createSecureContext } = await import("node:tls");
    alpn = { context: createSecureContext({ key, cert }), names: [] };
    tls.setSecureContext({ key, cert });
    await new Promise((done) => tls.listen(Number(TLS_PORT), "127.0.0.1", done));
    return () => new Promise((done) => tls.close(done));
  },
};

const prove = async (client, order, type, change = (x) => x) => {
  for (const authz of await client.getAuthorizations(order)) {
    const challenge = authz.challenges.find((c) => c.type === type);
    assert.ok(challenge, `${type} is not offered for ${authz.identifier.value}`);
    const hide = await show[type](authz, challenge, change(await client.getChallengeKeyAuthorization(challenge)));
    try {
      await client.completeChallenge(challenge);
      await client.waitForValidStatus(challenge);
    } finally {
      await hide();
    }
  }
};
const identifiers = (names) => names.map((value) => ({ type: /^[0-9.]+$|:/.test(value) ? "ip" : "dns", value }));
const obtain = async (client, names, type) => {
  const order = await client.createOrder({ identifiers: identifiers(names) });
  await prove(client, order, type);
  const [key, csr] = await acme.crypto.createCsr({ altNames: names }, await acme.crypto.createPrivateEcdsaKey());
  const done = await client.finalizeOrder(order, csr);
  return { key, order: done, chain: await client.getCertificate(done) };
};
const names = (pem) => new X509Certificate(pem).subjectAltName;
const problem = (type) => (e) => { assert.match(String(e.message) + String(e), type); return true; };

for (const [kind, make] of [
  ["P-256", () => acme.crypto.createPrivateEcdsaKey("P-256")], ["P-384", () => acme.crypto.createPrivateEcdsaKey("P-384")],
  ["RSA", () => acme.crypto.createPrivateRsaKey(2048)],
]) {
  test(`http-01 with an account key of ${kind}`, async () => {
    const client = await account(await make());
    const { chain } = await obtain(client, ["a.example.test", "b.example.test"], "http-01");
    assert.equal(names(chain), "DNS:a.example.test, DNS:b.example.test");
    assert.equal(chain.match(/BEGIN CERTIFICATE/g).length, 2);
    const [leaf, issuer] = acme.crypto.splitPemChain(chain).map((pem) => new X509Certificate(pem));
    assert.ok(leaf.verify(issuer.publicKey));
  });
}

test("dns-01 for a wildcard, by the client's own way from request to certificate", async () => {
  const client = bound(await acme.crypto.createPrivateEcdsaKey());
  const [, csr] = await acme.crypto.createCsr({ altNames: ["*.example.test", "a.example.test"] }, await acme.crypto.createPrivateEcdsaKey());
  const chain = await client.auto({
    csr, email: "a@example.com", termsOfServiceAgreed: true, challengePriority: ["dns-01"], skipChallengeVerification: true,
    challengeCreateFn: show["dns-01"], challengeRemoveFn: async () => {},
  });
  assert.equal(names(chain), "DNS:*.example.test, DNS:a.example.test");
});

test("tls-alpn-01", async () => {
  const { chain } = await obtain(await account(), ["a.example.test"], "tls-alpn-01");
  assert.equal(names(chain), "DNS:a.example.test");
  assert.deepEqual(alpn.names, ["a.example.test"]);
});

test("an address, by http-01 and by tls-alpn-01", async () => {
  const client = await account();
  const { chain } = await obtain(client, ["127.0.0.1"], "http-01");
  assert.equal(names(chain), "IP Address:127.0.0.1");
  await obtain(client, ["127.0.0.1"], "tls-alpn-01");
  assert.deepEqual(alpn.names, ["1.0.0.127.in-addr.arpa"]);
});

test("a wrong answer to a challenge ends the order", async () => {
  for (const type of ["http-01", "dns-01", "tls-alpn-01"]) {
    const client = await account();
    const order = await client.createOrder({ identifiers: identifiers(["b.example.test"]) });
    await assert.rejects(prove(client, order, type, (text) => text.replace(/.$/, (c) => (c === "A" ? "B" : "A"))),
      problem(/expected|did not answer with/));
    assert.equal((await client.getOrder(order)).status, "invalid");
    const [, csr] = await acme.crypto.createCsr({ altNames: ["b.example.test"] }, await acme.crypto.createPrivateEcdsaKey());
    await assert.rejects(client.finalizeOrder(order, csr), problem(/failed or expired/));
  }
});

test("no account without a binding, or with a wrong one", async () => {
  const key = await acme.crypto.createPrivateEcdsaKey();
  await assert.rejects(unbound(key).createAccount({ termsOfServiceAgreed: true }), problem(/external account binding/));
  const wrong = new acme.Client({
    directoryUrl: DIRECTORY, accountKey: key, externalAccountBinding: { kid: EAB_KID, hmacKey: "A".repeat(43) },
  });
  await assert.rejects(wrong.createAccount({ termsOfServiceAgreed: true }), problem(/MAC is wrong/));
});

test("names of others are refused, and requests for more than the order", async () => {
  const client = await account();
  await assert.rejects(client.createOrder({ identifiers: identifiers(["a.example.test", "c.other.test"]) }), problem(/may not have/));
  const order = await client.createOrder({ identifiers: identifiers(["a.example.test"]) });
  await prove(client, order, "http-01");
  const [, more] = await acme.crypto.createCsr({ altNames: ["a.example.test", "b.example.test"] }, await acme.crypto.createPrivateEcdsaKey());
  await assert.rejects(client.finalizeOrder(order, more), problem(/not in the order/));
  const [, name] = await acme.crypto.createCsr({ commonName: "b.example.test", altNames: ["a.example.test"] }, await acme.crypto.createPrivateEcdsaKey());
  await assert.rejects(client.finalizeOrder(order, name), problem(/not in the order/));
  await assert.rejects((await account()).getOrder(order), problem(/another account/));
  const [, right] = await acme.crypto.createCsr({ altNames: ["a.example.test"] }, await acme.crypto.createPrivateEcdsaKey());
  assert.equal((await client.finalizeOrder(order, right)).status, "valid");
});

test("an account changes its key, and is deactivated", async () => {
  const old = await acme.crypto.createPrivateEcdsaKey(), next = await acme.crypto.createPrivateRsaKey(2048);
  const client = await account(old);
  const url = client.getAccountUrl();
  await client.updateAccountKey(next);
  const [again, before] = [unbound(next), unbound(old)];
  await again.createAccount({ onlyReturnExisting: true });
  assert.equal(again.getAccountUrl(), url);
  await assert.rejects(before.createAccount({ onlyReturnExisting: true }), problem(/no account/));
  await again.updateAccount({ contact: ["mailto:b@example.com"] });
  const done = await again.updateAccount({ status: "deactivated" });
  assert.equal(done.status, "deactivated");
  await assert.rejects(again.createOrder({ identifiers: identifiers(["a.example.test"]) }), problem(/deactivated/));
});

test("an authorization is deactivated", async () => {
  const client = await account();
  const order = await client.createOrder({ identifiers: identifiers(["a.example.test"]) });
  const [authz] = await client.getAuthorizations(order);
  assert.equal((await client.deactivateAuthorization(authz)).status, "deactivated");
  assert.equal((await client.getOrder(order)).status, "invalid");
});

test("a revoked certificate is to be renewed at once", async () => {
  const client = await account();
  const { chain } = await obtain(client, ["a.example.test"], "http-01");
  const directory = await (await fetch(DIRECTORY)).json();
  const { authorityKeyIdentifier, serial } = ids(chain);
  const info = `${directory.renewalInfo}/${authorityKeyIdentifier}.${serial}`;
  const window = async () => {
    const answer = await fetch(info);
    assert.equal(answer.status, 200);
    assert.ok(Number(answer.headers.get("retry-after")) >= 60);
    return (await answer.json()).suggestedWindow;
  };
  assert.ok(new Date((await window()).start) > new Date());
  await client.revokeCertificate(chain, { reason: 4 });
  assert.ok(new Date((await window()).end) < new Date());
  await assert.rejects(client.revokeCertificate(chain), problem(/revoked already/));
});

test("ten orders at once", async () => {
  const client = await account();
  const all = await Promise.all(Array.from({ length: 10 }, () => obtain(client, ["a.example.test"], "http-01")));
  assert.equal(new Set(all.map(({ chain }) => new X509Certificate(chain).serialNumber)).size, 10);
});

// What RFC 9773 calls a certificate by, from its DER: the authority's key identifier (after its tag
// [0], in the extension 2.5.29.35) and the serial number.
function ids(pem) {
  const certificate = new X509Certificate(pem), der = certificate.raw;
  const at = der.indexOf(Buffer.from("0603551d23", "hex"));
  const octets = der.indexOf(0x80, at + 5);
  const hex = certificate.serialNumber.length % 2 ? `0${certificate.serialNumber}` : certificate.serialNumber;
  const serial = parseInt(hex.slice(0, 2), 16) >= 0x80 ? `00${hex}` : hex;
  return {
    authorityKeyIdentifier: der.subarray(octets + 2, octets + 2 + der[octets + 1]).toString("base64url"),
    serial: Buffer.from(serial, "hex").toString("base64url"),
  };
}
