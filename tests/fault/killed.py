"""What the tests with kill -9 share: a vault that is started and killed, and a client of it."""
import http.client
import json
import os
import ssl
import subprocess
import sys
import urllib.parse


class Vault:
    def __init__(self, program, data, port):
        self.program, self.data, self.port, self.process = program, data, port, None

    def start(self):
        ours, theirs = os.pipe()
        os.set_inheritable(theirs, True)
        log = open(self.data + "/../serve.log", "ab")
        self.process = subprocess.Popen(
            [self.program, "vault", "serve", "--init", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
             "--ready-fd", str(theirs)], stdin=subprocess.DEVNULL, stderr=log, close_fds=False)
        os.close(theirs)
        ready = os.read(ours, 4096)
        os.close(ours)
        if not ready:
            self.process.wait()
            sys.exit("FAILED: the vault did not come up:\n" + open(self.data + "/../serve.log").read()[-2000:])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait() == 0, "FAILED: the vault did not stop cleanly"

    def environment(self):
        pairs = (line[7:].rstrip("\n").split("=", 1) for line in open(self.data + "/env"))
        return {name: value.strip("'") for name, value in pairs}


class Client:
    token = None

    def __init__(self, vault):
        self.vault = vault
        context = ssl.create_default_context(cafile=vault.data + "/ca.pem")
        self.connection = http.client.HTTPSConnection("localhost", vault.port, context=context, timeout=20)

    def login(self):
        env = self.vault.environment()
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
