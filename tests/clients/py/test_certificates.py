"""Every method of CertificateClient."""
import base64
import subprocess
import tempfile
import unittest
from datetime import datetime, timezone
from pathlib import Path

from azure.keyvault.certificates import (
    AdministratorContact, CertificateContact, CertificateContentType, CertificatePolicy, CertificatePolicyAction,
    LifetimeAction, WellKnownIssuerNames,
)

from hub import VAULT, HubTest, certificate_client, fresh, key_client, secret_client

CURVE = {"key_type": "EC", "key_curve_name": "P-256"}
SELF, UNKNOWN = WellKnownIssuerNames.self, WellKnownIssuerNames.unknown


def policy(issuer=SELF, **options):
    return CertificatePolicy(issuer, **{"subject": "CN=py", **CURVE, **options})


class CertificateTest(HubTest):
    client = certificate_client()
    keys, secrets = key_client(), secret_client()

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = Path(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def openssl(self, *args, **options):
        return subprocess.run(["openssl", *args], cwd=self.path, check=True, capture_output=True, **options).stdout

    def self_signed(self, name):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                     "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")

    def create(self, name, how=None, **options):
        poller = self.client.begin_create_certificate(name, how or policy(), **options)
        return poller.result()

    def delete(self, name):
        poller = self.client.begin_delete_certificate(name)
        poller.wait()
        return poller.result()


