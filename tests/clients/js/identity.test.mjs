// @azure/identity against the hub's token service.
import assert from "node:assert/strict";
import { createSign, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  ChainedTokenCredential, ClientAssertionCredential, ClientCertificateCredential, ClientSecretCredential,
  DefaultAzureCredential, EnvironmentCredential,
} from "@azure/identity";
import { closed, collect, env, keyClient, owner, secretCredential, tenant, token, vaultUrl } from "./hub.mjs";

const list = (credential) => collect(keyClient(credential).listPropertiesOfKeys());
const claims = (jwt, part = 1) => JSON.parse(Buffer.from(jwt.split(".")[part], "base64url"));
const authority = env("AZURE_AUTHORITY_HOST").replace(/\/$/, "");

test("ClientSecretCredential gets a token with the right claims", async () => {
  const jwt = await token();
  assert.equal(claims(jwt, 0).alg, "RS256");
  const { aud, iss, tid, appid, oid, exp, nbf, iat } = claims(jwt);
  assert.ok(vaultUrl.includes("localhost") || vaultUrl.includes(`.${new URL(aud).hostname}`));
  assert.ok(iss.startsWith(authority) && iss.includes(tenant));
  assert.equal(tid, tenant);
  assert.equal(appid, env("AZURE_CLIENT_ID"));
  assert.match(oid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.ok(nbf <= iat && exp - iat === 3600);
});

test("a wrong secret, client or tenant gets no token", async () => {
  const id = env("AZURE_CLIENT_ID");
  await assert.rejects(list(secretCredential(id, "wrong")), /invalid_client/);
  await assert.rejects(list(secretCredential(randomUUID(), env("AZURE_CLIENT_SECRET"))), /invalid_client|unauthorized_client/);
  await assert.rejects(list(secretCredential(id, env("APP_CLIENT_SECRET"))), /invalid_client/);
  await assert.rejects(secretCredential(id, env("AZURE_CLIENT_SECRET")).getToken("https://elsewhere.example/.default"), /invalid_/);
});

test("the tenant \"adfs\" needs no option", async () => {
  await list(new ClientSecretCredential("adfs", env("AZURE_CLIENT_ID"), env("AZURE_CLIENT_SECRET")));
});

test("EnvironmentCredential and DefaultAzureCredential read the hub's environment", async () => {
  await list(new EnvironmentCredential(closed));
  await list(new DefaultAzureCredential(closed));
  await list(new ChainedTokenCredential(owner));
});

test("ClientCertificateCredential signs in with a registered certificate", async () => {
  const certificatePath = env("APP_CERTIFICATE");
  for (const sendCertificateChain of [false, true]) {
    const credential = new ClientCertificateCredential(
      tenant,
      env("APP_CLIENT_ID"),
      { certificatePath },
      { ...closed, sendCertificateChain },
    );
    assert.equal(claims(await token(credential)).appid, env("APP_CLIENT_ID"));
  }
});

test("a certificate that is not registered is refused", async () => {
  const certificatePath = env("OTHER_CERTIFICATE");
  const credential = new ClientCertificateCredential(tenant, env("APP_CLIENT_ID"), { certificatePath }, closed);
  await assert.rejects(token(credential), /invalid_client/);
});

test("a client assertion is good once, for its client, endpoint and hour", async () => {
  const pem = readFileSync(env("APP_CERTIFICATE"), "utf8");
  const id = env("APP_CLIENT_ID");
  const now = Math.floor(Date.now() / 1000);
  const assertion = (changes, header = {}) => {
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const head = encode({ alg: "RS256", typ: "JWT", "x5t#S256": env("APP_THUMBPRINT"), ...header });
    const aud = `${authority}/${tenant}/oauth2/v2.0/token`;
    const body = encode({ aud, iss: id, sub: id, exp: now + 600, nbf: now - 10, iat: now, jti: randomUUID(), ...changes });
    const signature = createSign("sha256").update(`${head}.${body}`).sign(pem).toString("base64url");
    return `${head}.${body}.${signature}`;
  };
  const signIn = (text) => token(new ClientAssertionCredential(tenant, id, async () => text, closed));
  const good = assertion({});
  await signIn(good);
  await assert.rejects(signIn(good), /invalid_client/, "used twice");
  for (const [what, changes, header] of [
    ["expired", { exp: now - 400, nbf: now - 1000 }],
    ["another endpoint", { aud: "https://elsewhere.example/token" }],
    ["another issuer", { iss: env("AZURE_CLIENT_ID") }],
    ["another subject", { sub: env("AZURE_CLIENT_ID") }],
    ["not yet", { nbf: now + 4000, exp: now + 5000 }],
    ["no expiry", { exp: undefined }],
    ["no algorithm", {}, { alg: "none" }],
    ["a symmetric algorithm", {}, { alg: "HS256" }],
    ["an unknown certificate", {}, { "x5t#S256": "A".repeat(43) }],
  ]) {
    await assert.rejects(signIn(assertion(changes, header)), /invalid_client|invalid_request/, what);
  }
});

test("OpenID configuration and signing keys are published", async () => {
  const configuration = await (await fetch(`${authority}/${tenant}/v2.0/.well-known/openid-configuration`)).json();
  assert.equal(configuration.token_endpoint, `${authority}/${tenant}/oauth2/v2.0/token`);
  assert.equal(configuration.issuer, claims(await token()).iss);
  const { keys } = await (await fetch(configuration.jwks_uri)).json();
  const { kid } = claims(await token(), 0);
  const signer = keys.find((one) => one.kid === kid);
  assert.equal(signer.kty, "RSA");
  for (const key of keys) for (const secret of ["d", "p", "q", "k"]) assert.equal(key[secret], undefined);
});

test("bearer tokens that were touched are refused with a challenge", async () => {
  const jwt = await token();
  const [head, body, signature] = jwt.split(".");
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const changed = (changes) => encode({ ...claims(jwt), ...changes });
  for (const [what, text] of Object.entries({
    "another body": `${head}.${changed({ appid: env("APP_CLIENT_ID") })}.${signature}`,
    "another audience": `${head}.${changed({ aud: "https://elsewhere.example" })}.${signature}`,
    "no signature": `${head}.${body}.`,
    "algorithm none": `${encode({ ...claims(jwt, 0), alg: "none" })}.${body}.`,
    "algorithm HS256": `${encode({ ...claims(jwt, 0), alg: "HS256" })}.${body}.${signature}`,
    "two parts": `${head}.${body}`,
    "a cut signature": jwt.slice(0, -4),
    "not a token": "x",
  })) {
    const answer = await fetch(`${vaultUrl}/keys?api-version=7.4`, { headers: { authorization: `Bearer ${text}` } });
    assert.equal(answer.status, 401, what);
    assert.match(answer.headers.get("www-authenticate"), /^Bearer authorization="https:/, what);
    assert.equal((await answer.json()).error.code, "Unauthorized", what);
  }
});
