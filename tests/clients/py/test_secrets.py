"""Every method of SecretClient."""
import os
import unittest
from datetime import datetime, timedelta, timezone

from azure.core.exceptions import HttpResponseError
from azure.keyvault.secrets import ApiVersion, SecretClient

from hub import OPTIONS, OWNER, VAULT, HubTest, fresh, secret_client, secret_credential

TEXTS = ("", " ", "a\r\n\tb", '"\\', "gr\u00fcn", "\U0001f600 \u6f22", "\x01\x1f\x7f\x80\x85\x9f", "\u2028\ufeff\uffff")


class SecretTest(HubTest):
    client = secret_client()

    def delete(self, name):
        poller = self.client.begin_delete_secret(name)
        poller.wait()
        return poller.result()


class Set(SecretTest):
    def test_options(self):
        name = fresh("Options")
        not_before = datetime(2020, 1, 1, tzinfo=timezone.utc)
        expires_on = datetime(2040, 1, 1, tzinfo=timezone.utc)
        made = self.client.set_secret(
            name, "value", enabled=True, tags={"a": "b"}, content_type="text/plain", not_before=not_before,
            expires_on=expires_on,
        )
        secret = self.client.get_secret(name.lower())
        self.assertEqual((secret.name, secret.value, secret.id), (name, "value", made.id))
        properties = secret.properties
        self.assertEqual((properties.tags, properties.content_type), ({"a": "b"}, "text/plain"))
        self.assertEqual((properties.not_before, properties.expires_on), (not_before, expires_on))
        self.assertTrue(properties.enabled)
        self.assertEqual(properties.vault_url, VAULT)
        self.assertEqual(properties.recovery_level, "Recoverable+Purgeable")
        self.assertLess(datetime.now(timezone.utc) - properties.created_on, timedelta(minutes=5))

    def test_values(self):
        name = fresh("values")
        for value in TEXTS + ("x" * 25600, "\u00fc" * 12800, "\x01" * 25600):
            self.assertEqual(self.client.set_secret(name, value).value, value)
            self.assertEqual(self.client.get_secret(name).value, value)
        self.refused(400, "BadParameter", self.client.set_secret, name, "x" * 25601)

    def test_refused(self):
        self.refused(400, "BadParameter", self.client.set_secret, "under_score", "x", message="invalid name")
        self.refused(400, "BadParameter", self.client.set_secret, "x" * 128, "x")
        self.refused(400, "BadParameter", self.client.set_secret, fresh("bad"), "x", content_type="x" * 256)
        tags = {f"t{i}": "x" for i in range(16)}
        self.refused(400, "BadParameter", self.client.set_secret, fresh("bad"), "x", tags=tags)
        self.refused(
            400, "BadParameter", self.client.set_secret, fresh("bad"), "x",
            not_before=datetime(2031, 1, 1, tzinfo=timezone.utc), expires_on=datetime(2030, 1, 1, tzinfo=timezone.utc),
        )


class Read(SecretTest):
    def test_get(self):
        name = fresh("get")
        first = self.client.set_secret(name, "one")
        second = self.client.set_secret(name, "two")
        self.assertEqual(self.client.get_secret(name).id, second.id)
        older = self.client.get_secret(name, first.properties.version)
        self.assertEqual((older.id, older.value), (first.id, "one"))
        self.refused(404, "SecretNotFound", self.client.get_secret, fresh("missing"), message="A secret with (name/id)")
        self.refused(404, "SecretNotFound", self.client.get_secret, name, "0" * 32)

    def test_disabled(self):
        name = fresh("disabled")
        version = self.client.set_secret(name, "value", enabled=False).properties.version
        self.refused(403, "Forbidden", self.client.get_secret, name, inner="SecretDisabled")
        self.refused(403, "Forbidden", self.client.get_secret, name, version, inner="SecretDisabled")
        self.client.update_secret_properties(name, enabled=True)
        self.assertEqual(self.client.get_secret(name).value, "value")

    def test_lists(self):
        stem = fresh("list")
        names = [f"{stem}-{i:02}" for i in range(31)]
        for name in reversed(names):
            self.client.set_secret(name, "x")
        mine = [one.name for one in self.client.list_properties_of_secrets() if one.name.startswith(stem)]
        self.assertEqual(mine, names)
        pages = [list(page) for page in self.client.list_properties_of_secrets(max_page_size=4).by_page()]
        self.assertTrue(all(len(page) <= 4 for page in pages))
        self.assertEqual([one.name for page in pages for one in page if one.name.startswith(stem)], names)
        paged = self.client.list_properties_of_secrets(max_page_size=1).by_page()
        first = list(next(paged))
        rest = self.client.list_properties_of_secrets(max_page_size=1).by_page(paged.continuation_token)
        self.assertNotEqual(list(next(rest))[0].name, first[0].name)

    def test_versions(self):
        name = fresh("versions")
        made = {self.client.set_secret(name, str(i)).properties.version for i in range(3)}
        listed = [one.version for one in self.client.list_properties_of_secret_versions(name)]
        self.assertEqual(listed, sorted(made))
        self.assertEqual(list(self.client.list_properties_of_secret_versions(fresh("missing"))), [])

    def test_update(self):
        name = fresh("update")
        first = self.client.set_secret(name, "one")
        second = self.client.set_secret(name, "two", tags={"stay": "here"})
        expires_on = datetime(2040, 1, 1, tzinfo=timezone.utc)
        latest = self.client.update_secret_properties(name, expires_on=expires_on, content_type="text/plain")
        self.assertEqual((latest.id, latest.expires_on, latest.content_type), (second.id, expires_on, "text/plain"))
        self.assertEqual(latest.tags, {"stay": "here"})
        older = self.client.update_secret_properties(name, first.properties.version, enabled=False, tags={"a": "b"})
        self.assertEqual((older.id, older.enabled, older.tags), (first.id, False, {"a": "b"}))
        self.assertEqual(self.client.get_secret(name).value, "two")
        self.refused(404, "SecretNotFound", self.client.update_secret_properties, fresh("missing"), enabled=True)

    def test_older_api_versions(self):
        name = fresh("api-version")
        self.client.set_secret(name, "value")
        for version in ApiVersion:
            client = SecretClient(VAULT, OWNER, api_version=version, **OPTIONS)
            self.assertEqual(client.get_secret(name).value, "value", version)


