#!/usr/bin/python3
"""Answers of the real service, as recorded, against a hub: errors by status, code, inner code and text; successes by
their fields, in order, and their headers. Names are the test's own. Run by tests/with-hub -- tests/clients/recorded.py
"""
import base64
import json
import re
import secrets
import urllib.parse

from exchange import GUID, call, check, common_headers, fields, finish

NOT_FOUND = (
    "A key with (name/id) {name} was not found in this key vault. If you recently deleted this key you may be able to "
    "recover it using the correct recovery command. For help resolving this issue, please see "
    "https://go.microsoft.com/fwlink/?linkid=2125182"
)
CONFLICT = (
    "There was a conflict restoring the key '{id}'. This can happen if either: a second key with the same name was "
    "created after the first key was deleted; thus trying to restore a key whose name is already in use. To fix this, "
    "rename the second key to something else so that the restore works. The second probable cause of this exception is "
    "when multiple operations are performed in parallel against the key. To avoid this error, perform operations "
    "against a key in a sequential manner."
)
SECRET_NOT_FOUND = NOT_FOUND.replace("A key", "A secret").replace("this key you", "this secret you")
SECRET_CONFLICT = re.sub(r"\bkey\b", "secret", CONFLICT)
POLICY, OTHER_POLICY = (
    base64.urlsafe_b64encode(json.dumps({
        "anyOf": [{"allOf": [{"claim": "sdk-test", "equals": value}], "authority": "https://attest.example/"}],
        "version": "1.0.0",
    }).encode()).decode().rstrip("=") for value in ("true", "false")
)
DEFINITIONS = "///providers/Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS = "///providers/Microsoft.Authorization/roleAssignments"
BUILT_IN = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
UNUSED = "b36b00af-89c6-435f-a43d-9a3087015c27"

def key(name, body=None):
    status, _, made = call("POST", f"/keys/{name}/create", body or {"kty": "EC"})
    assert status == 200, made
    return made


def delete(name):
    assert call("DELETE", f"/keys/{name}")[0] == 200


def purge(name):
    delete(name)
    assert call("DELETE", f"/deletedkeys/{name}")[0] == 204


def secret(name, body=None):
    status, _, made = call("PUT", f"/secrets/{name}", body or {"value": "SECRET_VALUE"})
    assert status == 200, made
    return made


def delete_secret(name):
    assert call("DELETE", f"/secrets/{name}")[0] == 200


RUN = secrets.token_hex(4)
THERE, DEAD, MISSING, IMMUTABLE = (f"recorded-{what}-{RUN}" for what in ("there", "dead", "missing", "immutable"))
there = key(THERE)
there_path = urllib.parse.urlsplit(there["key"]["kid"]).path
key(DEAD)
delete(DEAD)
key(IMMUTABLE, {
    "kty": "RSA-HSM", "attributes": {"exportable": True}, "release_policy": {"data": POLICY, "immutable": True}
})
backup = call("POST", f"/keys/{THERE}/backup")[2]
OFF, OFF_DEAD = f"recorded-off-{RUN}", f"recorded-off-dead-{RUN}"
there_secret = secret(THERE)
for name in (OFF, OFF_DEAD):
    secret(name, {"value": "SECRET_VALUE", "attributes": {"enabled": False}})
secret(DEAD)
for name in (DEAD, OFF_DEAD):
    delete_secret(name)
secret_backup = call("POST", f"/secrets/{THERE}/backup")[2]

