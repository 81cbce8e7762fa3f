#!/usr/bin/python3
"""Raw requests over TLS, as the owner of the hub whose environment it runs in (tests/with-hub).

Sends good requests, which must be carried out, and malformed ones that lenient servers take, which
must all be refused: one answer of the HTTP layer at most, then the end of the connection. What
follows a malformed request must never be answered as a second one: each is followed by a good one.
"""
import json
import os
import socket
import ssl
import sys
import urllib.parse
import urllib.request

TIMEOUT = 8
REFUSALS = {400, 405, 411, 413, 417, 431, 501, 505}
PATH = "/keys?api-version=7.4"
CREATE = "/keys/wire-test/create?api-version=7.4"
BODY = '{"kty":"oct"}'


class Connection:
    def __init__(self, host, port, context):
        plain = socket.create_connection((host, port), TIMEOUT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname=host)
        self.data = b""
        self.ended = False

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # refused before all was sent: what was answered can still be read

    def fill(self):
        """More bytes; False at the end of the connection. Silence is an error."""
        try:
            more = self.socket.recv(65536)
        except TimeoutError:
            raise
        except OSError:
            more = b""
        self.data += more
        self.ended = not more
        return not self.ended

    def take(self, size):
        while len(self.data) < size:
            if not self.fill():
                raise ValueError("the answer ends early")
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def line(self):
        while b"\r\n" not in self.data:
            if not self.fill():
                raise ValueError("the answer ends early")
        taken, self.data = self.data.split(b"\r\n", 1)
        return taken.decode("latin-1")

    def answer(self):
        """The status of the next answer; None when the connection ends instead."""
        while not self.data:
            if not self.fill():
                return None
        version, status = self.line().split(" ")[:2]
        if version != "HTTP/1.1":
            raise ValueError("not an HTTP answer: " + version)
        headers = {}
        while True:
            line = self.line()
            if not line:
                break
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        status = int(status)
        if headers.get("transfer-encoding") == "chunked":
            size = -1
            while size != 0:
                size = int(self.line(), 16)
                self.take(size + 2)
        elif status >= 200 and status != 204:
            self.take(int(headers["content-length"]))
        return status


def good(*parts, answers=1):
    """Each part is sent after a 100 was waited for; as many final answers must come."""

    def run(connection):
        for part in parts[:-1]:
            connection.send(part)
            status = connection.answer()
            if status != 100:
                return False, f"{status} instead of 100"
        connection.send(parts[-1])
        seen = [connection.answer() for _ in range(answers)]
        return all(s == 200 for s in seen), " ".join(map(str, seen))

    return run


def drip(text):
    def run(connection):
        for i in range(len(text)):
            connection.send(text[i : i + 1])
        return good(b"")(connection)

    return run


def last(text):
    """It is served, and what follows is not."""

    def run(connection):
        connection.send(text + connection.follower)
        seen = [connection.answer(), connection.answer()]
        return seen == [200, None], " ".join(map(str, seen))

    return run


def bad(text, refusals=REFUSALS):
    def run(connection):
        connection.send(text + connection.follower)
        status = connection.answer()
        if status is None:
            return True, "closed"
        if status not in refusals:
            return False, f"{status}"
        second = connection.answer()
        if second is not None:
            return False, f"{status}, and then {second} for what followed"
        return True, f"{status}"

    return run


