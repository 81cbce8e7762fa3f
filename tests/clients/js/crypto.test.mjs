// CryptographyClient with every algorithm, checked against node's own cryptography in both directions,
// and who may do what with a key: operations, validity, disabled keys.
import assert from "node:assert/strict";
import {
  constants, createCipheriv, createDecipheriv, createHash, createHmac, createPublicKey, generateKeyPairSync,
  publicEncrypt, randomBytes, sign, verify,
} from "node:crypto";
import { test } from "node:test";
import { api, assertError, base64url, bytes, cryptoClient, deleteKey, fresh, keyClient, rejects } from "./hub.mjs";

const client = keyClient();
const path = (key) => `/keys/${key.name}/${key.properties.version}`;
const same = (found, expected) => assert.equal(base64url(found), base64url(expected));

// One key of each kind for all tests of this file.
const kept = new Map();
function key(kind) {
  if (!kept.has(kind)) kept.set(kind, make(kind));
  return kept.get(kind);
}
function make(kind) {
  const name = fresh(`crypto-${kind}`);
  const [type, size] = kind.split("/");
  if (type === "rsa") return client.createRsaKey(name.replace("/", "-"), { keySize: Number(size) });
  return client.createEcKey(name.replace("/", "-"), { curve: size });
}

function publicKey({ key: jwk }) {
  const text = { kty: jwk.kty.replace("-HSM", "") };
  for (const field of ["n", "e", "x", "y"]) if (jwk[field]) text[field] = base64url(jwk[field]);
  if (jwk.crv) text.crv = jwk.crv === "P-256K" ? "secp256k1" : jwk.crv;
  return createPublicKey({ key: text, format: "jwk" });
}

// A symmetric key that both sides know.
async function shared(size, operations) {
  const k = randomBytes(size / 8);
  const name = fresh(`crypto-oct${size}`);
  return { k, key: await client.importKey(name, { kty: "oct", k, keyOps: operations }) };
}