# Errors: method, path, body, status, code, inner code, message. An activity id at a message's end is not compared.
ERRORS = [
    ("GET", f"/keys/{MISSING}/", None, 404, "KeyNotFound", None, NOT_FOUND.format(name=MISSING)),
    ("GET", f"/keys/{MISSING}", None, 404, "KeyNotFound", None, NOT_FOUND.format(name=MISSING)),
    ("GET", f"/keys/{THERE}/{'0' * 32}", None, 404, "KeyNotFound", None, NOT_FOUND.format(name=f"{THERE}/{'0' * 32}")),
    ("DELETE", f"/keys/{MISSING}", None, 404, "KeyNotFound", None, NOT_FOUND.format(name=MISSING)),
    ("GET", f"/keys/{DEAD}/", None, 404, "KeyNotFound", None, NOT_FOUND.format(name=DEAD)),
    ("GET", f"/deletedkeys/{MISSING}", None, 404, "KeyNotFound", None, f"Deleted Key not found: {MISSING}"),
    ("POST", f"/deletedkeys/{MISSING}/recover", None, 404, "KeyNotFound", None, NOT_FOUND.format(name=MISSING)),
    ("GET", f"/keys/{MISSING}/rotationpolicy", None, 404, "KeyNotFound", None, NOT_FOUND.format(name=MISSING)),
    ("POST", f"/keys/{MISSING}/backup", None, 404, "KeyNotFound", None, NOT_FOUND.format(name=MISSING)),
    ("POST", "/keys//create", {"kty": "RSA"}, 400, "BadParameter", None, "Operation not specified"),
    ("POST", f"/keys/new-{RUN}/create", {"kty": "RSA-HSM", "attributes": {}, "release_policy": {"data": POLICY}}, 400,
     "BadParameter", None, "AKV.SKR.1005: Non-exportable keys must not have release policy."),
    ("POST", f"/keys/new-{RUN}/create", {"kty": "RSA-HSM", "attributes": {"exportable": True}}, 400, "BadParameter",
     None, "AKV.SKR.1004: Exportable keys must have release policy."),
    ("PATCH", f"/keys/{IMMUTABLE}/", {"attributes": {}, "release_policy": {"immutable": True, "data": OTHER_POLICY}},
     400, "BadParameter", None, "AKV.SKR.1020: Immutable Key Release Policy cannot be modified."),
    ("POST", f"/keys/{IMMUTABLE}//release", {"target": "anything"}, 403, "Forbidden", "AccessDenied",
     "Target environment attestation statement cannot be verified."),
    ("POST", "/keys/restore", {"value": "A" * 6304}, 400, "Malformed backup blob", None,
     "Backup blob contains invalid or corrupt version."),
    ("POST", "/keys/restore", backup, 409, "Conflict", None, CONFLICT.format(id=there["key"]["kid"])),
    ("POST", f"/keys/{DEAD}/create", {"kty": "EC"}, 409, "Conflict", "ObjectIsDeletedButRecoverable",
     f"Key {DEAD} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the "
     "key can only be recovered or purged."),
    ("POST", "/rng", {"count": -1}, 400, "BadParameter", None,
     "GetRandomBytesRequest: count cannot be greater than 128 or less than 1"),
    ("POST", "/rng", {"count": 0}, 400, "BadParameter", None,
     "GetRandomBytesRequest: count cannot be greater than 128 or less than 1"),
    ("POST", f"{there_path}/sign", {"alg": "ES256", "value": "AAAAAAAAAAAAAA"}, 400, "BadParameter", None,
     "Invalid length of 'value': 10 bytes. ES256 requires 32 bytes, encoded with base64url."),
    ("POST", f"{there_path}/sign", {"alg": "XX256", "value": "A" * 43}, 400, "BadParameter", None,
     "Property  has invalid value\r\n"),
    ("GET", "/keys/not_a_name", None, 400, "BadParameter", None,
     "The request URI contains an invalid name: not_a_name"),
    ("GET", f"/secrets/{MISSING}/", None, 404, "SecretNotFound", None, SECRET_NOT_FOUND.format(name=MISSING)),
    ("GET", f"/secrets/{THERE}/{'0' * 32}", None, 404, "SecretNotFound", None,
     SECRET_NOT_FOUND.format(name=f"{THERE}/{'0' * 32}")),
    ("GET", f"/secrets/{DEAD}/", None, 404, "SecretNotFound", None, SECRET_NOT_FOUND.format(name=DEAD)),
    ("DELETE", f"/secrets/{MISSING}", None, 404, "SecretNotFound", None, SECRET_NOT_FOUND.format(name=MISSING)),
    ("GET", f"/deletedsecrets/{MISSING}", None, 404, "SecretNotFound", None, f"Deleted Secret not found: {MISSING}"),
    ("GET", f"/deletedsecrets/{THERE}", None, 404, "SecretNotFound", None, f"Deleted Secret not found: {THERE}"),
    ("POST", f"/secrets/{MISSING}/backup", None, 404, "SecretNotFound", None, SECRET_NOT_FOUND.format(name=MISSING)),
    ("POST", f"/deletedsecrets/{MISSING}/recover", None, 404, "SecretNotFound", None,
     SECRET_NOT_FOUND.format(name=MISSING)),
    ("POST", f"/deletedsecrets/{THERE}/recover", None, 400, "MethodNotAllowed", "RequestNotAllowedOnNonDeletedObject",
     f"Secret exists already: {THERE}"),
    ("PUT", "/secrets/", {"value": "SECRET_VALUE", "attributes": {}}, 405, "MethodNotAllowed", None,
     "HTTP PUT not allowed"),
    ("PUT", f"/secrets/{DEAD}", {"value": "value"}, 409, "Conflict", "ObjectIsDeletedButRecoverable",
     f"Secret {DEAD} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the "
     "secret can only be recovered or purged."),
    ("GET", f"/secrets/{OFF}/", None, 403, "Forbidden", "SecretDisabled",
     "Operation get is not allowed on a disabled secret."),
    ("GET", f"/deletedsecrets/{OFF_DEAD}", None, 403, "Forbidden", "SecretDisabled",
     "Operation get is not allowed on a disabled secret."),
    ("POST", "/secrets/restore", {"value": "A" * 2000}, 400, "Malformed backup blob", None,
     "Backup blob contains invalid or corrupt version."),
    ("POST", "/secrets/restore", secret_backup, 409, "Conflict", None, SECRET_CONFLICT.format(id=there_secret["id"])),
    ("GET", f"{ASSIGNMENTS}/{UNUSED}", None, 404, "RoleAssignmentNotFound", None, "Requested role assignment not found"),
    ("DELETE", f"{ASSIGNMENTS}/{UNUSED}", None, 404, "RoleAssignmentNotFound", None,
     "Requested role assignment not found"),
    ("GET", f"{DEFINITIONS}/does_not_exist", None, 404, "RoleDefinitionNotFound", None,
     "Requested role definition not found"),
    ("DELETE", f"{DEFINITIONS}/foobar", None, 404, "RoleDefinitionNotFound", None,
     "Requested role definition not found"),
    ("PUT", f"{DEFINITIONS}/foo%20unique%20value",
     {"properties": {"roleName": "foo", "type": "CustomRole", "permissions": [], "assignableScopes": ["/"]}}, 400,
     "BadParameter", None, "Role definition name must be a GUID"),
    ("PUT", f"{DEFINITIONS}/{BUILT_IN}",
     {"properties": {"roleName": "foo", "type": "CustomRole", "permissions": [], "assignableScopes": ["/"]}}, 400,
     "BadParameter", None,
     "Cannot re-use the name/GUID matching that of a built-in role. Please use a unique role ID."),
    ("DELETE", f"{DEFINITIONS}/{BUILT_IN}", None, 400, "BadParameter", None,
     "Cannot re-use the name/GUID matching that of a built-in role. Please use a unique role ID."),
]

