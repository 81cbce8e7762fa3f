#!/usr/bin/env python3
"""ROUNDS of kill -9 under write load: each key that was acknowledged is there afterwards and works.

kill9.py PROGRAM DATA PORT ROUNDS. Threads create, rotate, update and delete keys over TLS; after a random moment the server is
killed; it is started again, and everything acknowledged so far in the round is checked, the rest by sample, all at the end.
"""
import http.client
import json
import os
import random
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

PROGRAM, DATA, PORT, ROUNDS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
WRITERS = 4
WRAP = json.dumps({"alg": "A128KW", "value": "AAECAwQFBgcICQoLDA0ODw"})


def start():
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    log = open(DATA + "/../serve.log", "ab")
    process = subprocess.Popen([PROGRAM, "vault", "serve", "--init", "--data", DATA, "--listen", f"127.0.0.1:{PORT}",
                                "--ready-fd", str(theirs)], stdin=subprocess.DEVNULL, stderr=log, close_fds=False)
    os.close(theirs)
    ready = os.read(ours, 4096)
    os.close(ours)
    if not ready:
        process.wait()
        sys.exit("FAILED: the vault did not come up:\n" + open(DATA + "/../serve.log").read()[-2000:])
    return process


def environment():
    pairs = (line[7:].rstrip("\n").split("=", 1) for line in open(DATA + "/env"))
    return {name: value.strip("'") for name, value in pairs}


class Client:
    token = None

    def __init__(self):
        context = ssl.create_default_context(cafile=DATA + "/ca.pem")
        self.connection = http.client.HTTPSConnection("localhost", PORT, context=context, timeout=20)

    def login(self):
        env = environment()
        form = urllib.parse.urlencode({
            "grant_type": "client_credentials", "client_id": env["AZURE_CLIENT_ID"],
            "client_secret": env["AZURE_CLIENT_SECRET"], "scope": "https://vault.azure.net/.default"})
        self.connection.request("POST", f"/{env['AZURE_TENANT_ID']}/oauth2/v2.0/token", form)
        Client.token = json.load(self.connection.getresponse())["access_token"]

    def ask(self, method, path, body=None):
        self.connection.request(method, path + "?api-version=7.4", body, {"Authorization": "Bearer " + Client.token})
        response = self.connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else None


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
            self.client = Client()
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
    process = start()
    for number in range(ROUNDS):
        Client().login()
        writers = [Writer(number, i) for i in range(WRITERS)]
        for writer in writers:
            writer.start()
        time.sleep(rng.uniform(0.01, 0.12))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for writer in writers:
            writer.join()
        process = start()
        client = Client()
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
    process.terminate()
    assert process.wait() == 0, "FAILED: the vault did not stop cleanly"
    assert len(everything) > ROUNDS, f"FAILED: only {len(everything)} keys were acknowledged"
    print(f"{ROUNDS} kills, {len(everything)} keys and {sum(map(len, versions.values()))} versions acknowledged, all there")


main()
