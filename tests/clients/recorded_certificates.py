#!/usr/bin/python3
"""What recorded.py does, for certificates: answers of the real service against a hub, by status, error, fields in
order, and headers. Run by tests/with-hub -- tests/clients/recorded_certificates.py
"""
import re
import secrets
import urllib.parse

from exchange import VAULT, call, check, common_headers, fields, finish

RUN = secrets.token_hex(4)
THERE, DEAD, MISSING, OPEN = (f"recorded-{what}-{RUN}" for what in ("there", "dead", "missing", "open"))
ISSUER = f"recorded-issuer-{RUN}"
HOST = f"https://{VAULT.netloc}"
NOT_FOUND = (
    "A certificate with (name/id) {name} was not found in this key vault. If you recently deleted this certificate you "
    "may be able to recover it using the correct recovery command. For help resolving this issue, please see "
    "https://go.microsoft.com/fwlink/?linkid=2125182"
)
CONFLICT = (
    "There was a conflict restoring the certificate '{id}'. This can happen if either: a second certificate with the "
    "same name was created after the first certificate was deleted; thus trying to restore a certificate whose name is "
    "already in use. To fix this, rename the second certificate to something else so that the restore works. The second "
    "probable cause of this exception is when multiple operations are performed in parallel against the certificate. To "
    "avoid this error, perform operations against a certificate in a sequential manner."
)
ASKED = {"policy": {"key_props": {}, "secret_props": {}, "x509_props": {"subject": "cn=MyCert", "sans": {}},
                    "issuer": {"name": "Self"}, "attributes": {}}, "attributes": {}}
POLICY = {
    "key_props": {"exportable": True, "kty": "RSA", "key_size": 2048, "reuse_key": False},
    "secret_props": {"contentType": "application/x-pkcs12"},
    "x509_props": {
        "subject": "cn=MyCert", "sans": {}, "ekus": ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
        "key_usage": ["digitalSignature", "keyEncipherment"], "validity_months": 12, "basic_constraints": {"ca": False},
    },
    "lifetime_actions": [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "AutoRenew"}}],
    "issuer": {"name": "Self"},
}
ATTRIBUTES = ["enabled", "nbf", "exp", "created", "updated", "recoveryLevel", "recoverableDays"]
OPERATION = ["id", "issuer", "csr", "cancellation_requested", "status", "status_details", "request_id"]
DONE = ["id", "issuer", "csr", "cancellation_requested", "status", "target", "request_id"]
DETAILS = ("Pending certificate created. Certificate request is in progress. This may take some time based on the issuer "
           "provider. Please check again later.")
DELETED = ["recoveryId", "deletedDate", "scheduledPurgeDate"]
ISSUED, PENDING = ["id", "kid", "sid", "x5t", "cer", "attributes"], ["id", "attributes"]
ORG = {"zip": 0, "admin_details": [{
    "first_name": "John", "last_name": "Doe", "email": "admin@microsoft.com", "phone": "4255555555"}]}
CONTACTS = [{"email": "a@a.com", "name": "a", "phone": "111111111111"},
            {"email": "b@b.com", "name": "b", "phone": "222222222222"}]


def ordered(what, found, expected):
    """Equal, and in the same order, at every depth."""
    check(what, found, expected)
    if isinstance(expected, dict) and isinstance(found, dict):
        check(f"{what}: order", list(found), list(expected))
        for name, value in expected.items():
            ordered(f"{what}: {name}", found.get(name), value)


def create(name, issuer="Self"):
    asked = {**ASKED, "policy": {**ASKED["policy"], "issuer": {"name": issuer}, "key_props": {"kty": "EC"}}}
    status, _, made = call("POST", f"/certificates/{name}/create", asked)
    assert status == 202, made
    return call("GET", f"/certificates/{name}")[2]


def delete(name):
    assert call("DELETE", f"/certificates/{name}")[0] == 200


def policy(what, name, found, expected):
    attributes = found["attributes"]
    fields(f"{what}: attributes", attributes, ["enabled", "created", "updated"])
    ordered(what, {**found, "attributes": None},
            {"id": f"{HOST}/certificates/{name}/policy", **expected, "attributes": None})


