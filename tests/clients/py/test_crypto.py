"""CryptographyClient with every algorithm, checked against python3-cryptography in both directions."""
import hashlib
import os
import unittest
from datetime import datetime, timezone

from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from hub import HubTest, crypto_client, fresh

HASH = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVE = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1(), "P-256K": ec.SECP256K1()}


def oaep(digest):
    return padding.OAEP(padding.MGF1(digest), digest, None)


PADDING = {"RSA1_5": padding.PKCS1v15(), "RSA-OAEP": oaep(hashes.SHA1()), "RSA-OAEP-256": oaep(hashes.SHA256())}


def number(value):
    return int.from_bytes(value, "big")


def public_key(key):
    if key.key.n:
        return rsa.RSAPublicNumbers(number(key.key.e), number(key.key.n)).public_key()
    return ec.EllipticCurvePublicNumbers(number(key.key.x), number(key.key.y), CURVE[key.key.crv]).public_key()


def hash_of(algorithm):
    return HASH[algorithm[2:5]]


def digest_of(algorithm, data):
    return hashlib.new(hash_of(algorithm).name, data).digest()


def verifies(key, algorithm, digest, signature):
    """Whether the signature is one of key's, for python3-cryptography."""
    prehashed = utils.Prehashed(hash_of(algorithm))
    try:
        if algorithm.startswith("ES"):
            half = len(signature) // 2
            der = utils.encode_dss_signature(number(signature[:half]), number(signature[half:]))
            public_key(key).verify(der, digest, ec.ECDSA(prehashed))
        elif algorithm.startswith("PS"):
            pss = padding.PSS(padding.MGF1(hash_of(algorithm)), hash_of(algorithm).digest_size)
            public_key(key).verify(signature, digest, pss, prehashed)
        else:
            public_key(key).verify(signature, digest, padding.PKCS1v15(), prehashed)
        return True
    except InvalidSignature:
        return False


class Rsa(HubTest):
    @classmethod
    def setUpClass(cls):
        cls.key = cls.client.create_rsa_key(fresh("crypto-rsa"))
        cls.crypto = crypto_client(cls.key)

    def test_encrypt_and_wrap(self):
        # The SDK encrypts and wraps itself when it has the public key and the algorithm is one of its enum.
        for name, pad in PADDING.items():
            with self.subTest(name):
                plain = os.urandom(32)
                encryption, wrapping = EncryptionAlgorithm(name), KeyWrapAlgorithm(name)
                encrypted = self.crypto.encrypt(encryption, plain)
                self.assertEqual(self.crypto.decrypt(encryption, encrypted.ciphertext).plaintext, plain)
                wrapped = self.crypto.wrap_key(wrapping, plain)
                self.assertEqual(self.crypto.unwrap_key(wrapping, wrapped.encrypted_key).key, plain)
                outside = public_key(self.key).encrypt(plain, pad)
                self.assertEqual(self.crypto.decrypt(encryption, outside).plaintext, plain)

    def test_sign_and_verify(self):
        for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
            with self.subTest(algorithm):
                digest = digest_of(algorithm, b"data")
                signature = self.crypto.sign(algorithm, digest).signature
                self.assertTrue(verifies(self.key, algorithm, digest, signature))
                verify = self.crypto.verify
                self.assertTrue(verify(SignatureAlgorithm(algorithm), digest, signature).is_valid)
                other = digest_of(algorithm, b"other")
                self.assertFalse(verify(SignatureAlgorithm(algorithm), other, signature).is_valid)

    def test_refusals(self):
        self.refused(400, "BadParameter", self.crypto.sign, "RS256", b"x" * 10, message="requires 32 bytes")
        self.refused(400, "BadParameter", self.crypto.sign, "ES256", b"x" * 32)
        self.refused(400, "BadParameter", self.crypto.decrypt, "RSA-OAEP", os.urandom(100))

    def test_local_only(self):
        jwk = JsonWebKey(kty="RSA", n=self.key.key.n, e=self.key.key.e, key_ops=["encrypt", "wrapKey", "verify"])
        local = CryptographyClient.from_jwk(jwk)
        algorithm = EncryptionAlgorithm.rsa_oaep
        encrypted = local.encrypt(algorithm, b"plain").ciphertext
        self.assertEqual(self.crypto.decrypt(algorithm, encrypted).plaintext, b"plain")
        digest = digest_of("PS256", b"data")
        signature = self.crypto.sign("PS256", digest).signature
        self.assertTrue(local.verify(SignatureAlgorithm.ps256, digest, signature).is_valid)
        with self.assertRaises(NotImplementedError):
            local.decrypt(algorithm, encrypted)


