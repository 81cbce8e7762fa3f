#!/usr/bin/env python3
"""ROUNDS of kill -9 under write load: each key that was acknowledged is there afterwards and works.

kill9.py PROGRAM DATA PORT ROUNDS. Threads create, rotate, update and delete keys over TLS; after a random moment the server is
killed; it is started again, and everything acknowledged so far in the round is checked, the rest by sample, all at the end.
"""
import http.client
import json
import random
import ssl
import sys
import threading
import time
import urllib.parse

from killed import Client, Vault

VAULT, ROUNDS = Vault(sys.argv[1], sys.argv[2], int(sys.argv[3])), int(sys.argv[4])
WRITERS = 4
WRAP = json.dumps({"alg": "A128KW", "value": "AAECAwQFBgcICQoLDA0ODw"})


class Writer(threading.Thread):
    """Notes what it asked for before it asks and what was acknowledged when the answer is there."""

    def __init__(self, round_number, number):
        super().__init__()
        self.prefix = f"k-{round_number}-{number}"
        self.states = {}  # name -> "live" or "deleted", as acknowledged
        self.unsure = None  # what may or may not have happened to which name
        self.versions = {}  # name -> kids acknowledged

    def change(self, method, path, name, body=None):
        self.unsure = name
        status, answer = self.client.ask(method, path, body)
        assert status in (200, 204), (status, answer)
        self.unsure = None
        return answer

    def run(self):
        try:
            self.client = Client(VAULT)
            for i in range(100000):
                name = f"{self.prefix}-{i}"
                answer = self.change("POST", f"/keys/{name}/create", name, '{"kty":"oct","key_size":128}')
                self.states[name] = "live"
                self.versions[name] = [answer["key"]["kid"]]
                if i % 3 == 0:
                    self.versions[name].append(self.change("POST", f"/keys/{name}/rotate", name)["key"]["kid"])
                if i % 5 == 0:
                    self.change("DELETE", f"/keys/{name}", name)
                    self.states[name] = "deleted"
        except (OSError, http.client.HTTPException, ssl.SSLError):
            pass  # killed in the middle: what was acknowledged counts


def check(client, states, versions, unsure):
    for name, state in states.items():
        status, _ = client.ask("POST", f"/keys/{name}//wrapkey", WRAP)
        gone, _ = client.ask("GET", f"/deletedkeys/{name}")
        if name in unsure:
            good = (status, gone) in ((200, 404), (404, 200))
        else:
            good = (status, gone) == ((200, 404) if state == "live" else (404, 200))
        assert good, f"FAILED: {name} was acknowledged as {state}, wrapKey says {status}, deletedkeys {gone}"
        if status == 200:
            for kid in versions[name]:
                status, answer = client.ask("POST", urllib.parse.urlparse(kid).path + "/wrapkey", WRAP)
                assert status == 200 and answer["kid"] == kid, f"FAILED: {kid}: {status} {answer}"


def main():
    everything, versions, doubtful, rng = {}, {}, set(), random.Random(1)
    VAULT.start()
    for number in range(ROUNDS):
        Client(VAULT).login()
        writers = [Writer(number, i) for i in range(WRITERS)]
        for writer in writers:
            writer.start()
        time.sleep(rng.uniform(0.01, 0.12))
        VAULT.kill()
        for writer in writers:
            writer.join()
        VAULT.start()
        client = Client(VAULT)
        client.login()
        for writer in writers:
            if writer.unsure:
                doubtful.add(writer.unsure)
            check(client, writer.states, writer.versions, doubtful)
            everything.update(writer.states)
            versions.update(writer.versions)
        sample = rng.sample(sorted(everything), min(5, len(everything)))
        check(client, {name: everything[name] for name in sample}, versions, doubtful)
    check(client, everything, versions, doubtful)
    VAULT.stop()
    assert len(everything) > ROUNDS, f"FAILED: only {len(everything)} keys were acknowledged"
    print(f"{ROUNDS} kills, {len(everything)} keys and {sum(map(len, versions.values()))} versions acknowledged, all there")


main()