def cases(authority, token):
    caller = f"Authorization: Bearer {token}\r\n"

    def request(start="GET " + PATH, headers="", body="", host="Host: " + authority + "\r\n",
                version=" HTTP/1.1", end="\r\n"):
        return (start + version + "\r\n" + host + caller + headers + end + body).encode("latin-1")

    def post(headers, body):
        return request("POST " + CREATE, "Content-Type: application/json\r\n" + headers, body)

    def chunked(body):
        return post("Transfer-Encoding: chunked\r\n", body)

    size = f"Content-Length: {len(BODY)}\r\n"
    chunk = f"{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"
    yield "a plain GET", good(request())
    yield "an escaped query name", good(request("GET /keys?api%2Dversion=7.4"))
    yield "a body of known length", good(post(size, BODY))
    yield "a chunked body", good(chunked(chunk))
    yield "a chunked body in many chunks", good(chunked("".join(f"1\r\n{c}\r\n" for c in BODY) + "0\r\n\r\n"))
    yield "a pipelined pair", good(request() + request(), answers=2)
    yield "a pipelined pair, the first with a body", good(post(size, BODY) + request(), answers=2)
    yield "100-continue", good(post(size + "Expect: 100-continue\r\n", ""), BODY.encode())
    yield "a GET with Content-Length: 0", good(request(headers="Content-Length: 0\r\n"))
    yield "an absolute target of the same host", good(request(f"GET https://{authority}{PATH}"))
    yield "one empty line before the request", good(b"\r\n" + request())
    yield "empty segments in the path", good(
        request("GET ///providers/Microsoft.Authorization/roleDefinitions?api-version=7.4"))
    yield "header names in any case", good(request(host=f"hOST:{authority}\r\n", headers="aCCEPT:\t*/* \r\n"))
    yield "one byte at a time", drip(request())

    yield "two lengths that differ", bad(post(size + "Content-Length: 1\r\n", BODY))
    yield "two equal lengths", bad(post(size + size, BODY))
    yield "a list of lengths", bad(post("Content-Length: 13, 13\r\n", BODY))
    yield "a length with a plus", bad(post("Content-Length: +13\r\n", BODY))
    yield "a negative length", bad(post("Content-Length: -1\r\n", ""))
    yield "a length in hexadecimal", bad(post("Content-Length: 0xd\r\n", BODY))
    yield "a length with a blank in it", bad(post("Content-Length: 1 3\r\n", BODY))
    yield "an empty length", bad(post("Content-Length: \r\n", ""))
    yield "a length beyond 64 bits", bad(post("Content-Length: 18446744073709551629\r\n", BODY))
    yield "a length that nobody takes", bad(post("Content-Length: 9000000000000000000\r\n", ""))
    yield "length and chunks", bad(post(size + "Transfer-Encoding: chunked\r\n", chunk))
    yield "chunks and length", bad(post("Transfer-Encoding: chunked\r\n" + size, chunk))
    yield "chunked twice", bad(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunk))
    yield "chunked, identity", bad(post("Transfer-Encoding: chunked, identity\r\n", chunk))
    yield "gzip, chunked", bad(post("Transfer-Encoding: gzip, chunked\r\n", chunk))
    yield "xchunked", bad(post("Transfer-Encoding: xchunked\r\n", chunk))
    yield "identity", bad(post("Transfer-Encoding: identity\r\n" + size, BODY))
    yield "chunked with a vertical tab", bad(post("Transfer-Encoding: \x0bchunked\r\n", chunk))
    yield "a blank before the colon", bad(post("Transfer-Encoding : chunked\r\n", chunk))
    yield "a tab before the colon", bad(post("Content-Length\t: 13\r\n", BODY))
    yield "no Host", bad(request(host=""))
    yield "two Hosts", bad(request(headers="Host: " + authority + "\r\n"))
    yield "an empty Host", bad(request(host="Host: \r\n"))
    yield "a user in Host", bad(request(host=f"Host: me@{authority}\r\n"))
    yield "a path in Host", bad(request(host=f"Host: {authority}/x\r\n"))
    yield "a blank in Host", bad(request(host="Host: a b\r\n"))
    yield "a port that is none", bad(request(host="Host: a:99999\r\n"))
    yield "another host in the target", bad(request(f"GET https://other{PATH}"))
    yield "a user in the target", bad(request(f"GET https://me@{authority}{PATH}"))
    yield "an http target", bad(request(f"GET http://{authority}{PATH}"))
    yield "a target without slash", bad(request("GET keys"))
    yield "an asterisk for target", bad(request("OPTIONS *"))
    yield "a fragment", bad(request("GET /keys#x?api-version=7.4"))
    yield "a byte beyond ASCII in the target", bad(request("GET /k\xe9ys"))
    yield "a control byte in the target", bad(request("GET /ke\x01ys"))
    yield "NUL in the target", bad(request("GET /ke\0ys"))
    yield "a blank in the target", bad(request("GET /ke ys"))
    yield "a backslash in the path", bad(request("GET /keys\\..\\x"))
    yield "half an escape", bad(request("GET /keys/%4"))
    yield "an escape of no digits", bad(request("GET /keys/%zz"))
    yield "an empty header name", bad(request(headers=": x\r\n"))
    yield "a header without colon", bad(request(headers="nonsense\r\n"))
    yield "a header name of odd bytes", bad(request(headers="X[y]: z\r\n"))
    yield "NUL in a header", bad(request(headers="X: a\0b\r\n"))
    yield "a control byte in a header", bad(request(headers="X: a\x02b\r\n"))
    yield "DEL in a header", bad(request(headers="X: a\x7fb\r\n"))
    yield "a folded header", bad(request(headers="X: a\r\n b\r\n"))
    yield "a folded header, with a tab", bad(request(headers="X: a\r\n\tb: c\r\n"))
    yield "a blank before the first header", bad(request(host=" Host: " + authority + "\r\n"))
    yield "bare LF after the request line", bad(request().replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n"))
    yield "bare LF after a header", bad(request(headers="X: a\nY: b\r\n"))
    yield "bare LF for the empty line", bad(request(end="\n"))
    yield "bare LF everywhere", bad(request().replace(b"\r\n", b"\n"))
    yield "bare CR in a header", bad(request(headers="X: a\rY: b\r\n"))
    yield "CR CR LF", bad(request(headers="X: a\r\r\n"))
    yield "two empty lines first", bad(b"\r\n\r\n" + request())
    yield "a blank first", bad(b" " + request())
    yield "two blanks in the request line", bad(request("GET  " + PATH))
    yield "a tab in the request line", bad(request("GET\t" + PATH))
    yield "a blank behind the version", bad(request(version=" HTTP/1.1 "))
    yield "a method in lower case", bad(request("get " + PATH))
    yield "an unknown method", bad(request("BREW " + PATH))
    yield "CONNECT", bad(request("CONNECT " + authority))
    yield "HTTP/1.0", last(request(version=" HTTP/1.0"))
    yield "HTTP/1.0, kept alive", last(request(version=" HTTP/1.0", headers="Connection: keep-alive\r\n"))
    yield "HTTP/1.0 without a host", bad(request(version=" HTTP/1.0", host=""))
    yield "chunks in HTTP/1.0", bad(chunked(chunk).replace(b"HTTP/1.1", b"HTTP/1.0"))
    yield "HTTP/1.2", bad(request(version=" HTTP/1.2"))
    yield "HTTP/0.9", bad(b"GET " + PATH.encode() + b"\r\n")
    yield "the preface of HTTP/2", bad(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield "a chunk size with 0x", bad(chunked("0x" + chunk))
    yield "a chunk size with a plus", bad(chunked("+" + chunk))
    yield "a chunk size with a blank", bad(chunked(chunk.replace("\r\n", " \r\n", 1)))
    yield "a chunk size of 17 digits", bad(chunked(chunk.rjust(len(chunk) + 16, "0")))
    yield "a chunk size that wraps around", bad(chunked("1000000000000000" + chunk))
    yield "a negative chunk size", bad(chunked("-1\r\n\r\n0\r\n\r\n"))
    yield "no chunk size", bad(chunked("\r\n" + chunk))
    yield "a chunk extension", bad(chunked(chunk.replace("\r\n", ";a=b\r\n", 1)))
    yield "an extension of the last chunk", bad(chunked(chunk.replace("\r\n0\r\n", "\r\n0;a\r\n")))
    yield "bare LF after a chunk size", bad(chunked(chunk.replace("\r\n", "\n", 1)))
    yield "a chunk longer than its size", bad(chunked(chunk.replace(BODY, BODY + "x")))
    yield "no CRLF after a chunk", bad(chunked(chunk.replace(BODY + "\r\n", BODY)))
    yield "a trailer", bad(chunked(chunk[:-2] + "X: y\r\n\r\n"))
    yield "a trailer that frames", bad(chunked(chunk[:-2] + "Content-Length: 5\r\n\r\n"))
    yield "an unknown expectation", bad(post(size + "Expect: 200-ok\r\n", ""))
    yield "two tokens", bad(request(headers=caller))
    # Without a token the answer comes before the body is looked at, and the connection ends.
    yield "a chunk size with 0x, without a token", bad(
        chunked("0x" + chunk).replace(caller.encode(), b""), {401})
    yield "101 headers", bad(request(headers="X: y\r\n" * 100))
    yield "a header of 64 KiB", bad(request(headers="X: " + "y" * 65536 + "\r\n"))
    yield "a target of 64 KiB", bad(request("GET /" + "y" * 65536))


def get_token(env, context):
    form = {"grant_type": "client_credentials", "client_id": env["AZURE_CLIENT_ID"],
            "client_secret": env["AZURE_CLIENT_SECRET"], "scope": "https://vault.azure.net/.default"}
    url = f"{env['AZURE_AUTHORITY_HOST']}/{env['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), TIMEOUT, context=context) as answer:
        return json.load(answer)["access_token"]


def main():
    env = os.environ
    context = ssl.create_default_context(cafile=env["SSL_CERT_FILE"])
    authority = urllib.parse.urlsplit(env["KEY_VAULT_URL"]).netloc
    host, port = authority.split(":")
    token = get_token(env, context)
    follower = f"GET {PATH} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    passed = failed = 0
    for name, run in cases(authority, token):
        connection = None
        try:
            connection = Connection(host, int(port), context)
            connection.follower = follower
            ok, seen = run(connection)
        except TimeoutError:
            ok, seen = False, f"silence for {TIMEOUT} s"
        except (OSError, ValueError, KeyError) as e:
            ok, seen = False, f"{type(e).__name__}: {e}"
        finally:
            if connection:
                connection.close()
        passed += ok
        failed += not ok
        print(f"{'ok    ' if ok else 'FAILED'} {name}: {seen}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
