"""Every method of KeyClient."""
import unittest
from datetime import datetime, timedelta, timezone

from azure.keyvault.keys import (
    ApiVersion, JsonWebKey, KeyClient, KeyReleasePolicy, KeyRotationLifetimeAction, KeyRotationPolicy,
    KeyRotationPolicyAction,
)
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hub import OPTIONS, OWNER, VAULT, HubTest, fresh

ALL_RSA = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]


def number(value, size=None):
    return value.to_bytes(size or (value.bit_length() + 7) // 8, "big")


def rsa_jwk():
    private = rsa.generate_private_key(65537, 2048).private_numbers()
    public = private.public_numbers
    return JsonWebKey(
        kty="RSA", key_ops=["sign", "verify"], n=number(public.n), e=number(public.e), d=number(private.d),
        p=number(private.p), q=number(private.q), dp=number(private.dmp1), dq=number(private.dmq1),
        qi=number(private.iqmp),
    )


def ec_jwk(curve, name):
    private = ec.generate_private_key(curve).private_numbers()
    size = (curve.key_size + 7) // 8
    public = private.public_numbers
    return JsonWebKey(
        kty="EC", crv=name, key_ops=["sign", "verify"], x=number(public.x, size), y=number(public.y, size),
        d=number(private.private_value, size),
    )


class Create(HubTest):
    def test_rsa(self):
        for size in (2048, 3072, 4096):
            key = self.client.create_rsa_key(fresh("rsa"), size=size)
            self.assertEqual(key.key_type, "RSA")
            self.assertEqual(len(key.key.n), size // 8)
            self.assertEqual(key.key_operations, ALL_RSA)
            self.assertIsNone(key.key.d)
        self.assertEqual(self.client.create_rsa_key(fresh("rsa"), hardware_protected=True).key_type, "RSA-HSM")

    def test_options(self):
        name = fresh("options")
        not_before = datetime(2020, 1, 1, tzinfo=timezone.utc)
        expires_on = datetime(2040, 1, 1, tzinfo=timezone.utc)
        self.client.create_rsa_key(
            name, key_operations=["sign"], not_before=not_before, expires_on=expires_on, enabled=False,
            tags={"a": "b"}, exportable=False,
        )
        key = self.client.get_key(name)
        self.assertEqual(key.key_operations, ["sign"])
        self.assertEqual(key.properties.not_before, not_before)
        self.assertEqual(key.properties.expires_on, expires_on)
        self.assertFalse(key.properties.enabled)
        self.assertEqual(key.properties.tags, {"a": "b"})
        self.assertFalse(key.properties.exportable)
        self.assertEqual(key.properties.vault_url, VAULT)
        self.assertLess(datetime.now(timezone.utc) - key.properties.created_on, timedelta(minutes=5))

    def test_ec(self):
        for curve, size in (("P-256", 32), ("P-384", 48), ("P-521", 66), ("P-256K", 32)):
            key = self.client.create_ec_key(fresh("ec"), curve=curve)
            self.assertEqual(key.key.crv, curve)
            self.assertEqual(len(key.key.x), size)
            self.assertEqual(key.key_operations, ["sign", "verify"])
        self.assertEqual(self.client.create_ec_key(fresh("ec"), hardware_protected=True).key_type, "EC-HSM")

    def test_oct(self):
        for size in (128, 192, 256):
            key = self.client.create_oct_key(fresh("oct"), size=size, hardware_protected=True)
            self.assertEqual(key.key_type, "oct-HSM")
            self.assertIsNone(key.key.k)

    def test_create_key_and_public_exponent(self):
        self.assertEqual(self.client.create_key(fresh("any"), "EC", curve="P-384").key.crv, "P-384")
        key = self.client.create_rsa_key(fresh("exponent"), public_exponent=3)
        self.assertEqual(key.key.e, b"\x03")

    def test_refused(self):
        self.refused(400, "BadParameter", self.client.create_rsa_key, fresh("bad"), size=1000)
        self.refused(400, "BadParameter", self.client.create_ec_key, fresh("bad"), curve="P-1")
        self.refused(400, "BadParameter", self.client.create_key, "under_score", "EC")

    def test_import(self):
        key = rsa_jwk()
        imported = self.client.import_key(fresh("import"), key, tags={"a": "b"})
        self.assertEqual(imported.key.n, key.n)
        self.assertEqual(imported.properties.tags, {"a": "b"})
        self.assertIsNone(imported.key.d)
        imported = self.client.import_key(fresh("import"), rsa_jwk(), hardware_protected=True)
        self.assertEqual(imported.key_type, "RSA-HSM")
        for curve, name in ((ec.SECP256R1(), "P-256"), (ec.SECP384R1(), "P-384"), (ec.SECP521R1(), "P-521"),
                            (ec.SECP256K1(), "P-256K")):
            key = ec_jwk(curve, name)
            imported = self.client.import_key(fresh("import"), key)
            self.assertEqual((imported.key.crv, imported.key.x, imported.key.y), (name, key.x, key.y))
        broken = ec_jwk(ec.SECP256R1(), "P-256")
        broken.x = broken.y
        self.refused(400, "BadParameter", self.client.import_key, fresh("import"), broken)


class Read(HubTest):
    def test_get(self):
        name = fresh("get")
        first = self.client.create_key(name, "EC")
        second = self.client.create_key(name, "EC")
        self.assertEqual(self.client.get_key(name).id, second.id)
        self.assertEqual(self.client.get_key(name, first.properties.version).id, first.id)
        self.refused(404, "KeyNotFound", self.client.get_key, fresh("missing"), message="was not found in this key vault")
        self.refused(404, "KeyNotFound", self.client.get_key, name, "0" * 32)

    def test_lists(self):
        stem = fresh("list")
        for i in range(4):
            self.client.create_key(f"{stem}-{i}", "EC")
        mine = [key.name for key in self.client.list_properties_of_keys() if key.name.startswith(stem)]
        self.assertEqual(mine, [f"{stem}-{i}" for i in range(4)])
        pages = [list(page) for page in self.client.list_properties_of_keys(max_page_size=2).by_page()]
        self.assertTrue(all(len(page) <= 2 for page in pages))
        self.assertEqual([k.name for page in pages for k in page if k.name.startswith(stem)], mine)
        paged = self.client.list_properties_of_keys(max_page_size=1).by_page()
        first = list(next(paged))
        rest = self.client.list_properties_of_keys(max_page_size=1).by_page(paged.continuation_token)
        self.assertNotEqual(list(next(rest))[0].name, first[0].name)

    def test_versions(self):
        name = fresh("versions")
        made = {self.client.create_key(name, "EC").properties.version for _ in range(3)}
        listed = [key.version for key in self.client.list_properties_of_key_versions(name)]
        self.assertEqual(listed, sorted(made))
        self.assertEqual(list(self.client.list_properties_of_key_versions(fresh("missing"))), [])

    def test_update(self):
        name = fresh("update")
        first = self.client.create_key(name, "RSA")
        second = self.client.create_key(name, "RSA")
        expires_on = datetime(2040, 1, 1, tzinfo=timezone.utc)
        latest = self.client.update_key_properties(name, expires_on=expires_on, tags={"a": "b"})
        self.assertEqual((latest.id, latest.properties.expires_on), (second.id, expires_on))
        older = self.client.update_key_properties(
            name, first.properties.version, enabled=False, key_operations=["decrypt"]
        )
        self.assertEqual((older.id, older.properties.enabled, older.key_operations), (first.id, False, ["decrypt"]))
        self.refused(404, "KeyNotFound", self.client.update_key_properties, fresh("missing"), enabled=True)

    def test_random_bytes(self):
        self.assertEqual(len(self.client.get_random_bytes(count=32)), 32)
        self.refused(400, "BadParameter", self.client.get_random_bytes, 129)

    def test_older_api_versions(self):
        name = fresh("api-version")
        self.client.create_key(name, "EC")
        for version in ApiVersion:
            client = KeyClient(VAULT, OWNER, api_version=version, **OPTIONS)
            self.assertEqual(client.get_key(name).name, name, version)


class Life(HubTest):
    def test_delete_recover_purge(self):
        name = fresh("life")
        key = self.client.create_key(name, "EC")
        deleted = self.delete(name)
        self.assertEqual(deleted.recovery_id, f"{VAULT}/deletedkeys/{name}")
        retention = deleted.scheduled_purge_date - deleted.deleted_date
        self.assertEqual(retention, timedelta(days=deleted.properties.recoverable_days))
        self.refused(404, "KeyNotFound", self.client.get_key, name)
        self.refused(409, "Conflict", self.client.create_key, name, "EC", inner="ObjectIsDeletedButRecoverable")
        self.assertEqual(self.client.get_deleted_key(name).id, key.id)
        self.assertIn(name, [key.name for key in self.client.list_deleted_keys()])
        poller = self.client.begin_recover_deleted_key(name)
        poller.wait()
        self.assertEqual(poller.result().id, key.id)
        self.assertEqual(self.client.get_key(name).id, key.id)
        self.delete(name)
        self.client.purge_deleted_key(name)
        self.refused(404, "KeyNotFound", self.client.get_deleted_key, name, message="Deleted Key not found")

    def test_missing(self):
        name = fresh("missing")
        self.refused(404, "KeyNotFound", self.client.begin_delete_key, name)
        self.refused(404, "KeyNotFound", self.client.purge_deleted_key, name)
        self.refused(404, "KeyNotFound", self.client.begin_recover_deleted_key, name)
        self.refused(404, "KeyNotFound", self.client.backup_key, name)
        self.refused(404, "KeyNotFound", self.client.rotate_key, name)

    def test_backup(self):
        name = fresh("backup")
        self.client.create_key(name, "EC")
        key = self.client.create_key(name, "EC")
        blob = self.client.backup_key(name)
        self.refused(409, "Conflict", self.client.restore_key_backup, blob)
        self.delete(name)
        self.client.purge_deleted_key(name)
        self.assertEqual(self.client.restore_key_backup(blob).id, key.id)
        self.assertEqual(len(list(self.client.list_properties_of_key_versions(name))), 2)
        self.refused(400, "Malformed backup blob", self.client.restore_key_backup, blob[:-1])
        self.refused(400, "Malformed backup blob", self.client.restore_key_backup, b"backup")

    def test_rotation(self):
        name = fresh("rotation")
        key = self.client.create_rsa_key(name)
        self.assertNotEqual(self.client.rotate_key(name).properties.version, key.properties.version)
        action = KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_after_create="P2M")
        policy = self.client.update_key_rotation_policy(
            name, KeyRotationPolicy(lifetime_actions=[action]), expires_in="P90D"
        )
        self.assertEqual(policy.expires_in, "P90D")
        read = self.client.get_key_rotation_policy(name)
        rotate = [one for one in read.lifetime_actions if one.action == KeyRotationPolicyAction.rotate]
        self.assertEqual([one.time_after_create for one in rotate], ["P2M"])
        properties = self.client.rotate_key(name).properties
        self.assertEqual(properties.expires_on - properties.created_on, timedelta(days=90))

    def test_release_is_refused(self):
        name = fresh("release")
        policy = KeyReleasePolicy(
            b'{"version":"1.0.0","anyOf":[{"authority":"https://attest.example",'
            b'"allOf":[{"claim":"sdk-test","equals":"true"}]}]}'
        )
        key = self.client.create_rsa_key(name, hardware_protected=True, exportable=True, release_policy=policy)
        self.assertTrue(key.properties.exportable)
        self.assertEqual(key.properties.release_policy.encoded_policy, policy.encoded_policy)
        self.refused(403, "Forbidden", self.client.release_key, name, "not an attestation", inner="AccessDenied")
        self.refused(400, "BadParameter", self.client.create_rsa_key, fresh("release"), exportable=True)


if __name__ == "__main__":
    unittest.main()
