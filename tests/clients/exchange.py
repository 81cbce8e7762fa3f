"""Requests to the hub of the environment, and what is checked of its answers: for recorded.py and its like."""
import http.client
import json
import os
import re
import ssl
import sys
import urllib.parse

VAULT = urllib.parse.urlsplit(os.environ["KEY_VAULT_URL"])
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TRUST = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])

counts = {True: 0, False: 0}  # checks passed and failed


def check(what, found, expected):
    counts[found == expected] += 1
    if found == expected:
        return
    print(f"FAILED: {what}\n  expected {expected!r}\n  found    {found!r}")


def open_url(url):
    parts = urllib.parse.urlsplit(url)
    return http.client.HTTPSConnection(parts.hostname, parts.port or 443, context=TRUST, timeout=60)


def get_token():
    _, headers, _ = call("GET", "/keys", token=None)
    resource = re.search(r'resource="([^"]*)"', headers["www-authenticate"]).group(1)
    form = urllib.parse.urlencode({
        "grant_type": "client_credentials", "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_secret": os.environ["AZURE_CLIENT_SECRET"], "scope": resource + "/.default",
    })
    authority = os.environ["AZURE_AUTHORITY_HOST"]
    connection = open_url(authority)
    path = f"{urllib.parse.urlsplit(authority).path.rstrip('/')}/{os.environ['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    connection.request("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})
    return json.load(connection.getresponse())["access_token"]


def call(method, path, body=None, token="owner", headers=None):
    """Status, headers (names in lower case) and body of one request."""
    connection = open_url(os.environ["KEY_VAULT_URL"])
    sent = dict(headers or {})
    if token == "owner":
        sent["Authorization"] = "Bearer " + OWNER
    if body is not None:
        sent["Content-Type"] = "application/json"
        body = json.dumps(body)
    join = "&" if "?" in path else "?"
    connection.request(method, f"{path}{join}api-version=7.4", body, sent)
    answer = connection.getresponse()
    text = answer.read()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, found, json.loads(text) if text else None


OWNER = get_token()


def common_headers(what, headers, client_request_id):
    for name, pattern in {
        "content-type": r"application/json; charset=utf-8", "cache-control": r"no-cache", "pragma": r"no-cache",
        "expires": r"-1", "x-content-type-options": r"nosniff",
        "strict-transport-security": r"max-age=31536000; ?includeSubDomains",
        "x-ms-request-id": GUID.pattern, "x-ms-keyvault-service-version": r"\d+(\.\d+)+", "x-ms-keyvault-region": r"\w+",
        "x-ms-keyvault-network-info": r"conn_type=Ipv4;addr=127\.0\.0\.1;act_addr_fam=InterNetwork;;?",
        "x-ms-client-request-id": re.escape(client_request_id),
    }.items():
        found = headers.get(name)
        check(f"{what}: header {name}: {found}", bool(found and re.fullmatch(pattern, found)), True)
    check(f"{what}: no Server header", "server" in headers, False)


def fields(what, found, recorded, also=()):
    """The recorded fields are there, in their order, and no others but those of later API versions."""
    check(f"{what}: order of fields", [name for name in found if name in recorded], recorded)
    check(f"{what}: other fields", [name for name in found if name not in recorded and name not in also], [])


def finish():
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(counts[False] > 0)