class Create(CertificateTest):
    def test_defaults(self):
        name = fresh("Default")
        made = self.create(name, CertificatePolicy(SELF, subject="CN=py"), tags={"a": "b"})
        self.assertEqual((made.name, made.properties.vault_url), (name, VAULT))
        self.assertEqual(made.properties.tags, {"a": "b"})
        self.assertTrue(made.properties.enabled)
        self.assertEqual(made.key_id, f"{VAULT}/keys/{name}/{made.properties.version}")
        self.assertEqual(made.secret_id, f"{VAULT}/secrets/{name}/{made.properties.version}")
        found = made.policy
        self.assertEqual((found.key_type, found.key_size, found.exportable, found.reuse_key), ("RSA", 2048, True, False))
        self.assertEqual((found.content_type, found.validity_in_months), ("application/x-pkcs12", 12))
        self.assertEqual(found.key_usage, ["digitalSignature", "keyEncipherment"])
        self.assertEqual(found.enhanced_key_usage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"])
        action = found.lifetime_actions[0]
        self.assertEqual((action.action, action.lifetime_percentage), (CertificatePolicyAction.auto_renew, 80))
        text = self.openssl("x509", "-inform", "DER", "-noout", "-subject", "-fingerprint", input=bytes(made.cer)).decode()
        self.assertIn("CN = py", text)
        self.assertIn(bytes(made.properties.x509_thumbprint).hex().upper(), text.replace(":", ""))
        operation = self.client.get_certificate_operation(name)
        self.assertEqual((operation.status, operation.issuer_name, operation.error), ("completed", "Self", None))

    def test_options(self):
        name = fresh("options")
        options = {
            "san_dns_names": ["a.example"], "san_emails": ["me@a.example"], "san_user_principal_names": ["me@corp"],
            "exportable": False, "reuse_key": True, "content_type": CertificateContentType.pem,
            "validity_in_months": 4, "key_usage": ["digitalSignature"], "enhanced_key_usage": ["1.3.6.1.5.5.7.3.2"],
        }
        actions = [LifetimeAction(CertificatePolicyAction.email_contacts, days_before_expiry=30)]
        made = self.create(name, policy(lifetime_actions=actions, **options), enabled=False)
        for option, expected in options.items():
            self.assertEqual(getattr(made.policy, option), expected, option)
        self.assertEqual(made.policy.lifetime_actions[0].days_before_expiry, 30)
        self.assertFalse(made.properties.enabled)
        expires = made.properties.expires_on - datetime.now(timezone.utc)
        self.assertTrue(118 <= expires.days <= 123, expires)

    def test_refused(self):
        for wrong in ({"key_type": "oct"}, {"key_size": 512, "key_type": "RSA", "key_curve_name": None},
                      {"validity_in_months": 0}, {"subject": "nonsense"}, {"content_type": "text/plain"},
                      {"key_type": "EC-HSM", "exportable": True}):
            self.refused(400, "BadParameter", self.client.begin_create_certificate, fresh("bad"), policy(**wrong))
        self.refused(400, "BadParameter", self.client.begin_create_certificate, "under_score", policy(),
                     message="invalid name")
        self.refused(404, "CertificateIssuerNotFound", self.client.begin_create_certificate, fresh("bad"),
                     policy("nobody"))


class Read(CertificateTest):
    def test_versions(self):
        name = fresh("versions")
        first, second = self.create(name), self.create(name)
        self.assertEqual(self.client.get_certificate(name).id, second.id)
        older = self.client.get_certificate_version(name, first.properties.version)
        self.assertEqual(bytes(older.cer), bytes(first.cer))
        versions = [one.version for one in self.client.list_properties_of_certificate_versions(name)]
        self.assertEqual(versions, sorted([first.properties.version, second.properties.version]))
        listed = [one for one in self.client.list_properties_of_certificates() if one.name == name]
        self.assertEqual(len(listed), 1)
        self.assertEqual(listed[0].x509_thumbprint, second.properties.x509_thumbprint)
        self.refused(404, "CertificateNotFound", self.client.get_certificate, fresh("missing"),
                     message="A certificate with (name/id)")

    def test_behind_it(self):
        name = fresh("behind")
        made = self.create(name)
        key = self.keys.get_key(name)
        self.assertEqual((key.id, key.properties.managed), (made.key_id, True))
        self.assertEqual(key.key_operations, ["sign", "verify"])
        secret = self.secrets.get_secret(name)
        self.assertEqual((secret.id, secret.properties.key_id), (made.secret_id, made.key_id))
        self.assertEqual(secret.properties.content_type, "application/x-pkcs12")
        (self.path / "secret.p12").write_bytes(base64.b64decode(secret.value))
        text = self.openssl("pkcs12", "-in", "secret.p12", "-passin", "pass:", "-nodes")
        self.assertIn(b"PRIVATE KEY", text)
        self.refused(403, "Forbidden", self.secrets.begin_delete_secret, name, inner="SecretManagedByKeyVault")

    def test_update(self):
        name = fresh("update")
        made = self.create(name)
        updated = self.client.update_certificate_properties(name, made.properties.version, tags={"x": "y"}, enabled=False)
        self.assertEqual((updated.properties.tags, updated.properties.enabled), ({"x": "y"}, False))
        changed = self.client.update_certificate_policy(name, policy(subject="CN=other", validity_in_months=6))
        self.assertEqual((changed.subject, changed.validity_in_months), ("CN=other", 6))
        self.assertEqual(self.client.get_certificate_policy(name).subject, "CN=other")


class Merge(CertificateTest):
    def test_merge(self):
        name = fresh("merge")
        self.create(name, policy(UNKNOWN))
        operation = self.client.get_certificate_operation(name)
        self.assertEqual((operation.status, operation.cancellation_requested), ("inProgress", False))
        self.self_signed("ca")
        (self.path / "csr.der").write_bytes(bytes(operation.csr))
        self.openssl("x509", "-req", "-inform", "DER", "-in", "csr.der", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "5", "-outform", "DER", "-out", "signed.der")
        signed = (self.path / "signed.der").read_bytes()
        ca = self.openssl("x509", "-in", "ca.pem", "-outform", "DER")
        merged = self.client.merge_certificate(name, [ca, signed], tags={"a": "b"})
        self.assertEqual((bytes(merged.cer), merged.properties.tags), (signed, {"a": "b"}))
        self.assertEqual(self.client.get_certificate_operation(name).status, "completed")
        self.refused(409, "Conflict", self.client.merge_certificate, name, [signed])

    def test_cancel_and_forget(self):
        name = fresh("cancel")
        self.create(name, policy(UNKNOWN))
        cancelled = self.client.cancel_certificate_operation(name)
        self.assertTrue(cancelled.cancellation_requested)
        self.assertEqual(self.client.delete_certificate_operation(name).status, "inProgress")
        self.refused(404, "PendingCertificateNotFound", self.client.get_certificate_operation, name)


class Import(CertificateTest):
    def test_forms(self):
        self.self_signed("own")
        self.openssl("pkcs12", "-export", "-in", "own.pem", "-inkey", "own.key", "-out", "own.p12", "-passout", "pass:x")
        der = self.openssl("x509", "-in", "own.pem", "-outform", "DER")
        text = (self.path / "own.key").read_bytes() + (self.path / "own.pem").read_bytes()
        pem = CertificatePolicy(content_type=CertificateContentType.pem)
        for content, options, content_type in (
            (text, {"policy": pem}, "application/x-pem-file"),
            ((self.path / "own.p12").read_bytes(), {"password": "x"}, "application/x-pkcs12"),
        ):
            name = fresh("import")
            made = self.client.import_certificate(name, content, enabled=True, **options)
            self.assertEqual(bytes(made.cer), der)
            self.assertEqual((made.policy.content_type, made.policy.issuer_name), (content_type, "Unknown"))
            self.assertEqual(made.policy.subject, "CN=own")
        self.refused(400, "BadParameter", self.client.import_certificate, fresh("bad"), content, password="y",
                     message="password")
        self.refused(400, "BadParameter", self.client.import_certificate, fresh("bad"), b"nonsense")


class Life(CertificateTest):
    def test_delete_recover_purge(self):
        name = fresh("delete")
        made = self.create(name)
        deleted = self.delete(name)
        self.assertEqual((deleted.id, deleted.recovery_id), (made.id, f"{VAULT}/deletedcertificates/{name}"))
        self.assertEqual((deleted.scheduled_purge_date - deleted.deleted_on).days, 90)
        self.assertIn(name, [one.name for one in self.client.list_deleted_certificates()])
        self.refused(409, "Conflict", self.client.begin_create_certificate, name, policy(),
                     inner="ObjectIsDeletedButRecoverable")
        poller = self.client.begin_recover_deleted_certificate(name)
        poller.wait()
        self.assertEqual(poller.result().id, made.id)
        self.delete(name)
        self.client.purge_deleted_certificate(name)
        self.refused(404, "CertificateNotFound", self.client.get_deleted_certificate, name,
                     message=f"Deleted Certificate not found: {name}")

    def test_backup_restore(self):
        name = fresh("backup")
        made = self.create(name)
        backup = self.client.backup_certificate(name)
        self.refused(409, "Conflict", self.client.restore_certificate_backup, backup)
        self.delete(name)
        self.client.purge_deleted_certificate(name)
        self.assertEqual(self.client.restore_certificate_backup(backup).id, made.id)
        self.assertEqual(self.keys.get_key(name).id, made.key_id)
        self.refused(400, "Malformed backup blob", self.client.restore_certificate_backup, b"x" * 1000)


class Beside(CertificateTest):
    def test_issuers(self):
        name = fresh("issuer")
        admin = AdministratorContact(first_name="John", last_name="Doe", email="a@b.com", phone="42")
        self.client.create_issuer(name, "Test", account_id="me", password="hush", admin_contacts=[admin], enabled=True)
        found = self.client.get_issuer(name)
        self.assertEqual((found.provider, found.account_id, found.password), ("Test", "me", None))
        self.assertEqual((found.admin_contacts[0].first_name, found.admin_contacts[0].phone), ("John", "42"))
        updated = self.client.update_issuer(name, account_id="you", enabled=False)
        self.assertEqual((updated.account_id, updated.enabled, updated.admin_contacts[0].email), ("you", False, "a@b.com"))
        self.assertIn(found.id, [one.id for one in self.client.list_properties_of_issuers()])
        self.assertEqual(self.client.delete_issuer(name).id, found.id)
        self.refused(404, "CertificateIssuerNotFound", self.client.get_issuer, name, message="Issuer not found")

    def test_contacts(self):
        self.refused(404, "ContactsNotFound", self.client.get_contacts)
        contacts = [CertificateContact(email="a@a.com", name="a", phone="1"), CertificateContact(email="b@b.com")]
        plain = [(one.email, one.name, one.phone) for one in contacts]
        for found in (self.client.set_contacts(contacts), self.client.get_contacts(), self.client.delete_contacts()):
            self.assertEqual([(one.email, one.name, one.phone) for one in found], plain)
        self.refused(404, "ContactsNotFound", self.client.delete_contacts)


if __name__ == "__main__":
    unittest.main()