# Requests that were answered 401 before anything else of them was looked at.
UNAUTHORIZED = [
    ("GET", "/keys"), ("GET", "/deletedkeys"), ("GET", f"/deletedkeys/{THERE}"), ("DELETE", f"/deletedkeys/{THERE}"),
    ("POST", "/deletedkeys/x/recover"), ("GET", f"/keys/{THERE}/"), ("GET", f"/keys/{THERE}/versions"),
    ("POST", f"/keys/{THERE}/create"), ("POST", "/keys//create"), ("DELETE", f"/keys/{THERE}"),
    ("PUT", f"/keys/{THERE}"), ("GET", f"/keys/{MISSING}/rotationpolicy"), ("POST", f"/keys/{THERE}/backup"),
    ("POST", "/keys/restore"), ("POST", f"{there_path}/sign"), ("POST", f"/keys/{THERE}//release"), ("POST", "/rng"),
    ("GET", f"/secrets/{THERE}/"), ("PUT", f"/secrets/{THERE}"), ("PUT", "/secrets/"), ("DELETE", f"/secrets/{THERE}"),
    ("GET", "/secrets"), ("GET", f"/secrets/{THERE}/versions"), ("PATCH", f"/secrets/{THERE}/"),
    ("POST", f"/secrets/{MISSING}/backup"), ("POST", "/secrets/restore"), ("GET", "/deletedsecrets"),
    ("GET", f"/deletedsecrets/{DEAD}"), ("DELETE", f"/deletedsecrets/{DEAD}"),
    ("POST", f"/deletedsecrets/{DEAD}/recover"), ("GET", ASSIGNMENTS), ("PUT", f"{ASSIGNMENTS}/{UNUSED}"), ("GET", f"{DEFINITIONS}/{BUILT_IN}"),
]