const rsaPadding = {
  "RSA1_5": { padding: constants.RSA_PKCS1_PADDING },
  "RSA-OAEP": { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" },
  "RSA-OAEP-256": { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" },
};

for (const size of [2048, 3072, 4096]) {
  for (const [algorithm, padding] of Object.entries(rsaPadding)) {
    test(`${algorithm} with ${size} bits encrypts, decrypts, wraps and unwraps`, async () => {
      const rsa = await key(`rsa/${size}`);
      const crypto = cryptoClient(rsa);
      const plain = randomBytes(32);
      // The SDK encrypts RSA1_5 and RSA-OAEP itself.
      const encrypted = await crypto.encrypt(algorithm, plain);
      assert.equal(encrypted.keyID, rsa.id);
      assert.equal(encrypted.algorithm, algorithm);
      same((await crypto.decrypt(algorithm, encrypted.result)).result, plain);
      const wrapped = await crypto.wrapKey(algorithm, plain);
      same((await crypto.unwrapKey(algorithm, wrapped.result)).result, plain);
      // By node, and by the service.
      const local = publicEncrypt({ key: publicKey(rsa), ...padding }, plain);
      same((await crypto.decrypt(algorithm, local)).result, plain);
      same((await crypto.unwrapKey(algorithm, local)).result, plain);
      for (const [there, back] of [["encrypt", "decrypt"], ["wrapkey", "unwrapkey"]]) {
        const remote = await api("POST", `${path(rsa)}/${there}`, { alg: algorithm, value: base64url(plain) });
        assert.equal(remote.status, 200, JSON.stringify(remote.body));
        assert.equal(remote.body.kid, rsa.id);
        assert.equal(bytes(remote.body.value).length, size / 8);
        const answer = await api("POST", `${path(rsa)}/${back}`, { alg: algorithm, value: remote.body.value });
        assert.equal(answer.body.value, base64url(plain));
      }
    });
  }
}

const digestOf = (algorithm, data) => createHash(`sha${/(256|384|512)/.exec(algorithm)[0]}`).update(data).digest();
const signers = {
  "rsa/2048": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  "rsa/3072": ["RS256", "PS384"],
  "rsa/4096": ["RS512", "PS512"],
  "ec/P-256": ["ES256"],
  "ec/P-384": ["ES384"],
  "ec/P-521": ["ES512"],
  "ec/P-256K": ["ES256K"],
};

// node's name for how a signature algorithm pads and encodes.
function signatureOptions(algorithm) {
  if (algorithm.startsWith("PS")) {
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  return algorithm.startsWith("ES") ? { dsaEncoding: "ieee-p1363" } : { padding: constants.RSA_PKCS1_PADDING };
}
const hash = (algorithm) => `sha${/(256|384|512)/.exec(algorithm)[0]}`;

for (const [kind, algorithms] of Object.entries(signers)) {
  for (const algorithm of algorithms) {
    test(`${algorithm} with ${kind} signs and verifies`, async () => {
      const signer = await key(kind);
      const crypto = cryptoClient(signer);
      const data = randomBytes(1000);
      const digest = digestOf(algorithm, data);
      const options = { key: publicKey(signer), ...signatureOptions(algorithm) };

      const signed = await crypto.sign(algorithm, digest);
      assert.equal(signed.keyID, signer.id);
      assert.ok(verify(hash(algorithm), data, options, signed.result));
      assert.equal((await crypto.verify(algorithm, digest, signed.result)).result, true);

      const signedData = await crypto.signData(algorithm, data);
      assert.ok(verify(hash(algorithm), data, options, signedData.result));
      // The SDK verifies RSA itself, and PS* with the wrong padding.
      if (!algorithm.startsWith("PS")) {
        assert.equal((await crypto.verifyData(algorithm, data, signedData.result)).result, true);
        assert.equal((await crypto.verifyData(algorithm, randomBytes(10), signedData.result)).result, false);
      }

      const touched = Uint8Array.from(signed.result);
      touched[touched.length >> 1] ^= 1;
      assert.equal((await crypto.verify(algorithm, digest, touched)).result, false);
      assert.equal((await crypto.verify(algorithm, digestOf(algorithm, "other"), signed.result)).result, false);
      assert.equal((await crypto.verify(algorithm, digest, signed.result.subarray(1))).result, false);
    });
  }
}

test("signatures made elsewhere verify", async () => {
  for (const [type, options, operations, algorithms] of [
    ["rsa", { modulusLength: 2048 }, ["verify"], ["RS256", "PS256", "PS512"]],
    ["ec", { namedCurve: "secp256k1" }, ["verify"], ["ES256K"]],
    ["ec", { namedCurve: "P-521" }, ["verify"], ["ES512"]],
  ]) {
    const { privateKey } = generateKeyPairSync(type, options);
    const { kty, crv, ...numbers } = privateKey.export({ format: "jwk" });
    const jwk = { kty, crv: crv === "secp256k1" ? "P-256K" : crv, keyOps: operations };
    for (const [name, value] of Object.entries(numbers)) jwk[name] = bytes(value);
    const crypto = cryptoClient(await client.importKey(fresh("crypto-verify"), jwk));
    const data = randomBytes(100);
    for (const algorithm of algorithms) {
      const signature = sign(hash(algorithm), data, { key: privateKey, ...signatureOptions(algorithm) });
      assert.equal((await crypto.verify(algorithm, digestOf(algorithm, data), signature)).result, true);
    }
  }
});

test("RSNULL signs what the caller padded into a DigestInfo", async () => {
  const rsa = await key("rsa/2048");
  const data = randomBytes(20);
  const digest = createHash("sha256").update(data).digest();
  const info = Buffer.concat([Buffer.from("3031300d060960864801650304020105000420", "hex"), digest]);
  const signed = await api("POST", `${path(rsa)}/sign`, { alg: "RSNULL", value: base64url(info) });
  assert.equal(signed.status, 200, JSON.stringify(signed.body));
  assert.ok(verify("sha256", data, publicKey(rsa), bytes(signed.body.value)));
  const verified = await api("POST", `${path(rsa)}/verify`, {
    alg: "RSNULL",
    digest: base64url(info),
    value: signed.body.value,
  });
  assert.deepEqual(verified.body, { value: true });
});

for (const size of [128, 192, 256]) {
  test(`A${size}GCM encrypts and decrypts, and binds the additional data`, async () => {
    const { k, key: oct } = await shared(size, ["encrypt", "decrypt"]);
    const crypto = cryptoClient(oct);
    const algorithm = `A${size}GCM`;
    const plaintext = randomBytes(50);
    const additionalAuthenticatedData = randomBytes(9);
    const one = await crypto.encrypt({ algorithm, plaintext, additionalAuthenticatedData });
    const two = await crypto.encrypt({ algorithm, plaintext, additionalAuthenticatedData });
    assert.notEqual(base64url(one.iv), base64url(two.iv));
    assert.equal(one.iv.length, 12);
    assert.equal(one.authenticationTag.length, 16);
    const decipher = createDecipheriv(`aes-${size}-gcm`, k, one.iv);
    decipher.setAAD(additionalAuthenticatedData).setAuthTag(one.authenticationTag);
    same(Buffer.concat([decipher.update(one.result), decipher.final()]), plaintext);

    const sealed = {
      algorithm,
      ciphertext: one.result,
      iv: one.iv,
      authenticationTag: one.authenticationTag,
      additionalAuthenticatedData,
    };
    same((await crypto.decrypt(sealed)).result, plaintext);
    const refused = { status: 400, code: "BadParameter" };
    await rejects(crypto.decrypt({ ...sealed, additionalAuthenticatedData: randomBytes(9) }), refused);
    await rejects(crypto.decrypt({ ...sealed, authenticationTag: randomBytes(16) }), refused);
    await rejects(crypto.decrypt({ ...sealed, authenticationTag: sealed.authenticationTag.subarray(0, 4) }), refused);
    await rejects(crypto.decrypt({ ...sealed, iv: two.iv }), refused);
    await rejects(crypto.decrypt({ ...sealed, authenticationTag: undefined }), refused);
  });

  test(`A${size}CBC takes whole blocks, A${size}CBCPAD anything`, async () => {
    const { k, key: oct } = await shared(size, ["encrypt", "decrypt"]);
    const crypto = cryptoClient(oct);
    for (const [algorithm, length] of [[`A${size}CBC`, 64], [`A${size}CBCPAD`, 64], [`A${size}CBCPAD`, 5]]) {
      const iv = randomBytes(16);
      const plaintext = randomBytes(length);
      const encrypted = await crypto.encrypt({ algorithm, plaintext, iv });
      const cipher = createCipheriv(`aes-${size}-cbc`, k, iv).setAutoPadding(algorithm.endsWith("PAD"));
      same(encrypted.result, Buffer.concat([cipher.update(plaintext), cipher.final()]));
      same((await crypto.decrypt({ algorithm, ciphertext: encrypted.result, iv })).result, plaintext);
    }
    const iv = randomBytes(16);
    const refused = { status: 400, code: "BadParameter" };
    await rejects(crypto.encrypt({ algorithm: `A${size}CBC`, plaintext: randomBytes(17), iv }), refused);
    await rejects(crypto.encrypt({ algorithm: `A${size}CBC`, plaintext: randomBytes(16), iv: randomBytes(8) }), refused);
    await rejects(crypto.decrypt({ algorithm: `A${size}CBCPAD`, ciphertext: randomBytes(15), iv }), refused);
  });

  test(`A${size}KW wraps as RFC 3394 says`, async () => {
    const { k, key: oct } = await shared(size, ["wrapKey", "unwrapKey"]);
    const crypto = cryptoClient(oct);
    const algorithm = `A${size}KW`;
    for (const length of [16, 32, 64]) {
      const secret = randomBytes(length);
      const wrapped = await crypto.wrapKey(algorithm, secret);
      const cipher = createCipheriv(`id-aes${size}-wrap`, k, Buffer.alloc(8, 0xa6));
      same(wrapped.result, Buffer.concat([cipher.update(secret), cipher.final()]));
      same((await crypto.unwrapKey(algorithm, wrapped.result)).result, secret);
      const touched = Uint8Array.from(wrapped.result);
      touched[3] ^= 1;
      await rejects(crypto.unwrapKey(algorithm, touched), { status: 400, code: "BadParameter" });
    }
    await rejects(crypto.wrapKey(algorithm, randomBytes(13)), { status: 400, code: "BadParameter" });
    const other = size === 128 ? "A256KW" : "A128KW";
    await rejects(crypto.wrapKey(other, randomBytes(32)), { status: 400, code: "BadParameter" });
  });

  test(`CKM_AES_KEY_WRAP and CKM_AES_KEY_WRAP_PAD wrap with ${size} bits`, async () => {
    const { k, key: oct } = await shared(size, ["wrapKey", "unwrapKey"]);
    for (const [alg, name, iv, length] of [
      ["CKM_AES_KEY_WRAP", `id-aes${size}-wrap`, Buffer.alloc(8, 0xa6), 32],
      ["CKM_AES_KEY_WRAP_PAD", `id-aes${size}-wrap-pad`, Buffer.from("a65959a6", "hex"), 21],
    ]) {
      const secret = randomBytes(length);
      const cipher = createCipheriv(name, k, iv);
      const expected = Buffer.concat([cipher.update(secret), cipher.final()]);
      const wrapped = await api("POST", `${path(oct)}/wrapkey`, { alg, value: base64url(secret) });
      assert.equal(wrapped.body.value, base64url(expected), JSON.stringify(wrapped.body));
      const unwrapped = await api("POST", `${path(oct)}/unwrapkey`, { alg, value: wrapped.body.value });
      assert.equal(unwrapped.body.value, base64url(secret));
    }
  });
}

test("HS256, HS384 and HS512 are HMACs over the digest", async () => {
  const { k, key: oct } = await shared(256, ["sign", "verify"]);
  for (const alg of ["HS256", "HS384", "HS512"]) {
    const digest = digestOf(alg, "data");
    const signed = await api("POST", `${path(oct)}/sign`, { alg, value: base64url(digest) });
    assert.equal(signed.body.value, createHmac(hash(alg), k).update(digest).digest("base64url"));
    const body = { alg, digest: base64url(digest), value: signed.body.value };
    assert.deepEqual((await api("POST", `${path(oct)}/verify`, body)).body, { value: true });
    const wrong = { ...body, value: base64url(randomBytes(digest.length)) };
    assert.deepEqual((await api("POST", `${path(oct)}/verify`, wrong)).body, { value: false });
  }
});

test("keys that the service made wrap and encrypt as imported ones do", async () => {
  const oct = cryptoClient(await client.createOctKey(fresh("crypto-oct"), { keySize: 256, hsm: true }));
  const plain = randomBytes(32);
  same((await oct.unwrapKey("A256KW", (await oct.wrapKey("A256KW", plain)).result)).result, plain);
  const sealed = await oct.encrypt({ algorithm: "A256GCM", plaintext: plain });
  const opened = await oct.decrypt({
    algorithm: "A256GCM",
    ciphertext: sealed.result,
    iv: sealed.iv,
    authenticationTag: sealed.authenticationTag,
  });
  same(opened.result, plain);
  for (const options of [{ hsm: true }]) {
    const rsa = cryptoClient(await client.createRsaKey(fresh("crypto-hsm"), options));
    same((await rsa.unwrapKey("RSA-OAEP-256", (await rsa.wrapKey("RSA-OAEP-256", plain)).result)).result, plain);
  }
});

test("a client for a key's id, latest version, fetches the key first", async () => {
  const rsa = await key("rsa/2048");
  const crypto = cryptoClient(rsa.id.slice(0, rsa.id.lastIndexOf("/")));
  const plain = randomBytes(16);
  same((await crypto.decrypt("RSA-OAEP", (await crypto.encrypt("RSA-OAEP", plain)).result)).result, plain);
  assert.equal(crypto.keyID, rsa.id);
});

test("a client for a JWK alone works without a vault, for the public half", async () => {
  const rsa = await key("rsa/2048");
  const local = cryptoClient({ ...rsa.key, keyOps: undefined });
  assert.equal(local.vaultUrl, "");
  const plain = randomBytes(16);
  const encrypted = await local.encrypt("RSA-OAEP", plain);
  same((await cryptoClient(rsa).decrypt("RSA-OAEP", encrypted.result)).result, plain);
  const data = Buffer.from("signed there, verified here");
  const signed = await cryptoClient(rsa).signData("RS256", data);
  assert.equal((await local.verifyData("RS256", data, signed.result)).result, true);
  await assert.rejects(local.decrypt("RSA-OAEP", encrypted.result), /local JsonWebKey/);
  await assert.rejects(local.sign("RS256", randomBytes(32)), /local JsonWebKey/);
});

test("an operation that is not among key_ops is refused", async () => {
  const rsa = await client.createRsaKey(fresh("crypto-ops"), { keyOps: ["sign"] });
  const value = base64url(randomBytes(32));
  assert.equal((await api("POST", `${path(rsa)}/sign`, { alg: "RS256", value })).status, 200);
  for (const [operation, name, alg] of [
    ["verify", "verify", "RS256"], ["encrypt", "encrypt", "RSA-OAEP"], ["decrypt", "decrypt", "RSA-OAEP"],
    ["wrapkey", "wrapKey", "RSA-OAEP"], ["unwrapkey", "unwrapKey", "RSA-OAEP"],
  ]) {
    const blob = base64url(randomBytes(256));
    assertError(await api("POST", `${path(rsa)}/${operation}`, { alg, digest: value, value: blob }), {
      status: 403,
      code: "Forbidden",
      inner: "KeyOperationForbidden",
      message: `Operation ${name} is not permitted on this key.`,
    });
  }
  await assert.rejects(cryptoClient(rsa).verify("RS256", randomBytes(32), randomBytes(256)), /not supported on key/);
});

// What a key does that is outside its window, or disabled: status of each operation.
async function statuses(rsa) {
  const crypto = (operation, body) => api("POST", `${path(rsa)}/${operation}`, body);
  const digest = base64url(randomBytes(32));
  const blob = base64url(publicEncrypt({ key: publicKey(rsa), ...rsaPadding["RSA-OAEP"] }, randomBytes(32)));
  return {
    encrypt: await crypto("encrypt", { alg: "RSA-OAEP", value: digest }),
    wrapKey: await crypto("wrapkey", { alg: "RSA-OAEP", value: digest }),
    sign: await crypto("sign", { alg: "RS256", value: digest }),
    verify: await crypto("verify", { alg: "RS256", digest, value: base64url(randomBytes(256)) }),
    decrypt: await crypto("decrypt", { alg: "RSA-OAEP", value: blob }),
    unwrapKey: await crypto("unwrapkey", { alg: "RSA-OAEP", value: blob }),
  };
}

for (const [what, attributes] of [
  ["expired", { notBefore: new Date(1e12), expiresOn: new Date(1.2e12) }],
  ["not yet valid", { notBefore: new Date(Date.now() + 86400000) }],
]) {
  test(`a key that is ${what} opens what is old and makes nothing new`, async () => {
    const rsa = await client.createRsaKey(fresh("crypto-time"), attributes);
    assert.equal((await client.getKey(rsa.name)).id, rsa.id);
    const answers = await statuses(rsa);
    for (const operation of ["encrypt", "wrapKey", "sign"]) {
      assertError(answers[operation], { status: 403, code: "Forbidden" });
    }
    for (const operation of ["verify", "decrypt", "unwrapKey"]) {
      assert.equal(answers[operation].status, 200, `${operation}: ${JSON.stringify(answers[operation].body)}`);
    }
    await assert.rejects(cryptoClient(rsa).sign("RS256", randomBytes(32)), /can't be used before|expired at/);
  });
}

test("a disabled key neither signs nor decrypts", async () => {
  const rsa = await client.createRsaKey(fresh("crypto-disabled"), { enabled: false });
  const answers = await statuses(rsa);
  for (const operation of ["sign", "decrypt", "unwrapKey"]) {
    assertError(answers[operation], {
      status: 403,
      code: "Forbidden",
      inner: "KeyDisabled",
      message: `Operation ${operation} is not allowed on a disabled key.`,
    });
  }
  await client.updateKeyProperties(rsa.name, { enabled: true });
  for (const [operation, { status }] of Object.entries(await statuses(rsa))) assert.equal(status, 200, operation);
});

test("digests of the wrong length are refused with the length they should have", async () => {
  const value = base64url(randomBytes(10));
  for (const [kind, alg, length] of [["rsa/2048", "RS256", 32], ["rsa/2048", "PS512", 64], ["ec/P-384", "ES384", 48]]) {
    assertError(await api("POST", `${path(await key(kind))}/sign`, { alg, value }), {
      status: 400,
      code: "BadParameter",
      message: `Invalid length of 'value': 10 bytes. ${alg} requires ${length} bytes, encoded with base64url.`,
    });
  }
});

test("algorithms that do not fit the key are refused", async () => {
  const value = base64url(randomBytes(32));
  const refused = { status: 400, code: "BadParameter" };
  for (const [kind, operation, alg] of [
    ["rsa/2048", "sign", "ES256"], ["rsa/2048", "sign", "HS256"], ["rsa/2048", "encrypt", "A256GCM"],
    ["rsa/2048", "wrapkey", "A256KW"], ["rsa/2048", "sign", "none"], ["rsa/2048", "sign", undefined],
    ["rsa/2048", "sign", ""], ["rsa/2048", "encrypt", "RS256"], ["ec/P-256", "sign", "ES384"],
    ["ec/P-256", "sign", "ES256K"], ["ec/P-256", "sign", "RS256"],
  ]) {
    assertError(await api("POST", `${path(await key(kind))}/${operation}`, { alg, value }), refused);
  }
  assertError(await api("POST", `${path(await key("ec/P-256"))}/encrypt`, { alg: "RSA-OAEP", value }), {
    status: /^40[03]$/,
  });
});

test("RSA decryption fails in one way only", async () => {
  const rsa = await key("rsa/2048");
  const blobs = [
    publicEncrypt({ key: publicKey(rsa), padding: constants.RSA_NO_PADDING }, Buffer.alloc(256, 1)),
    publicEncrypt({ key: publicKey(rsa), padding: constants.RSA_NO_PADDING }, Buffer.concat([Buffer.from([0, 2]), Buffer.alloc(254, 7)])),
    Buffer.concat([Buffer.alloc(1), randomBytes(255)]),
    publicEncrypt({ key: publicKey(rsa), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepLabel: Buffer.from("x") }, Buffer.from("y")),
  ];
  for (const alg of ["RSA-OAEP", "RSA-OAEP-256"]) {
    const answers = [];
    for (const blob of blobs) {
      const { status, body } = await api("POST", `${path(rsa)}/decrypt`, { alg, value: base64url(blob) });
      answers.push(JSON.stringify({ status, body }));
    }
    assert.equal(JSON.parse(answers[0]).status, 400);
    assert.equal(new Set(answers).size, 1, answers.join("\n"));
  }
});

test("too much to encrypt is refused", async () => {
  const rsa = await key("rsa/2048");
  for (const [alg, most] of [["RSA1_5", 245], ["RSA-OAEP", 214], ["RSA-OAEP-256", 190]]) {
    const encrypt = (length) => api("POST", `${path(rsa)}/encrypt`, { alg, value: base64url(randomBytes(length)) });
    assert.equal((await encrypt(most)).status, 200);
    assertError(await encrypt(most + 1), { status: 400, code: "BadParameter" });
  }
});

test("a signature of a purged key is still what it was", async () => {
  const name = fresh("crypto-purged");
  const ec = await client.createEcKey(name);
  const data = randomBytes(10);
  const signed = await cryptoClient(ec).signData("ES256", data);
  await deleteKey(client, name);
  await client.purgeDeletedKey(name);
  assert.ok(verify("sha256", data, { key: publicKey(ec), dsaEncoding: "ieee-p1363" }, signed.result));
  await rejects(cryptoClient(ec).signData("ES256", data), { status: 404, code: "KeyNotFound" });
});
