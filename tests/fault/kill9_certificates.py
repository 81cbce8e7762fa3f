#!/usr/bin/env python3
"""ROUNDS of kill -9 during issuance: a certificate is whole or not there.

kill9_certificates.py PROGRAM DATA PORT ROUNDS. Threads have certificates issued, self-signed and by the hub's authority, renew and
delete them; after a random moment the vault is killed and started again. What was acknowledged is there; what was cut off is
completed; certificate, key and secret are of one version; the authority knows what it issued.
"""
import http.client
import json
import random
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

from killed import Client, Vault

VAULT, ROUNDS = Vault(sys.argv[1], sys.argv[2], int(sys.argv[3])), int(sys.argv[4])
WRITERS = 3


def policy(issuer):
    return json.dumps({"policy": {
        "issuer": {"name": issuer}, "key_props": {"kty": "EC", "crv": "P-256"},
        "secret_props": {"contentType": "application/x-pem-file"},
        "x509_props": {"subject": "CN=a.example", "sans": {"dns_names": ["a.example"]}}}})


class Writer(threading.Thread):
    def __init__(self, prefix, number):
        super().__init__()
        self.prefix, self.issuer = prefix, ("Self", "Hub")[number % 2]
        self.asked, self.issued, self.deleted, self.unsure = [], {}, set(), None

    def create(self, name):
        status, answer = self.client.ask("POST", f"/certificates/{name}/create", policy(self.issuer))
        assert status == 202, (status, answer)
        status, answer = self.client.ask("GET", f"/certificates/{name}")
        assert status == 200 and "cer" in answer, (status, answer)
        self.issued.setdefault(name, []).append(answer["id"])

    def run(self):
        try:
            self.client = Client(VAULT)
            for i in range(100000):
                name = f"{self.prefix}-{i}"
                self.asked.append(name)
                self.create(name)
                if i % 3 == 0:
                    self.create(name)
                if i % 4 == 0:
                    self.unsure = name
                    status, answer = self.client.ask("DELETE", f"/certificates/{name}")
                    assert status == 200, (status, answer)
                    self.deleted.add(name)
                    self.unsure = None
        except (OSError, http.client.HTTPException, ssl.SSLError):
            pass  # killed in the middle: what was acknowledged counts


def check_whole(client, name, version):
    path = "/certificates/" + name + "/" + version
    status, certificate = client.ask("GET", path)
    assert status == 200 and "cer" in certificate, f"FAILED: {path}: {status} {certificate}"
    for collection in ("keys", "secrets"):
        status, answer = client.ask("GET", f"/{collection}/{name}/{version}")
        assert status == 200, f"FAILED: {collection} of {path}: {status} {answer}"
    assert certificate["cer"] in answer["value"].replace("\n", ""), f"FAILED: {path}: another certificate in the secret"
    public = [subprocess.run(["openssl", *how], input=answer["value"], text=True, capture_output=True, check=True).stdout
              for how in (("x509", "-pubkey", "-noout"), ("pkey", "-pubout"))]
    assert public[0] == public[1], f"FAILED: {path}: the key is not the certificate's"


def check(client, writer):
    """How many versions are there."""
    count = 0
    for name in writer.asked:
        gone = [client.ask("GET", f"/deleted{collection}/{name}")[0] for collection in ("certificates", "keys", "secrets")]
        here = [client.ask("GET", f"/{collection}/{name}")[0] for collection in ("certificates", "keys", "secrets")]
        assert len(set(here)) == 1, f"FAILED: {name} is half there: {here}"
        if name in writer.deleted or (name == writer.unsure and here[0] == 404):
            assert gone[0] == 200 and here[0] == 404, f"FAILED: {name} was deleted: {here} {gone}"
            continue
        if name not in writer.issued:
            assert here[0] in (200, 404), f"FAILED: {name}: {here}"
        else:
            assert here[0] == 200, f"FAILED: {name} was acknowledged: {here}"
        if here[0] == 200:
            versions = client.ask("GET", f"/certificates/{name}/versions")[1]["value"]
            ids = {v["id"].rsplit("/", 1)[1] for v in versions}
            assert {urllib.parse.urlparse(i).path.rsplit("/", 1)[1] for i in writer.issued.get(name, [])} <= ids
            for version in ids:
                check_whole(client, name, version)
            count += len(ids)
    return count


def wait_completed(client, writers):
    """What the kill cut off is the scheduler's first work."""
    for writer in writers:
        for name in writer.asked[-1:]:
            for _ in range(100):
                status, answer = client.ask("GET", f"/certificates/{name}/pending")
                if status == 404 or answer["status"] != "inProgress":
                    break
                time.sleep(0.05)
            assert status == 404 or answer["status"] == "completed", f"FAILED: {name} stays pending: {answer}"


def main():
    rng, count = random.Random(2), 0
    VAULT.start()
    for number in range(ROUNDS):
        Client(VAULT).login()
        writers = [Writer(f"c-{number}-{i}", i) for i in range(WRITERS)]
        for writer in writers:
            writer.start()
        time.sleep(rng.uniform(0.02, 0.25))
        VAULT.kill()
        for writer in writers:
            writer.join()
        VAULT.start()
        client = Client(VAULT)
        client.login()
        wait_completed(client, writers)
        count += sum(check(client, writer) for writer in writers)
    VAULT.stop()
    assert count > ROUNDS, f"FAILED: only {count} certificates were issued"
    print(f"{ROUNDS} kills, {count} versions of certificates, all whole")


main()