def errors():
    for method, path, body, status, code, inner, message in ERRORS:
        found_status, _, found = call(method, path, body)
        error = (found or {}).get("error", {})
        text = re.sub(r" \(Activity ID: [^)]*\)$", "", error.get("message", ""))
        expected = (status, code, inner, message)
        found_inner = (error.get("innererror") or {}).get("code")
        check(f"{method} {path}", (found_status, error.get("code"), found_inner, text), expected)
        check(f"{method} {path}: fields", list(error), ["code", "message"] + (["innererror"] if inner else []))
    for method, path in UNAUTHORIZED:
        body = "not json" if method in ("POST", "PUT", "PATCH") else None
        status, headers, found = call(method, path, body, token=None)
        check(f"{method} {path} without a token", (status, found), (401, {
            "error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."}
        }))
        challenge = headers.get("www-authenticate", "")
        form = r'Bearer authorization="https://[^"/]+/' + GUID.pattern + r'", resource="https://[^"/]+"'
        check(f"{method} {path}: challenge {challenge}", bool(re.fullmatch(form, challenge)), True)


ATTRIBUTES = ["enabled", "created", "updated", "recoveryLevel", "recoverableDays"]
LATER = ("exportable", "hsmPlatform")
RSA, EC = ["kid", "kty", "key_ops", "n", "e"], ["kid", "kty", "key_ops", "crv", "x", "y"]


def bundle(what, found, jwk, before=(), after=(), attributes=None):
    fields(what, found, [*before, "key", "attributes", *after])
    fields(f"{what}: key", found["key"], jwk)
    fields(f"{what}: attributes", found["attributes"], attributes or ATTRIBUTES, LATER)