def bundle(what, found, members=ISSUED, before=(), tags=False, whole=True, pending=True):
    name = found["id"].split("/")[4]
    fields(what, found, [*before, *members, *(["tags"] if tags else []), *(["policy"] if whole else []),
                         *(["pending"] if pending else [])])
    fields(f"{what}: attributes", found["attributes"], ATTRIBUTES)
    if pending:
        check(f"{what}: pending", found["pending"], {"id": f"{HOST}/certificates/{name}/pending"})
    if members is ISSUED:
        version = found["id"].split("/")[5]
        check(f"{what}: kid, sid", [found["kid"], found["sid"]],
              [f"{HOST}/{kind}/{name}/{version}" for kind in ("keys", "secrets")])


def creating():
    name, request = f"Recorded-ok-{RUN}", "11111111-2222-4333-8444-555555555555"
    status, headers, made = call("POST", f"/certificates/{name}/create", ASKED, headers={"x-ms-client-request-id": request})
    check("create", status, 202)
    common_headers("create", headers, request)
    check("create: retry-after", headers.get("retry-after"), "0")
    location = f"{HOST}/certificates/{name}/pending?api-version=7.4&request_id={made['request_id']}"
    check("create: location", headers.get("location"), location)
    fields("create", made, OPERATION)
    check("create: values", {key: made[key] for key in OPERATION if key not in ("csr", "request_id")}, {
        "id": f"{HOST}/certificates/{name}/pending", "issuer": {"name": "Self"}, "cancellation_requested": False,
        "status": "inProgress", "status_details": DETAILS,
    })
    check("create: csr", made["csr"][:3], "MII")
    status, _, done = call("GET", f"/certificates/{name}/pending")
    check("pending", (status, done["status"], done["target"]), (200, "completed", f"{HOST}/certificates/{name}"))
    fields("pending", done, DONE)
    status, _, found = call("GET", f"/certificates/{name}/")
    check("get", status, 200)
    bundle("get", found)
    policy("get: policy", name, found["policy"], POLICY)
    check("get: times", found["attributes"]["created"] - found["attributes"]["nbf"] >= 600, True)
    path = urllib.parse.urlsplit(found["id"]).path
    version = call("GET", path)[2]
    bundle("get a version", version, whole=False, pending=False)
    check("get a version: the same", {**version, **found}, found)
    status, _, changed = call("PATCH", f"/certificates/{name}/", {"attributes": {"enabled": False}})
    check("update", (status, changed["attributes"]["enabled"]), (200, False))
    bundle("update", changed)
    status, _, changed = call("PATCH", path, {"attributes": {"enabled": False}})
    check("update a version", status, 200)
    bundle("update a version", changed, whole=False)
    status, _, changed = call("PATCH", f"/certificates/{name}/", {"attributes": {}, "tags": {"customTag": "value"}})
    check("update tags", (status, changed["tags"]), (200, {"customTag": "value"}))
    bundle("update tags", changed, tags=True)
    other = {**ASKED["policy"], "x509_props": {"subject": "cn=MyOtherCert", "sans": {}}}
    status, _, changed = call("PATCH", f"/certificates/{name}/policy", other)
    check("update policy", status, 200)
    expected = {**POLICY, "x509_props": {**POLICY["x509_props"], "subject": "cn=MyOtherCert"}}
    policy("update policy", name, changed, expected)
    policy("get policy", name, call("GET", f"/certificates/{name}/policy")[2], expected)


def operations():
    found = call("GET", f"/certificates/{OPEN}/")[2]
    bundle("get, pending", found, PENDING)
    check("get, pending: disabled", found["attributes"]["enabled"], False)
    check("get, pending: nbf", found["attributes"]["nbf"], found["attributes"]["created"] - 600)
    status, _, changed = call("PATCH", f"/certificates/{OPEN}/", {"attributes": {}, "tags": {"customTag": "value"}})
    check("update, pending", status, 200)
    bundle("update, pending", changed, PENDING, tags=True)
    status, _, cancelled = call("PATCH", f"/certificates/{OPEN}/pending", {"cancellation_requested": True})
    check("cancel", (status, cancelled["cancellation_requested"], cancelled["status"]), (200, True, "inProgress"))
    fields("cancel", cancelled, OPERATION)
    check("delete the operation", call("DELETE", f"/certificates/{OPEN}/pending")[::2], (200, cancelled))
    status, _, found = call("GET", f"/certificates/{OPEN}/pending")
    check("no operation", (status, found), (404, {"error": {
        "code": "PendingCertificateNotFound", "message": f"Pending certificate not found: {OPEN}"}}))