class Life(SecretTest):
    def test_delete_recover_purge(self):
        name = fresh("life")
        secret = self.client.set_secret(name, "value")
        deleted = self.delete(name)
        self.assertEqual(deleted.recovery_id, f"{VAULT}/deletedsecrets/{name}")
        retention = deleted.scheduled_purge_date - deleted.deleted_date
        self.assertEqual(retention, timedelta(days=deleted.properties.recoverable_days))
        self.refused(404, "SecretNotFound", self.client.get_secret, name)
        self.refused(409, "Conflict", self.client.set_secret, name, "x", inner="ObjectIsDeletedButRecoverable")
        self.assertEqual(self.client.get_deleted_secret(name).id, secret.id)
        self.assertIn(name, [one.name for one in self.client.list_deleted_secrets()])
        poller = self.client.begin_recover_deleted_secret(name)
        poller.wait()
        self.assertEqual(poller.result().id, secret.id)
        self.assertEqual(self.client.get_secret(name).value, "value")
        self.delete(name)
        self.client.purge_deleted_secret(name)
        self.refused(404, "SecretNotFound", self.client.get_deleted_secret, name, message="Deleted Secret not found")

    def test_missing(self):
        name = fresh("missing")
        self.refused(404, "SecretNotFound", self.client.begin_delete_secret, name)
        self.refused(404, "SecretNotFound", self.client.purge_deleted_secret, name)
        self.refused(404, "SecretNotFound", self.client.begin_recover_deleted_secret, name)
        self.refused(404, "SecretNotFound", self.client.backup_secret, name)

    def test_backup(self):
        name = fresh("backup")
        first = self.client.set_secret(name, "one")
        second = self.client.set_secret(name, "two")
        blob = self.client.backup_secret(name)
        self.refused(409, "Conflict", self.client.restore_secret_backup, blob)
        self.delete(name)
        self.client.purge_deleted_secret(name)
        self.assertEqual(self.client.restore_secret_backup(blob).id, second.id)
        self.assertEqual(self.client.get_secret(name, first.properties.version).value, "one")
        self.refused(400, "Malformed backup blob", self.client.restore_secret_backup, blob[:-1])
        self.refused(400, "Malformed backup blob", self.client.restore_secret_backup, b"backup")


class Application(SecretTest):
    """Its role for secrets is Key Vault Secrets User."""

    @classmethod
    def setUpClass(cls):
        cls.app = secret_client(secret_credential(os.environ["APP_CLIENT_ID"], os.environ["APP_CLIENT_SECRET"]))

    def test_allowed(self):
        name = fresh("app")
        self.client.set_secret(name, "value")
        self.assertEqual(self.app.get_secret(name).value, "value")
        self.assertIn(name, [one.name for one in self.app.list_properties_of_secrets()])
        self.assertEqual(len(list(self.app.list_properties_of_secret_versions(name))), 1)

    def test_refused(self):
        name, gone = fresh("app"), fresh("app-gone")
        for one in (name, gone):
            self.client.set_secret(one, "value")
        blob = self.client.backup_secret(name)
        self.delete(gone)
        for call, *args in (
            (self.app.set_secret, name, "x"), (self.app.update_secret_properties, name), (self.app.backup_secret, name),
            (self.app.begin_delete_secret, name), (self.app.purge_deleted_secret, gone),
            (self.app.begin_recover_deleted_secret, gone), (self.app.restore_secret_backup, blob),
        ):
            with self.subTest(call.__name__), self.assertRaises(HttpResponseError) as caught:
                call(*args)
            self.assertEqual((caught.exception.status_code, caught.exception.error.code), (403, "Forbidden"))
        self.assertEqual(self.client.get_secret(name).value, "value")


if __name__ == "__main__":
    unittest.main()
