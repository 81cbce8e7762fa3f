// openssl, as those use it who do not believe what a vault says of its certificates.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const directory = mkdtempSync(join(process.env.WORK ?? tmpdir(), "openssl-"));
process.on("exit", () => rmSync(directory, { recursive: true }));

export const file = (name) => join(directory, name);
export const put = (name, content) => {
  writeFileSync(file(name), content);
  return file(name);
};
export const get = (name) => readFileSync(file(name));

export function openssl(args, input) {
  const { status, stdout, stderr } = spawnSync("openssl", args, { cwd: directory, input });
  assert.equal(status, 0, `openssl ${args.join(" ")}: ${stderr}`);
  return stdout.toString();
}

export const pem = (label, der) =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64").replace(/.{64}(?=.)/g, "$&\n")}\n-----END ${label}-----\n`;
export const der = (text) => Buffer.from(/-----BEGIN [^-]*-----([^-]*)/.exec(text)[1], "base64");

// NAME.key and NAME.pem: a certificate of an elliptic curve's key, signed by itself.
export function selfSigned(name, ...more) {
  openssl(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
    "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.pem`, ...more]);
}
// A request in DER, signed by the authority NAME of selfSigned(); the certificate in PEM.
export function sign(csr, authority, ...more) {
  put("request.pem", pem("CERTIFICATE REQUEST", csr));
  return openssl(["x509", "-req", "-in", "request.pem", "-CA", `${authority}.pem`, "-CAkey", `${authority}.key`,
    "-CAcreateserial", "-days", "20", ...more]);
}