def importing():
    """From a certificate's secret, as recorded."""
    status, _, secret = call("GET", f"/secrets/{THERE}/")
    check("secret", status, 200)
    fields("secret", secret, ["value", "contentType", "id", "managed", "attributes", "kid"])
    check("secret: managed", (secret["managed"], secret["kid"]), (True, there["kid"]))
    name = f"recorded-import-{RUN}"
    status, _, made = call("POST", f"/certificates/{name}/import", {"value": secret["value"]})
    check("import", (status, made["cer"], made["x5t"]), (200, there["cer"], there["x5t"]))
    bundle("import", made, pending=False)
    expected = {
        **POLICY, "key_props": {"exportable": True, "kty": "EC", "reuse_key": False, "crv": "P-256"},
        "x509_props": {"subject": "CN=MyCert", "ekus": POLICY["x509_props"]["ekus"], "key_usage": ["digitalSignature"],
                       "validity_months": 12, "basic_constraints": {"ca": False}},
        "lifetime_actions": [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "EmailContacts"}}],
        "issuer": {"name": "Unknown"},
    }
    policy("import: policy", name, made["policy"], expected)


def beside():
    path = f"/certificates/issuers/{ISSUER}"
    asked = {"provider": "Test", "credentials": {"account_id": "keyvaultuser"},
             "org_details": {"admin_details": ORG["admin_details"]}}
    expected = {"id": HOST + path, "provider": "Test", "credentials": {"account_id": "keyvaultuser"}, "org_details": ORG}
    for what, answer in {
        "set issuer": call("PUT", path, asked), "get issuer": call("GET", path),
        "update issuer": call("PATCH", path, {"credentials": {"account_id": "keyvaultuser2"}}),
        "delete issuer": call("DELETE", path),
    }.items():
        check(what, answer[0], 200)
        attributes = answer[2].pop("attributes")
        fields(f"{what}: attributes", attributes, ["enabled", "created", "updated"])
        if what == "update issuer":
            expected["credentials"] = {"account_id": "keyvaultuser2"}
        ordered(what, answer[2], expected)
    expected = {"id": f"{HOST}/certificates/contacts", "contacts": CONTACTS}
    for method, body in ("PUT", {"contacts": CONTACTS}), ("GET", None), ("DELETE", None):
        status, _, found = call(method, "/certificates/contacts", body)
        check(f"{method} contacts", status, 200)
        ordered(f"{method} contacts", found, expected)


def lists():
    listed = call("GET", "/certificates?includePending=true")[2]
    fields("list", listed, ["value", "nextLink"])
    item = next(one for one in listed["value"] if one["id"].endswith(f"/{THERE}"))
    fields("list: item", item, ["id", "x5t", "attributes", "subject"])
    fields("list: item attributes", item["attributes"], ATTRIBUTES[:5])
    names = [one["id"].rsplit("/", 1)[1].lower() for one in listed["value"]]
    check("list: order", names, sorted(names))
    versions = call("GET", f"/certificates/{THERE}/versions")[2]
    fields("versions: item", versions["value"][0], ["id", "x5t", "attributes", "subject"])
    check("versions", ([one["id"] for one in versions["value"]], versions["nextLink"]), ([there["id"]], None))
    empty = {"value": [], "nextLink": None}
    check("versions of a missing certificate", call("GET", f"/certificates/{MISSING}/versions")[::2], (200, empty))


def life():
    status, _, found = call("DELETE", f"/certificates/{THERE}")
    check("delete", status, 200)
    bundle("delete", found, before=DELETED)
    check("get deleted", call("GET", f"/deletedcertificates/{THERE}")[::2], (200, found))
    listed = call("GET", "/deletedcertificates?includePending=true")[2]
    item = next(one for one in listed["value"] if one["recoveryId"].endswith(f"/{THERE}"))
    fields("list deleted: item", item, [*DELETED, "id", "x5t", "attributes"])
    fields("list deleted: item attributes", item["attributes"], ATTRIBUTES)
    status, _, found = call("POST", f"/deletedcertificates/{THERE}/recover")
    check("recover", status, 200)
    bundle("recover", found)
    fields("backup", backup, ["value"])
    delete(THERE)
    check("purge", call("DELETE", f"/deletedcertificates/{THERE}")[::2], (204, None))
    status, _, found = call("POST", "/certificates/restore", backup)
    check("restore", (status, found["id"]), (200, there["id"]))
    bundle("restore", found, pending="pending" in found)


