"""azure-identity against the hub's token service, and what an application's role lets it do."""
import os
import unittest

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientSecretCredential, DefaultAzureCredential, EnvironmentCredential

from hub import CLOSED, TENANT, HubTest, crypto_client, fresh, key_client, secret_credential

APP = secret_credential(os.environ["APP_CLIENT_ID"], os.environ["APP_CLIENT_SECRET"])


class SignIn(HubTest):
    def test_environment(self):
        for credential in (EnvironmentCredential(**CLOSED), DefaultAzureCredential(**CLOSED)):
            list(key_client(credential).list_properties_of_keys())

    def test_certificate(self):
        for send in (False, True):
            credential = CertificateCredential(
                TENANT, os.environ["APP_CLIENT_ID"], os.environ["APP_CERTIFICATE"], send_certificate_chain=send, **CLOSED
            )
            list(key_client(credential).list_properties_of_keys())

    def test_adfs(self):
        """The tenant that needs no option."""
        credential = ClientSecretCredential("adfs", os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"])
        list(key_client(credential).list_properties_of_keys())

    def test_wrong_secret(self):
        credential = secret_credential(os.environ["APP_CLIENT_ID"], "wrong")
        with self.assertRaises(ClientAuthenticationError):
            list(key_client(credential).list_properties_of_keys())


class Application(HubTest):
    """Its role is Key Vault Crypto Service Encryption User."""

    @classmethod
    def setUpClass(cls):
        cls.name = fresh("app")
        cls.key = cls.client.create_rsa_key(cls.name)
        cls.app = key_client(APP)

    def test_may_wrap_and_unwrap(self):
        crypto = crypto_client(self.app.get_key(self.name), APP)
        wrapped = crypto.wrap_key("RSA-OAEP-256", b"k" * 32).encrypted_key
        self.assertEqual(crypto.unwrap_key("RSA-OAEP-256", wrapped).key, b"k" * 32)

    def test_may_change_nothing(self):
        app, name = self.app, self.name
        crypto = crypto_client(self.key.id, APP)
        for attempt in (
            lambda: app.create_key(fresh("app"), "EC"),
            lambda: app.create_key(name, "RSA"),
            lambda: app.update_key_properties(name, enabled=False),
            lambda: app.begin_delete_key(name),
            lambda: app.rotate_key(name),
            lambda: app.backup_key(name),
            lambda: app.restore_key_backup(b"backup"),
            lambda: app.begin_recover_deleted_key(name),
            lambda: app.purge_deleted_key(name),
            lambda: crypto.sign("RS256", b"d" * 32),
            lambda: crypto.decrypt("RSA-OAEP", b"c" * 256),
        ):
            self.refused(403, "Forbidden", attempt, inner="ForbiddenByRbac")


if __name__ == "__main__":
    unittest.main()
