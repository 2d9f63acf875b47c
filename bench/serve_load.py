#!/usr/bin/env python3
"""A load on translator serve: serve_load.py TRANSLATOR [--requests N] [--connections 1,8,32] [--memory N] [--sentences FILE] [--path /attention] [-- OPTIONS OF serve]

For each number of connections: requests a second and their latency, over connections that are kept, a sentence a request, each sentence in
turn. With --memory N, N more requests at the last number of connections, and the server's resident memory before, at each tenth and after.
The client shares the machine with the server.
"""
import argparse
import json
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "serve"))
from server import Server  # noqa: E402

SENTENCES = ["I am a student.", "It rains.", "Where is the station?", "The old man reads a book in the garden.", "She has never seen the sea.", "How much does this cost?",
             "We will meet tomorrow at eight o'clock.", "My brother works in a big company in the city.", "I don't know what you are talking about.",
             "If it is sunny tomorrow, we will go to the beach with the children.", "He was so tired that he fell asleep in front of the television.", "Thank you."]


def request_of(path, sentence, port, beam):
    body = json.dumps({"q": sentence, "source": "en", "target": "fr", "beam": beam}).encode()
    return f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Client(threading.Thread):
    """Asks over one connection until there is nothing left; `left` is shared."""

    def __init__(self, server, requests, left):
        super().__init__()
        self.server, self.requests, self.left, self.seconds, self.failed = server, requests, left, [], 0

    def run(self):
        connection, asked = None, 0
        while (i := self.left.take()) is not None:
            if connection is None or asked == 900:
                connection, asked = socket.create_connection(("127.0.0.1", self.server.port)), 0
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begin = time.perf_counter()
            connection.sendall(self.requests[i % len(self.requests)])
            reply = connection.recv(65536)
            while b"\r\n\r\n" not in reply:
                reply += connection.recv(65536)
            head, body = reply.split(b"\r\n\r\n", 1)
            missing = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]) - len(body)
            while missing > 0:
                missing -= len(connection.recv(65536))
            self.seconds.append(time.perf_counter() - begin)
            self.failed += not reply.startswith(b"HTTP/1.1 200")
            asked += 1


class Left:
    def __init__(self, count):
        self.count, self.lock = count, threading.Lock()

    def take(self):
        with self.lock:
            self.count -= 1
            return self.count if self.count >= 0 else None


def load(server, requests, count, connections):
    left = Left(count)
    clients = [Client(server, requests, left) for _ in range(connections)]
    begin = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    seconds = time.perf_counter() - begin
    all_seconds = sorted(s for client in clients for s in client.seconds)
    at = lambda share: 1000 * all_seconds[min(len(all_seconds) - 1, int(share * len(all_seconds)))]
    return {"connections": connections, "requests": count, "requests_per_second": count / seconds, "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": 1000 * all_seconds[-1],
            "failed": sum(client.failed for client in clients)}


def main():
    own, options = sys.argv[1:], []
    if "--" in own:
        own, options = own[:own.index("--")], own[own.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("translator")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--connections", default="1,8,32")
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--sentences")
    parser.add_argument("--beams", default="1,5")
    parser.add_argument("--path", default="/translate", choices=["/translate", "/attention"], help="what is asked: a translation, or one with its attention")
    parser.add_argument("--json")
    given = parser.parse_args(own)
    sentences = open(given.sentences, encoding="utf-8").read().splitlines() if given.sentences else SENTENCES
    counts = [int(n) for n in given.connections.split(",")]
    report = {"rows": [], "memory_mb": []}
    with Server(given.translator, *(options or ["-r", "en-fr"])) as server:
        for beam in (int(n) for n in given.beams.split(",")):
            requests = [request_of(given.path, sentence, server.port, beam) for sentence in sentences]
            load(server, requests, 200, 8)  # warm
            for connections in counts:
                row = {"beam": beam, **load(server, requests, given.requests, connections)}
                report["rows"].append(row)
                print(f"beam {beam}, {connections:3} connections: {row['requests_per_second']:7.1f} requests/s, p50 {row['p50_ms']:6.1f} ms, p99 {row['p99_ms']:6.1f} ms, "
                      f"max {row['max_ms']:6.1f} ms, {row['failed']} failed", flush=True)
        if given.memory:
            requests = [request_of(given.path, sentence, server.port, 1) for sentence in sentences]
            report["memory_mb"].append(server.resident())
            for _ in range(10):
                row = load(server, requests, given.memory // 10, counts[-1])
                report["memory_mb"].append(server.resident())
            print(f"resident MB before and at each tenth of {given.memory} requests: " + " ".join(f"{mb:.1f}" for mb in report["memory_mb"]))
        code, said = server.stop()
        if code:
            raise SystemExit(f"it ended with {code}: {said}")
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