def successes():
    name = f"recorded-ok-{RUN}"
    dates = ["enabled", "nbf", "exp", *ATTRIBUTES[1:]]
    request = "11111111-2222-4333-8444-555555555555"
    create = {"kty": "RSA", "attributes": {"exp": 2000000000, "nbf": 1600000000}, "tags": {"a": "b"}}
    status, headers, made = call("POST", f"/keys/{name}/create", create, headers={"x-ms-client-request-id": request})
    check("create", status, 200)
    common_headers("create", headers, request)
    bundle("create", made, RSA, after=["tags"], attributes=dates)
    path = urllib.parse.urlsplit(made["key"]["kid"]).path
    check("create: key_ops", made["key"]["key_ops"], ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"])
    check("create: e", made["key"]["e"], "AQAB")
    bundle("create EC", there, EC)
    check("create EC: key_ops", there["key"]["key_ops"], ["sign", "verify"])
    oct_key = key(f"recorded-oct-{RUN}", {"kty": "oct-HSM", "key_size": 256})
    bundle("create oct", oct_key, ["kid", "kty", "key_ops"])

    for what, answer in {
        "get": call("GET", f"/keys/{name}/"), "get a version": call("GET", path),
        "update": call("PATCH", f"/keys/{name}/", {"attributes": {"enabled": True}}),
        "update a version": call("PATCH", path, {"attributes": {"enabled": True}}),
    }.items():
        check(what, answer[0], 200)
        bundle(what, answer[2], RSA, after=["tags"], attributes=dates)
    status, _, rotated = call("POST", f"/keys/{THERE}/rotate")
    check("rotate", status, 200)
    bundle("rotate", rotated, EC)

    _, _, listed = call("GET", "/keys")
    fields("list", listed, ["value", "nextLink"])
    item = next(one for one in listed["value"] if one["kid"].endswith(f"/{THERE}"))
    fields("list: item", item, ["kid", "attributes"])
    fields("list: item attributes", item["attributes"], ATTRIBUTES, LATER)
    _, _, versions = call("GET", f"/keys/{name}/versions")
    fields("versions", versions, ["value", "nextLink"])
    fields("versions: item", versions["value"][0], ["kid", "attributes", "tags"])
    check("versions: last page", versions["nextLink"], None)
    empty = {"value": [], "nextLink": None}
    check("versions of a missing key", call("GET", f"/keys/{MISSING}/versions")[::2], (200, empty))

    digest = base64.urlsafe_b64encode(b"d" * 32).decode().rstrip("=")
    _, _, signed = call("POST", f"{path}/sign", {"alg": "RS256", "value": digest})
    fields("sign", signed, ["kid", "value"])
    verify = {"alg": "RS256", "digest": digest, "value": signed["value"]}
    check("verify", call("POST", f"{path}/verify", verify)[::2], (200, {"value": True}))
    _, _, wrapped = call("POST", f"{path}/wrapkey", {"alg": "RSA-OAEP", "value": digest})
    fields("wrapkey", wrapped, ["kid", "value"])
    _, _, unwrapped = call("POST", f"{path}/unwrapkey", {"alg": "RSA-OAEP", "value": wrapped["value"]})
    check("unwrapkey", unwrapped, {"kid": made["key"]["kid"], "value": digest})
    oct_path = urllib.parse.urlsplit(oct_key["key"]["kid"]).path
    _, _, sealed = call("POST", f"{oct_path}/encrypt", {"alg": "A256GCM", "value": digest})
    check("encrypt GCM: fields", {"kid", "value", "iv", "tag"} <= set(sealed), True)

    policy = {"lifetimeActions": [{"trigger": {"timeAfterCreate": "P2M"}, "action": {"type": "Rotate"}}], "attributes": {}}
    for answer in call("PUT", f"/keys/{name}/rotationpolicy", policy), call("GET", f"/keys/{name}/rotationpolicy"):
        fields("rotation policy", answer[2], ["id", "lifetimeActions", "attributes"])
        fields("rotation policy: action", answer[2]["lifetimeActions"][0], ["trigger", "action"])
        fields("rotation policy: attributes", answer[2]["attributes"], ["created", "updated"])
    fields("backup", backup, ["value"])
    fields("rng", call("POST", "/rng", {"count": 8})[2], ["value"])

    deleted = ["recoveryId", "deletedDate", "scheduledPurgeDate"]
    status, _, found = call("DELETE", f"/keys/{THERE}")
    check("delete", status, 200)
    bundle("delete", found, EC, before=deleted)
    bundle("get deleted", call("GET", f"/deletedkeys/{THERE}")[2], EC, before=deleted)
    _, _, listed = call("GET", "/deletedkeys")
    fields("list deleted", listed, ["value", "nextLink"])
    item = next(one for one in listed["value"] if one["recoveryId"].endswith(f"/{THERE}"))
    fields("list deleted: item", item, [*deleted, "kid", "attributes"])
    status, _, found = call("POST", f"/deletedkeys/{THERE}/recover")
    check("recover", status, 200)
    bundle("recover", found, EC)
    delete(THERE)
    check("purge", call("DELETE", f"/deletedkeys/{THERE}")[::2], (204, None))
    status, _, found = call("POST", "/keys/restore", backup)
    check("restore", status, 200)
    bundle("restore", found, EC)
    purge(THERE)


def secret_bundle(what, found, before=(), after=(), attributes=None):
    fields(what, found, [*before, "id", "attributes", *after])
    fields(f"{what}: attributes", found["attributes"], attributes or ATTRIBUTES)


def secret_reads(name):
    """What is recorded of a secret while it is there."""
    request = "11111111-2222-4333-8444-555555555555"
    body = {"value": "value", "attributes": {}}
    status, headers, made = call("PUT", f"/secrets/{name}", body, headers={"x-ms-client-request-id": request})
    check("set", status, 200)
    common_headers("set", headers, request)
    secret_bundle("set", made, before=["value"])
    check("set: value", made["value"], "value")
    path = urllib.parse.urlsplit(made["id"]).path
    for what, answer in {"get": call("GET", f"/secrets/{name}/"), "get a version": call("GET", path)}.items():
        check(what, answer[::2], (200, made))
    for what, where, attributes in ("update", f"/secrets/{name}/", {"exp": 32503680000}), ("update", path, {}):
        status, _, found = call("PATCH", where, {"attributes": attributes})
        check(what, status, 200)
        secret_bundle(what, found, attributes=["enabled", "exp", *ATTRIBUTES[1:]])
    off = call("PATCH", f"/secrets/{OFF}/", {"attributes": {"exp": 32503680000}})
    check("update a disabled one", (off[0], off[2]["attributes"]["enabled"]), (200, False))
    secret_bundle("update a disabled one", off[2], attributes=["enabled", "exp", *ATTRIBUTES[1:]])
    full = {"value": "", "contentType": "x-pkcs12", "attributes": {"nbf": 1600000000, "exp": 2000000000}, "tags": {"a": ""}}
    status, _, found = call("PUT", f"/secrets/recorded-full-{RUN}", full)
    check("set with all", (status, {name: found[name] for name in ("value", "contentType", "tags")}),
          (200, {"value": "", "contentType": "x-pkcs12", "tags": {"a": ""}}))
    secret_bundle("set with all", found, before=["value", "contentType"], after=["tags"],
                  attributes=["enabled", "nbf", "exp", *ATTRIBUTES[1:]])


def secret_lists():
    _, _, listed = call("GET", "/secrets")
    fields("list secrets", listed, ["value", "nextLink"])
    item = next(one for one in listed["value"] if one["id"].endswith(f"/secrets/{THERE}"))
    secret_bundle("list secrets: item", item)
    _, _, versions = call("GET", f"/secrets/{THERE}/versions")
    fields("secret versions", versions, ["value", "nextLink"])
    secret_bundle("secret versions: item", versions["value"][0])
    check("secret versions: id", [one["id"] for one in versions["value"]], [there_secret["id"]])
    empty = {"value": [], "nextLink": None}
    check("versions of a missing secret", call("GET", f"/secrets/{MISSING}/versions")[::2], (200, empty))


def secret_life():
    deleted = ["recoveryId", "deletedDate", "scheduledPurgeDate"]
    status, _, found = call("DELETE", f"/secrets/{THERE}")
    check("delete a secret", (status, found["id"]), (200, there_secret["id"]))
    secret_bundle("delete a secret", found, before=deleted)
    check("get deleted secret", call("GET", f"/deletedsecrets/{THERE}")[::2], (200, found))
    _, _, listed = call("GET", "/deletedsecrets")
    fields("list deleted secrets", listed, ["value", "nextLink"])
    item = next(one for one in listed["value"] if one["recoveryId"].endswith(f"/{THERE}"))
    secret_bundle("list deleted secrets: item", item, before=deleted)
    check("list deleted secrets: id", item["id"], there_secret["id"].rsplit("/", 1)[0])
    status, _, found = call("POST", f"/deletedsecrets/{THERE}/recover")
    check("recover a secret", status, 200)
    secret_bundle("recover a secret", found)
    delete_secret(THERE)
    check("purge a secret", call("DELETE", f"/deletedsecrets/{THERE}")[::2], (204, None))
    fields("backup of a secret", secret_backup, ["value"])
    status, _, found = call("POST", "/secrets/restore", secret_backup)
    check("restore a secret", (status, found["id"]), (200, there_secret["id"]))
    secret_bundle("restore a secret", found)


def roles():
    _, _, listed = call("GET", DEFINITIONS)
    names = {"id", "name", "type", "properties"}
    definition = next(one for one in listed["value"] if one["name"] == BUILT_IN)
    check("role definition", set(definition), names)
    check("role definition: id", definition["id"],
          f"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{BUILT_IN}")
    check("role definition: type", definition["type"], "Microsoft.Authorization/roleDefinitions")
    properties = definition["properties"]
    check("role definition: properties", set(properties),
          {"assignableScopes", "description", "permissions", "roleName", "type"})
    check("role definition: kind", properties["type"], "AKVBuiltInRole")
    check("role definition: permissions", set(properties["permissions"][0]),
          {"actions", "dataActions", "notActions", "notDataActions"})
    check("role definition alone", call("GET", f"{DEFINITIONS}/{BUILT_IN}")[2], definition)

    custom = {"roleName": f"custom {RUN}", "description": "a description", "type": "CustomRole",
              "permissions": [{"actions": [], "notActions": [], "notDataActions": [],
                               "dataActions": ["Microsoft.KeyVault/vaults/keys/read"]}], "assignableScopes": ["/"]}
    status, _, made = call("PUT", f"{DEFINITIONS}/{UNUSED}", {"properties": custom})
    check("put role definition", (status, made["properties"]), (201, custom))
    _, _, assignments = call("GET", ASSIGNMENTS)
    owner = assignments["value"][0]["properties"]["principalId"]
    status, _, made = call("PUT", f"{ASSIGNMENTS}/{UNUSED}", {
        "properties": {"roleDefinitionId": made["id"], "principalId": owner}
    })
    expected = {
        "id": f"/providers/Microsoft.Authorization/roleAssignments/{UNUSED}", "name": UNUSED,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "principalId": owner, "scope": "/",
            "roleDefinitionId": f"Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{UNUSED}",
        },
    }
    check("put role assignment", (status, made), (201, expected))
    check("get role assignment", call("GET", f"{ASSIGNMENTS}/{UNUSED}")[::2], (200, expected))
    check("delete role assignment", call("DELETE", f"{ASSIGNMENTS}/{UNUSED}")[::2], (200, expected))
    check("delete role definition", call("DELETE", f"{DEFINITIONS}/{UNUSED}")[0], 200)


errors()
successes()
secret_reads(f"recorded-ok-{RUN}")
secret_lists()
secret_life()
roles()
finish()