def errors():
    not_found = "CertificateNotFound"
    for method, path, body, status, code, inner, message in [
        ("GET", f"/certificates/{MISSING}/", None, 404, not_found, None, NOT_FOUND.format(name=MISSING)),
        ("GET", f"/certificates/{THERE}/{'0' * 32}", None, 404, not_found, None,
         NOT_FOUND.format(name=f"{THERE}/versions/{'0' * 32}")),
        ("DELETE", f"/certificates/{MISSING}", None, 404, not_found, None, NOT_FOUND.format(name=MISSING)),
        ("GET", f"/certificates/{DEAD}/", None, 404, not_found, None, NOT_FOUND.format(name=DEAD)),
        ("GET", f"/deletedcertificates/{MISSING}", None, 404, not_found, None,
         f"Deleted Certificate not found: {MISSING}"),
        ("POST", f"/deletedcertificates/{MISSING}/recover", None, 404, not_found, None, NOT_FOUND.format(name=MISSING)),
        ("GET", f"/certificates/{MISSING}/policy", None, 404, not_found, None, NOT_FOUND.format(name=MISSING)),
        ("POST", "/certificates//create", ASKED, 405, "MethodNotAllowed", None, "HTTP POST not allowed"),
        ("GET", "/certificates/issuers/nobody", None, 404, "CertificateIssuerNotFound", None, "Issuer not found"),
        ("GET", "/certificates/contacts", None, 404, "ContactsNotFound", None, "Contacts not found"),
        ("POST", "/certificates/restore", {"value": "A" * 6304}, 400, "Malformed backup blob", None,
         "Backup blob contains invalid or corrupt version."),
        ("POST", "/certificates/restore", backup, 409, "Conflict", None, CONFLICT.format(id=there["id"])),
        ("POST", f"/certificates/{DEAD}/create", ASKED, 409, "Conflict", "ObjectIsDeletedButRecoverable",
         f"Certificate {DEAD} is currently in a deleted but recoverable state, and its name cannot be reused; in this "
         "state, the certificate can only be recovered or purged."),
        ("DELETE", f"/keys/{THERE}", None, 403, "Forbidden", "SecretManagedByKeyVault",
         'Operation "delete" is not allowed as this object\'s lifetime is managed by Key Vault.'),
        ("DELETE", f"/secrets/{THERE}", None, 403, "Forbidden", "SecretManagedByKeyVault",
         'Operation "delete" is not allowed as this object\'s lifetime is managed by Key Vault.'),
    ]:
        found_status, _, found = call(method, path, body)
        error = (found or {}).get("error", {})
        check(f"{method} {path}", (found_status, error.get("code"), (error.get("innererror") or {}).get("code"),
                                   re.sub(r" \(Activity ID: [^)]*\)$", "", error.get("message", ""))),
              (status, code, inner, message))
    for method, path in (
        ("DELETE", f"/certificates/{THERE}"), ("GET", "/certificates"), ("GET", f"/certificates/{THERE}/"),
        ("GET", f"/certificates/{THERE}/versions"), ("POST", f"/certificates/{THERE}/create"),
        ("POST", "/certificates//create"), ("POST", "/certificates/restore"), ("PUT", "/certificates/contacts"),
        ("PUT", f"/certificates/issuers/{ISSUER}"), ("POST", f"/certificates/{THERE}/import"),
    ):
        status, headers, found = call(method, path, None if method in ("GET", "DELETE") else "not json", token=None)
        check(f"{method} {path} without a token", (status, found, "www-authenticate" in headers), (401, {
            "error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."}
        }, True))


there = create(THERE)
create(DEAD)
delete(DEAD)
create(OPEN, "Unknown")
backup = call("POST", f"/certificates/{THERE}/backup")[2]
errors()
creating()
operations()
importing()
beside()
lists()
life()
finish()