class Ec(HubTest):
    def test_sign_and_verify(self):
        for curve, algorithm in (("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("P-256K", "ES256K")):
            with self.subTest(curve):
                key = self.client.create_ec_key(fresh("crypto-ec"), curve=curve)
                crypto = crypto_client(key.id)
                digest = digest_of(algorithm, b"data")
                signature = crypto.sign(algorithm, digest).signature
                self.assertTrue(verifies(key, algorithm, digest, signature))
                verify = crypto.verify
                self.assertTrue(verify(SignatureAlgorithm(algorithm), digest, signature).is_valid)
                other = digest_of(algorithm, b"other")
                self.assertFalse(verify(SignatureAlgorithm(algorithm), other, signature).is_valid)


class Oct(HubTest):
    def imported(self, size, operations):
        k = os.urandom(size // 8)
        key = self.client.import_key(fresh("crypto-oct"), JsonWebKey(kty="oct", k=k, key_ops=operations))
        return k, crypto_client(key)

    def test_gcm(self):
        for size in (128, 192, 256):
            algorithm = f"A{size}GCM"
            k, crypto = self.imported(size, ["encrypt", "decrypt"])
            sealed = crypto.encrypt(algorithm, b"plain", additional_authenticated_data=b"aad")
            opened = AESGCM(k).decrypt(sealed.iv, sealed.ciphertext + sealed.tag, b"aad")
            self.assertEqual(opened, b"plain")
            parts = {"iv": sealed.iv, "authentication_tag": sealed.tag}
            decrypt = crypto.decrypt
            answer = decrypt(algorithm, sealed.ciphertext, additional_authenticated_data=b"aad", **parts)
            self.assertEqual(answer.plaintext, b"plain")
            self.refused(400, "BadParameter", decrypt, algorithm, sealed.ciphertext, **parts)

    def test_cbc(self):
        for size in (128, 192, 256):
            k, crypto = self.imported(size, ["encrypt", "decrypt"])
            iv = os.urandom(16)
            plain = os.urandom(32)
            encrypted = crypto.encrypt(f"A{size}CBC", plain, iv=iv).ciphertext
            encryptor = Cipher(algorithms.AES(k), modes.CBC(iv)).encryptor()
            self.assertEqual(encrypted, encryptor.update(plain) + encryptor.finalize())
            self.assertEqual(crypto.decrypt(f"A{size}CBC", encrypted, iv=iv).plaintext, plain)
            padded = crypto.encrypt(f"A{size}CBCPAD", b"five!", iv=iv).ciphertext
            self.assertEqual(crypto.decrypt(f"A{size}CBCPAD", padded, iv=iv).plaintext, b"five!")

    def test_key_wrap(self):
        for size in (128, 192, 256):
            k, crypto = self.imported(size, ["wrapKey", "unwrapKey"])
            secret = os.urandom(32)
            wrapped = crypto.wrap_key(f"A{size}KW", secret).encrypted_key
            self.assertEqual(wrapped, aes_key_wrap(k, secret))
            self.assertEqual(crypto.unwrap_key(f"A{size}KW", wrapped).key, secret)
            self.refused(400, "BadParameter", crypto.unwrap_key, f"A{size}KW", b"\0" * 40)


class Semantics(HubTest):
    def test_key_ops(self):
        key = self.client.create_rsa_key(fresh("crypto-ops"), key_operations=["sign"])
        self.refused(
            403, "Forbidden", crypto_client(key).unwrap_key, "RSA-OAEP", os.urandom(256),
            inner="KeyOperationForbidden", message="Operation unwrapKey is not permitted on this key.",
        )

    def test_disabled(self):
        key = self.client.create_ec_key(fresh("crypto-disabled"), enabled=False)
        self.refused(
            403, "Forbidden", crypto_client(key).sign, "ES256", os.urandom(32),
            inner="KeyDisabled", message="Operation sign is not allowed on a disabled key.",
        )

    def test_expired(self):
        key = self.client.create_ec_key(fresh("crypto-expired"), expires_on=datetime(2020, 1, 1, tzinfo=timezone.utc))
        self.refused(403, "Forbidden", crypto_client(key).sign, "ES256", os.urandom(32))


if __name__ == "__main__":
    unittest.main()
