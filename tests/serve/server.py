"""A `translator serve` of its own, for the tests of it: Server(TRANSLATOR, "-r", "en-fr", ...) on a free port."""
import http.client
import json
import re
import signal
import socket
import subprocess


class Server:
    def __init__(self, translator, *options):
        self.process = subprocess.Popen([translator, "serve", "--port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"http://[^:]+:(\d+)/", line)
        if not found:
            self.process.kill()
            raise SystemExit(f"serve says no address: {line!r} {self.process.stderr.read()!r}")
        self.port = int(found.group(1))
        self.url = f"http://127.0.0.1:{self.port}/"

    def __enter__(self):
        return self

    def __exit__(self, *what):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def ask(self, method, path, body=None, headers=None):
        """Status, headers and body, over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()

    def json(self, path, body, status=200):
        got, _, text = self.ask("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        assert got == status, f"{path}: {got} {text[:200]!r}"
        return json.loads(text)

    def raw(self, data, wait=10.0):
        """What comes back for these bytes until the server closes; None where it does not in time."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            got = b""
            try:
                connection.sendall(data)
            except OSError:
                pass  # it has heard enough
            try:
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65536):
                    got += part
            except socket.timeout:
                return None
            except OSError:
                pass
            return got

    def resident(self):
        """Megabytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def stop(self):
        """Ends it as Ctrl-C does; its exit code and what it said."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said
