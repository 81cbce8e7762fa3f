"""What every test here needs: the hub of the environment, its owner, and its clients."""
import base64
import os
import secrets
import unittest

from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.keyvault.certificates import CertificateClient
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient
from azure.keyvault.secrets import SecretClient

VAULT = os.environ["KEY_VAULT_URL"].rstrip("/")
TENANT = os.environ["AZURE_TENANT_ID"]

# At localhost the challenge's resource cannot be a parent domain of the vault's host.
OPTIONS = {"verify_challenge_resource": False}
# In a closed network there is no public login host to ask about the authority. The first is what azure-identity 1.13.0
# calls the option, the second what Debian's beta of it does.
CLOSED = {"disable_instance_discovery": True, "instance_discovery": False}


def secret_credential(client_id, secret):
    return ClientSecretCredential(TENANT, client_id, secret, **CLOSED)


OWNER = secret_credential(os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"])


def key_client(credential=OWNER):
    return KeyClient(VAULT, credential, **OPTIONS)


def secret_client(credential=OWNER):
    return SecretClient(VAULT, credential, **OPTIONS)


def certificate_client(credential=OWNER):
    return CertificateClient(VAULT, credential, **OPTIONS)


def crypto_client(key, credential=OWNER):
    return CryptographyClient(key, credential, **OPTIONS)


def fresh(stem):
    """A name that no other test uses."""
    return f"py-{stem}-{secrets.token_hex(5)}"


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class HubTest(unittest.TestCase):
    client = key_client()

    def refused(self, status, code, call, *args, inner=None, message=None, **kwargs):
        """call must be refused with this status and API error."""
        with self.assertRaises(HttpResponseError) as caught:
            call(*args, **kwargs)
        error = caught.exception
        self.assertEqual(error.status_code, status, error.message)
        self.assertEqual(error.error.code, code)
        if message is not None:
            self.assertIn(message, error.message)
        if inner is not None:
            self.assertEqual(error.error.innererror["code"], inner)

    def delete(self, name):
        poller = self.client.begin_delete_key(name)
        poller.wait()
        return poller.result()
