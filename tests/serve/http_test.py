#!/usr/bin/env python3
"""translator serve over HTTP: http_test.py TRANSLATOR

Clients as they are (a form, JSON, curl, a connection that is kept), and what no client should send: foreign hosts and origins, bodies that
are too large or lie about their size, in one part and in chunks, slow ones, too many connections, thousands of requests that are not HTTP or
not JSON. The server has to answer each in one line or to close, and to go on. Exit status 1, and a line for each mistake.
"""
import concurrent.futures
import http.client
import json
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from server import Server

mistakes = []
STUDENT = "I am a student."
BODY = {"q": STUDENT, "source": "en", "target": "fr"}


def check(true, what):
    if not true:
        mistakes.append(what)


def head(server, lines, method="POST", path="/translate"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: localhost:{server.port}", *lines]).encode() + b"\r\n\r\n"


def status_of(reply):
    return int(reply.split(b" ", 2)[1]) if reply and reply.startswith(b"HTTP/1.1 ") else None


def clients(server):
    """As LibreTranslate's Python client (a form), its JavaScript example (JSON) and curl ask."""
    wanted = server.json("/translate", BODY)["translatedText"]
    form = urllib.parse.urlencode({**BODY, "api_key": ""}).encode()
    with urllib.request.urlopen(urllib.request.Request(server.url + "translate", data=form)) as reply:
        check(json.load(reply) == {"translatedText": wanted}, "a form is not translated")
    with urllib.request.urlopen(server.url + "languages") as reply:
        check(json.load(reply)[0] == {"code": "en", "name": "English", "targets": ["fr"]}, "the languages are wrong")
    if shutil.which("curl"):
        for options in (["-d", "q=" + STUDENT, "-d", "source=en", "-d", "target=fr"],
                        ["-H", "Content-Type: application/json", "-d", json.dumps(BODY)],
                        ["-H", "Content-Type: application/json", "-H", "Transfer-Encoding: chunked", "-d", json.dumps(BODY)],
                        ["-H", "Expect: 100-continue", "-H", "Content-Type: application/json", "-d", json.dumps(BODY)]):
            said = subprocess.run(["curl", "-s", *options, server.url + "translate"], capture_output=True, text=True, check=False).stdout
            check(wanted in said, f"curl {options[:2]} gets {said!r}")
        said = subprocess.run(["curl", "-sI", server.url], capture_output=True, text=True, check=False).stdout
        check("200 OK" in said and "text/html" in said, f"curl -I gets {said!r}")
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for _ in range(20):
        kept.request("POST", "/translate", json.dumps(BODY), {"Content-Type": "application/json"})
        check(json.loads(kept.getresponse().read()) == {"translatedText": wanted}, "a kept connection gets something else")
    kept.close()
    two = head(server, [], "GET", "/health") * 2
    check(server.raw(two).count(b'{"status":"ok"}') == 2, "two requests in one piece are not answered both")


def doors(server):
    """For whom it answers."""
    for host, status in (("localhost", 200), ("127.0.0.1:9", 200), ("[::1]:80", 200), ("LOCALHOST", 200), ("proxy.example:443", 200), ("evil.example", 403),
                         ("localhost.evil.example", 403), ("127.0.0.1.evil.example", 403), ("[::2]", 403)):
        got = server.ask("GET", "/health", headers={"Host": host})[0]
        check(got == status, f"Host {host!r} gets {got}")
    check(status_of(server.raw(b"GET /health HTTP/1.1\r\n\r\n")) == 400, "a request without Host is answered")
    check(status_of(server.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")) == 400, "two hosts are answered")
    here = f"127.0.0.1:{server.port}"
    for origin, status in ((f"http://{here}", 200), ("http://evil.example", 403), ("null", 403), (f"http://{here}.evil.example", 403)):
        got = server.ask("GET", "/health", headers={"Host": here, "Origin": origin})[0]
        check(got == status, f"Origin {origin!r} gets {got}")
    for path in ("/../../etc/passwd", "/%2e%2e/etc/passwd", "//etc/passwd", "/page/live.js", "/" + "a" * 5000, "/.git/config"):
        got, _, text = server.ask("GET", path)
        check(got in (404, 414) and b"error" in text, f"{path[:40]} gets {got}")
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "BREW"):
        got = status_of(server.raw(head(server, ["Content-Length: 0"], method, "/health")))
        check(got in (400, 405), f"{method} gets {got}")
    reply = server.ask("GET", "/")
    check("default-src 'none'" in reply[1].get("Content-Security-Policy", "") and reply[1].get("X-Content-Type-Options") == "nosniff", "the page's headers are not strict")


def sizes(server):
    """Bodies that are too large, lie about their size, or come in chunks."""
    json_type = "Content-Type: application/json"
    limit = 12 * 5000 + 4096
    body = json.dumps(BODY).encode()
    chunk = lambda data: b"%x\r\n%s\r\n" % (len(data), data)
    chunked = head(server, [json_type, "Transfer-Encoding: chunked", "Connection: close"])
    tries = [
        ("too large", head(server, [json_type, f"Content-Length: {limit + 1}"]) + b"x" * (limit + 1), {413}),
        ("much too large", head(server, [json_type, "Content-Length: 99999999999"]) + b"x" * 200000, {413}),
        ("larger than any number", head(server, [json_type, "Content-Length: 99999999999999999999999"]) + b"x", {413}),
        ("a negative size", head(server, [json_type, "Content-Length: -5"]) + body, {400}),
        ("a size that is no number", head(server, [json_type, "Content-Length: 0x20"]) + body, {400}),
        ("two sizes", head(server, [json_type, f"Content-Length: {len(body)}", "Content-Length: 1"]) + body, {400}),
        ("a size and chunks", head(server, [json_type, f"Content-Length: {len(body)}", "Transfer-Encoding: chunked"]) + chunk(body) + b"0\r\n\r\n", {400}),
        ("no size", head(server, [json_type]) + body, {411}),
        ("a body that ends early", head(server, [json_type, "Content-Length: 500"]) + body, {400}),
        ("chunks", chunked + chunk(body[:9]) + chunk(body[9:]) + b"0\r\n\r\n", {200}),
        ("chunks that are too large together", chunked + chunk(b" " * 4000) * 40 + b"0\r\n\r\n", {413, 400}),
        ("a chunk that is too large", chunked + b"fffffff\r\n" + b" " * 200000, {413, 400}),
        ("a chunk larger than any number", chunked + b"ffffffffffffffffffffff\r\n" + body, {400, 413}),
        ("a chunk without size", chunked + b"\r\n" + body, {400}),
        ("chunks without end", chunked + chunk(body), {400}),
        ("chunks of one byte", chunked + b"".join(chunk(bytes([c])) for c in body) + b"0\r\n\r\n", {200}),
        ("another coding", head(server, [json_type, "Transfer-Encoding: gzip, chunked"]) + chunk(body) + b"0\r\n\r\n", {400}),
        ("a compressed body", head(server, [json_type, "Content-Encoding: gzip", f"Content-Length: {len(body)}"]) + body, {415}),
        ("a form of several parts", head(server, ["Content-Type: multipart/form-data; boundary=x", "Content-Length: 4"]) + b"--x\n", {415}),
        ("parts of a reply", head(server, ["Range: bytes=0-0,0-0,0-0"], "GET", "/"), {416}),
        ("a body with GET", head(server, ["Content-Length: 4"], "GET", "/health") + b"GET ", {400}),
        ("headers without end", head(server, [f"X-{i}: {'y' * 100}" for i in range(3000)], "GET", "/health"), {400, 431, None}),
        ("a header without end", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 300000, {400, 431, None}),
        ("a line without end", b"G" * 300000, {400, 414, None}),
    ]
    for what, data, wanted in tries:
        reply = server.raw(data)
        check(reply is not None, f"{what}: the connection stays open")
        check(status_of(reply) in wanted, f"{what} gets {reply and reply[:120]!r}")
        check(reply is None or reply.count(b"HTTP/1.1 ") <= 1 or what == "a body with GET", f"{what}: its rest is read as another request")


def slow(server):
    """A request that comes a byte at a time is given up after 20 s."""
    begin = time.time()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        try:
            for byte in head(server, ["Content-Type: application/json"] + [f"X-{i}: y" for i in range(20)]):
                connection.sendall(bytes([byte]))
                time.sleep(0.15)
                if time.time() - begin > 40:
                    break
            connection.settimeout(20)
            while connection.recv(4096):
                pass
        except OSError:
            pass
    check(time.time() - begin < 30, f"a slow request was read for {time.time() - begin:.0f} s")


def many_connections(server, limit):
    """Those above the limit are told to come back; the others are served, and afterwards there is room."""
    held = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(limit)]
    time.sleep(0.3)
    reply = server.raw(head(server, [], "GET", "/health"), wait=3)
    check(status_of(reply) == 503 and b"Retry-After" in reply, f"one connection too many gets {reply!r}")
    for connection in held:
        connection.sendall(head(server, ["Connection: close"], "GET", "/health"))
    replies = [b"".join(iter(lambda: connection.recv(4096), b"")) for connection in held]  # to the end: head and body come apart
    check(all(b"ok" in reply for reply in replies), "a connection within the limit is not served")
    for connection in held:
        connection.close()
    time.sleep(0.5)
    check(server.ask("GET", "/health")[0] == 200, "there is no room again")


def malformed(server, count):
    """Requests cut, doubled, and with other bytes in them: HTTP and JSON."""
    chance = random.Random(5)
    body = json.dumps({**BODY, "alternatives": 1, "beam": 2}).encode()
    whole = head(server, ["Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close"]) + body

    def changed(data):
        data = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data)) if data else 0
            kind = chance.randrange(5)
            if kind == 0:
                data[at:at + 1] = bytes([chance.randrange(256)])
            elif kind == 1:
                del data[at:at + chance.randint(1, 20)]
            elif kind == 2:
                data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 20)))
            elif kind == 3:
                data[at:at] = chance.choice([b"\r\n", b"\0", b"{", b"[" * 500, b"\"", b"\\u", b": ", b"%", b"9" * 40, b"\xff\xfe"])
            else:
                data = data[:at]
        return bytes(data)

    def once(data):
        return data, server.raw(data, wait=30)

    inputs = [changed(whole) for _ in range(count // 2)]
    for _ in range(count - len(inputs)):
        text = changed(body)
        inputs.append(head(server, ["Content-Type: application/json", f"Content-Length: {len(text)}", "Connection: close"]) + text)
    answers = {}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for data, reply in pool.map(once, inputs):
            if reply is None:
                mistakes.append(f"the connection stays open after {data[:300]!r}")
                continue
            status = status_of(reply)
            answers[status] = answers.get(status, 0) + 1
            if status is not None and status not in (200, 400, 403, 404, 405, 411, 413, 414, 415, 416):
                mistakes.append(f"{status} for {data[:300]!r}")
            if status is not None and status >= 400 and b'{"error":' not in reply:
                mistakes.append(f"no error in {reply[:200]!r}")
    check(server.process.poll() is None, "the server has ended")
    print(f"{count} malformed requests: " + ", ".join(f"{n} x {status or 'closed'}" for status, n in sorted(answers.items(), key=str)))


def end(server):
    """Ctrl-C: what is under way is answered, and the program ends with 0."""
    long = {"q": [f"{i} old men read {i + 1} books about the house." for i in range(100)], "source": "en", "target": "fr", "beam": 5}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.json, "/translate", {**BODY, "beam": 5})
        time.sleep(0.01)
        asked.result()
        asked = pool.submit(server.ask, "POST", "/translate", json.dumps(long), {"Content-Type": "application/json"})
        time.sleep(0.1)
        code, said = server.stop()
        status = asked.result()[0]
    check(code == 0, f"it ends with {code}: {said}")
    check(status == 200, f"what was under way gets {status}")
    check("Traceback" not in said and "terminate" not in said, f"at its end it says {said}")


def main():
    translator = sys.argv[1]
    with Server(translator, "-r", "en-fr", "--name", "proxy.example", "--connections", "12") as server:
        clients(server)
        doors(server)
        sizes(server)
        many_connections(server, 12)
        malformed(server, 4000)
        before = server.resident()
        malformed(server, 1000)
        check(server.resident() < before + 30, f"it grew from {before:.0f} to {server.resident():.0f} MB")
        clients(server)
        taken = subprocess.run([translator, "serve", "-r", "en-fr", "--port", str(server.port)], capture_output=True, text=True, check=False)
        check(taken.returncode == 1 and taken.stderr.count("\n") == 1 and "cannot listen" in taken.stderr, f"a port that is taken: {taken}")
        slow(server)
        end(server)
    if mistakes:
        raise SystemExit("\n".join(mistakes[:40]))
    print("the server answers what it should and survives the rest")


if __name__ == "__main__":
    main()
