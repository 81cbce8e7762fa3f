// For tests/fault/acme_kill9.sh: `prepare N` makes N orders that are ready, `finalize` finalizes all of them at
// once, and what becomes of that does not matter; `check` finds each of them ready or valid, finalizes what
// is ready, and gets every certificate. What it knows is in the file STATE.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import acme from "acme-client";

const { DIRECTORY, EAB_KID, EAB_KEY, HTTP_PORT, STATE } = process.env;
const [step, count] = process.argv.slice(2);
const client = (accountKey, accountUrl) => new acme.Client({
  directoryUrl: DIRECTORY, accountKey, accountUrl, externalAccountBinding: { kid: EAB_KID, hmacKey: EAB_KEY },
  backoffAttempts: 100, backoffMin: 100, backoffMax: 300,
});
const load = () => {
  const state = JSON.parse(readFileSync(STATE, "utf8"));
  return { ...state, c: client(state.key, state.account) };
};
acme.axios.defaults.acmeSettings.retryMaxAttempts = 0;

const steps = {
  async prepare() {
    const key = String(await acme.crypto.createPrivateEcdsaKey());
    const c = client(key), web = new Map(), orders = [];
    const http = createServer((request, response) => response.end(web.get(request.url)));
    await new Promise((done) => http.listen(Number(HTTP_PORT), "127.0.0.1", done));
    await c.createAccount({ termsOfServiceAgreed: true });
    const ready = async () => {
      const order = await c.createOrder({ identifiers: [{ type: "ip", value: "127.0.0.1" }] });
      const [authz] = await c.getAuthorizations(order);
      const challenge = authz.challenges.find(({ type }) => type === "http-01");
      web.set(`/.well-known/acme-challenge/${challenge.token}`, await c.getChallengeKeyAuthorization(challenge));
      await c.completeChallenge(challenge);
      await c.waitForValidStatus(challenge);
      const [, csr] = await acme.crypto.createCsr({ altNames: ["127.0.0.1"] }, await acme.crypto.createPrivateEcdsaKey());
      orders.push({ url: order.url, csr: String(csr) });
    };
    await Promise.all(Array.from({ length: Number(count) }, ready));
    http.close();
    writeFileSync(STATE, JSON.stringify({ key, account: c.getAccountUrl(), orders }));
  },
  async finalize() {
    const { c, orders } = load();
    const ready = await Promise.all(orders.map(({ url }) => c.getOrder({ url })));
    console.log("go");
    await Promise.allSettled(ready.map((order, i) => c.finalizeOrder({ ...order, url: orders[i].url }, orders[i].csr)));
  },
  async check() {
    const { c, orders } = load(), found = { ready: 0, valid: 0 };
    const serials = new Set();
    for (const { url, csr } of orders) {
      let order = await c.getOrder({ url });
      assert.ok(order.status in found, `an order is ${order.status}`);
      found[order.status]++;
      if (order.status === "ready") order = await c.finalizeOrder({ ...order, url }, csr);
      serials.add(new X509Certificate(await c.getCertificate(order)).serialNumber);
    }
    assert.equal(serials.size, orders.length);
    console.log(`${found.ready} ${found.valid}`);
  },
};
await steps[step]();
