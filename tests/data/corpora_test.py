"""translator data against a server of this machine: small archives in the layout of the published ones, whole and broken in every way that
servers and networks have."""
import contextlib
import gzip
import hashlib
import http.server
import io
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zipfile

TRANSLATOR = os.path.abspath(sys.argv[1])
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sorry</title></head><body>" + b"please log in " * 50 + b"</body></html>\n"


class Host:
    """Serves `files` by path; `broken[path]` is a function of (handler, bytes) that answers otherwise."""

    def __init__(self, certificate=None):
        self.files, self.broken, self.asked = {}, {}, []
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                host.asked.append((self.path, self.headers.get("Range"), self.headers.get("User-Agent")))
                body = host.files.get(self.path)
                with contextlib.suppress(ConnectionError):
                    if self.path in host.broken:
                        host.broken[self.path](self, body)
                    elif body is None:
                        self.reply(404, PAGE)
                    else:
                        self.whole(body)

            def reply(self, status, body, headers=(), length=None):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def whole(self, body, limit=None, tag=None):
                """The file, or what Range asks of it; with a limit the connection ends after so many bytes."""
                headers = [("ETag", tag or f'"{hashlib.md5(body).hexdigest()}"'), ("Accept-Ranges", "bytes")]
                asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
                begin = int(asked.group(1)) if asked and self.headers.get("If-Range", headers[0][1]) == headers[0][1] else 0
                if begin >= len(body):
                    return self.reply(416, b"", [("Content-Range", f"bytes */{len(body)}")])
                if begin:
                    headers.append(("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}"))
                rest = body[begin:]
                self.reply(206 if begin else 200, rest[:limit], headers, len(rest))
                if limit is not None and limit < len(rest):
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that went away
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def times(self, path):
        return sum(1 for asked in self.asked if asked[0] == path)


# ---- archives in the published layouts

def tgz(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    return out.getvalue()


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return out.getvalue()


def lines(word, count, begin=0):
    return "".join(f"{word} number {i} stands here.\n" for i in range(begin, begin + count)).encode()


def sgm(kind, word, count):
    """A test set of WMT: documents of ten segments, with an entity in each."""
    text = f'<{kind}set setid="newstest2014" srclang="any">\n'
    for document in range(0, count, 10):
        text += f'<doc sysid="ref" docid="doc-{document // 10}" genre="news" origlang="de">\n<p>\n'
        for i in range(document, min(document + 10, count)):
            text += f'<seg id="{i - document + 1}">{word} &amp; {i}</seg>\n'
        text += "</p>\n</doc>\n"
    return (text + f"</{kind}set>\n").encode()


def wmt14():
    def newstest(folder, count):
        return {f"{folder}newstest2014-deen-{kind}.{language}.sgm": sgm(kind, word, count)
                for kind in ("src", "ref") for language, word in (("en", "news"), ("de", "Nachrichten"))}

    def both(stem, count, begin):
        return {f"{stem}.de-en.de": lines("Der Satz", count, begin), f"{stem}.de-en.en": lines("The sentence", count, begin)}

    return {
        "training-parallel-europarl-v7.tgz": tgz(both("training/europarl-v7", 300, 0) | {
            "training/europarl-v7.fr-en.en": lines("The phrase", 20), "training/europarl-v7.fr-en.fr": lines("La phrase", 20)}),
        "training-parallel-commoncrawl.tgz": tgz(both("commoncrawl", 200, 300) | {"commoncrawl.de-en.annotation": b"http://x\n"}),
        "training-parallel-nc-v9.tgz": tgz(both("training/news-commentary-v9", 50, 490)),
        "dev.tgz": tgz({"dev/newstest2013.en": lines("Valid", 30), "dev/newstest2013.de": lines("Gültig", 30)} | newstest("dev/", 25)),
        "test-full.tgz": tgz(newstest("test-full/", 33)),
        "test-filtered.tgz": tgz(newstest("test/", 27))}


def multi30k():
    counts = {"train": 290, "val": 14, "test_2016_flickr": 10, "test_2017_flickr": 11, "test_2017_mscoco": 12, "test_2018_flickr": 13}
    words = {"en": "A dog", "de": "Ein Hund", "fr": "Un chien", "cs": "Pes"}
    return {f"{part}.{language}.gz": gzip.compress(lines(word, count), mtime=0) for part, count in counts.items()
            for language, word in words.items() if language != "cs" or "2017" not in part}


def opus(corpus, films, pairs=8):
    source = target = ids = ""
    for film in range(films):
        for i in range(pairs):
            source += "Yes.\n" if i == 0 else f"Line {i} of {film}.\n"
            target += "Ja.\n" if i == 0 else f"Zeile {i} von {film}.\n"
            ids += f"de/1999/{1000 + film}/{film}.xml.gz\ten/1999/{1000 + film}/{film + 1}.xml.gz\t{i + 1}\t{i + 1}\n"
    return zipped({"README": "of OPUS\n", "LICENSE": "see the site\n", f"{corpus}.de-en.de": target, f"{corpus}.de-en.en": source,
                   f"{corpus}.de-en.ids": ids})


def iwslt14():
    def tags(language, word):
        text = ""
        for talk in range(5):
            text += f"<url>http://www.ted.com/talks/lang/{language}/{talk}.html</url>\n<keywords>talks</keywords>\n<speaker>S</speaker>\n"
            text += f"<talkid>{talk}</talkid>\n<title>{word} {talk}</title>\n<description>{word}: {talk}</description>\n"
            text += "".join(f"{word} says {talk} {i} .\n" for i in range(20))
        return text.encode()

    members = {f"de-en/train.tags.de-en.{language}": tags(language, word) for language, word in (("de", "Er"), ("en", "He"))}
    for name in ("TED.dev2010", "TEDX.dev2012", "TED.tst2010", "TED.tst2011", "TED.tst2012"):
        for language in ("de", "en"):
            members[f"de-en/IWSLT14.{name}.de-en.{language}.xml"] = (
                '<?xml version="1.0" encoding="UTF-8"?>\n<mteval>\n' + sgm("src", name, 4).decode() + "</mteval>\n").encode()
    return {"de-en.tgz": tgz(members)}


# ---- calls

def call(*arguments, code=0, env=None, cwd=None):
    done = subprocess.run([TRANSLATOR, "data", *map(str, arguments)], capture_output=True, text=True, timeout=120, cwd=cwd,
                          env=None if env is None else os.environ | env)
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def refused(message, *arguments, code=1, **more):
    done = call(*arguments, code=code, **more)
    said = done.stderr.strip().split("\n")
    assert said[-1].startswith("translator: "), done.stderr
    assert message in said[-1], f"{message!r} is not in {said[-1]!r}"
    return said


def count(path):
    return path.read_bytes().count(b"\n")


class Test:
    def __init__(self, folder):
        self.folder, self.host = folder, Host()

    def put(self, prefix, files):
        for name, data in files.items():
            self.host.files[f"/{prefix}/{name}"] = data
        return f"{self.host.url}/{prefix}"

    def get(self, name, source, out, *more, **keywords):
        return call("get", name, "-o", self.folder / out, "--from", source, *more, **keywords)

    def opus_options(self):
        return ("--source-language", "en", "--target-language", "de")

    # -- corpora

    def test_list(self):
        text = call("list").stdout
        for name in ("wmt14-en-de", "multi30k", "opensubtitles", "tatoeba", "iwslt14-de-en"):
            assert name in text
        assert "CC BY 2.0 FR" in text
        out = self.folder / "list.json"
        call("list", "--json", out)
        piped = call("list", "--json", "-")
        assert piped.stdout == out.read_text() and "tatoeba" in piped.stderr
        rows = {row["name"]: row for row in json.loads(out.read_text())["corpora"]}
        europarl = rows["wmt14-en-de"]["files"][0]["addresses"][0]
        assert europarl["bytes"] == 657632379 and europarl["sha256"].startswith("0224c7c7") and europarl["url"].startswith("https://")
        parts = {part["part"]: part.get("pairs") for part in rows["wmt14-en-de"]["parts"]}
        assert parts["test"] == 3003 and parts["newstest2014_2737"] == 2737
        assert all(address["url"].startswith("https://") for row in rows.values() for file in row["files"] for address in file["addresses"])

    def test_wmt14(self):
        source = self.put("wmt14", wmt14())
        done = self.get("wmt14-en-de", source, "wmt14", "--any-version")
        out = self.folder / "wmt14"
        assert done.stdout.index("licence: No licence is stated") < done.stdout.index("fetched")
        info = json.loads((out / "corpus.json").read_text())
        assert info["train"] == 540 and info["dropped"] == {"duplicate": 10}, info  # 490 to 499 are in two of them
        assert (info["valid"], info["test"], info["tests"]) == (30, 33, [{"name": "newstest2014_2737", "pairs": 27}])
        assert (out / "test.en").read_text().startswith("news & 0\n")
        assert (out / "test.de").read_text().startswith("Nachrichten & 0\n")
        assert (out / "test.documents").read_text().startswith("10\tdoc-0\n")
        assert (out / "valid.de").read_text().startswith("Gültig number 0")
        assert "research" in info["licence"] and "Europarl" in info["attribution"]
        # the other way round, of the files that were fetched, without a network
        asked = len(self.host.asked)
        call("get", "wmt14-en-de", "-o", self.folder / "back", "--from", self.folder / "wmt14.downloads", "--any-version",
             "--source-language", "de", "--target-language", "en")
        assert (self.folder / "back/train.de").read_bytes() == (out / "train.de").read_bytes()
        assert len(self.host.asked) == asked

    def test_multi30k(self):
        source = self.put("multi30k", multi30k())
        for pair, tests in (("en-de", 3), ("fr-cs", 1), ("de-fr", 3)):
            s, t = pair.split("-")
            self.get("multi30k", source, pair, "--any-version", "--source-language", s, "--target-language", t)
            info = json.loads((self.folder / pair / "corpus.json").read_text())
            assert (info["train"], info["valid"], info["test"], len(info["tests"])) == (290, 14, 10, tests), info
            assert count(self.folder / pair / f"test_2018_flickr.{t}") == 13
        refused("multi30k is in en, de, fr, cs, and 'es' is asked for", "get", "multi30k", "--target-language", "es", cwd=self.folder)
        # what it makes can be trained on
        run = subprocess.run([TRANSLATOR, "train", "--corpus", self.folder / "en-de", "-r", self.folder / "run", "--updates", "2", "--size", "tiny"],
                             capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, run.stderr
        assert "Multi30K" in (self.folder / "run/data.json").read_text()

    def test_opensubtitles(self):
        source = self.put("opus", {"de-en.txt.zip": opus("OpenSubtitles", 30)})
        self.get("opensubtitles", source, "films", "--any-version", *self.opus_options(), "--test", "16", "--valid", "8")
        out = self.folder / "films"
        info = json.loads((out / "corpus.json").read_text())
        # each film begins alike, and what begins alike is there once
        assert info["dropped"] == {"duplicate": 29} and info["train"] + info["valid"] + info["test"] == 211, info
        assert sum(info["documents"].values()) == 30 and 16 <= info["test"] < 24 and 8 <= info["valid"] < 16, info
        assert count(out / "train.documents") == info["documents"]["train"] and count(out / "train.en") == info["train"]
        assert (out / "de-en.txt.zip.LICENSE").exists()
        refused("opensubtitles is in many languages: --source-language and --target-language", "get", "opensubtitles", code=2)

    def test_tatoeba(self):
        source = self.put("tatoeba", {"de-en.txt.zip": opus("Tatoeba", 1, 200)})
        self.get("tatoeba", source, "tatoeba", *self.opus_options())
        info = json.loads((self.folder / "tatoeba/corpus.json").read_text())
        assert "documents" not in info and info["test"] == 10 and info["licence"].startswith("CC BY 2.0 FR"), info
        self.get("tatoeba", source, "sentences", *self.opus_options(), "--seed", "2")
        assert (self.folder / "sentences/test.en").read_bytes() != (self.folder / "tatoeba/test.en").read_bytes()

    def test_iwslt14(self):
        source = self.put("iwslt", iwslt14())
        self.get("iwslt14-de-en", source, "iwslt", "--any-version")
        out = self.folder / "iwslt"
        info = json.loads((out / "corpus.json").read_text())
        assert (info["train"], info["valid"], info["test"]) == (106, 4, 20), info  # 22 a talk, each 23rd
        assert (out / "train.de").read_text().startswith("Er 0\nEr: 0\nEr says 0 0 .\n")
        assert "<" not in (out / "train.en").read_text()

    # -- what is at the other end

    def tatoeba_from(self, prefix, data, broken=None):
        """A mirror with one archive, and how it answers."""
        source = self.put(prefix, {"de-en.txt.zip": data})
        path = f"/{prefix}/de-en.txt.zip"
        if broken:
            self.host.broken[path] = broken
        return source, path

    def nothing_is_left(self, out):
        assert not (self.folder / out).exists()
        downloads = self.folder / f"{out}.downloads"
        assert not downloads.exists() or not list(downloads.iterdir()), list(downloads.iterdir())

    def test_pages_in_the_place_of_data(self):
        good = opus("Tatoeba", 1, 100)
        for name, body in (("page", PAGE), ("late", b"\n\n  " + PAGE), ("gzip", gzip.compress(PAGE)), ("text", b"not found\n" * 20),
                           ("short", b"no"), ("empty", b"")):
            source, _ = self.tatoeba_from(f"page-{name}", good, lambda handler, _, body=body: handler.reply(200, body))
            said = refused("cannot fetch 'de-en.txt.zip': ", "get", "tatoeba", "-o", self.folder / name, "--from", source, *self.opus_options())
            assert {"page": "a page (HTML) comes", "late": "a page (HTML) comes", "gzip": "is a page (HTML)"}.get(
                name, "what comes is neither gzip nor zip") in said[-1], said
            self.nothing_is_left(name)

    def test_sums_and_sizes(self):
        files = multi30k()
        source = self.put("sums", files)
        said = refused("it has ", "get", "multi30k", "-o", self.folder / "sums", "--from", source)
        assert "and 568929 are expected" in said[-1] and "without a network: fetch https://raw" in said[-1], said
        assert "train.en.gz (568929 bytes), the 11 others (translator data list --json - has their addresses) elsewhere" in said[-1], said
        assert len(said[-1]) < 500, said
        self.nothing_is_left("sums")
        padded = files["train.en.gz"]
        self.host.files["/sums/train.en.gz"] = padded.ljust(568929, b"\0")  # of the right size, and still another file
        said = refused("its sha256 is ", "get", "multi30k", "-o", self.folder / "sums", "--from", source)
        assert "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f is expected" in said[-1], said
        self.nothing_is_left("sums")
        # and one that lies there is left alone
        (self.folder / "sums.downloads").mkdir(exist_ok=True)
        (self.folder / "sums.downloads/train.en.gz").write_bytes(padded)
        refused("sums.downloads/train.en.gz' is not the file that is meant", "get", "multi30k", "-o", self.folder / "sums", "--from", source)
        assert (self.folder / "sums.downloads/train.en.gz").read_bytes() == padded
        refused("is not 'train.en.gz' of the corpus: it has ", "get", "multi30k", "-o", self.folder / "sums", "--from",
                self.local("sums-local", files))

    def local(self, name, files):
        folder = self.folder / name
        folder.mkdir()
        for file, data in files.items():
            (folder / file).write_bytes(data)
        return folder

    def test_an_archive_that_is_cut_off(self):
        good = opus("Tatoeba", 1, 100)
        source, _ = self.tatoeba_from("cut", good[:len(good) // 2])
        said = refused("is broken: ", "get", "tatoeba", "-o", self.folder / "cut", "--from", source, *self.opus_options())
        assert "cannot fetch 'de-en.txt.zip': " in said[-1], said
        self.nothing_is_left("cut")
        # the next address has it
        whole, _ = self.tatoeba_from("whole", good)
        self.get("tatoeba", source, "cut", "--from", whole, *self.opus_options())
        assert (self.folder / "cut.downloads/de-en.txt.zip").read_bytes() == good

    def test_unequal_sides(self):
        files = multi30k()
        files["train.de.gz"] = gzip.compress(lines("Ein Hund", 289))
        source = self.put("unequal", files)
        said = refused("they do not belong together line by line", "get", "multi30k", "-o", self.folder / "unequal", "--from", source, "--any-version")
        assert "290 lines" in said[-1] and "has 289" in said[-1], said
        assert not (self.folder / "unequal").exists()
        # a number of lines that is another one than is known
        known = opus("OpenSubtitles", 3)
        with zipfile.ZipFile(io.BytesIO(known)) as archive:
            members = {name.replace("de-en", "fr-hy").replace(".de", ".fr").replace(".en", ".hy"): archive.read(name) for name in archive.namelist()}
        data = zipped(members)
        size = 41861 - len(data)
        assert size > 0
        (self.folder / "fr-hy.txt.zip").write_bytes(b"".join((data[:-22], data[-22:-2], size.to_bytes(2, "little"), b" " * size)))
        said = refused("24 pairs, and there must be 668", "get", "opensubtitles", "-o", self.folder / "few", "--from", self.folder / "fr-hy.txt.zip",
                       "--source-language", "fr", "--target-language", "hy")

    def test_redirects(self):
        good = opus("Tatoeba", 1, 100)
        source, path = self.tatoeba_from("moved", good)
        self.host.files["/elsewhere"] = good
        self.host.broken[path] = lambda handler, _: handler.reply(302, b"", [("Location", "/elsewhere")])
        self.get("tatoeba", source, "moved", *self.opus_options())
        self.host.broken[path] = lambda handler, _: handler.reply(302, b"", [("Location", path)])
        refused("redirects", "get", "tatoeba", "-o", self.folder / "loop", "--from", source, *self.opus_options())
        self.host.broken[path] = lambda handler, _: handler.reply(302, b"", [("Location", "file:///etc/passwd")])
        refused("cannot fetch", "get", "tatoeba", "-o", self.folder / "loop", "--from", source, *self.opus_options())
        self.nothing_is_left("loop")

    def test_the_second_address(self):
        good = opus("Tatoeba", 1, 100)
        source, path = self.tatoeba_from("second", good)
        self.host.broken["/first/de-en.txt.zip"] = lambda handler, _: handler.reply(404, PAGE)
        done = self.get("tatoeba", f"{self.host.url}/first", "second", "--from", source, *self.opus_options())
        assert "/first/de-en.txt.zip: the server answers 404" in done.stderr, done.stderr
        assert self.host.times(path) == 1
        said = refused("the server answers 404", "get", "tatoeba", "-o", self.folder / "none", "--from", f"{self.host.url}/first", *self.opus_options())
        assert "without a network: fetch https://object.pouta.csc.fi/OPUS-Tatoeba/v2021-07-22/moses/de-en.txt.zip elsewhere" in said[-1], said

    def test_a_server_that_makes_it_begin_again_and_again(self):
        good = opus("Tatoeba", 1, 3000)

        def turn(handler, body):  # half of it, and nothing from there on
            if handler.headers.get("Range"):
                return handler.reply(416, b"", [("Content-Range", f"bytes */{len(body)}")])
            handler.whole(body, limit=len(body) // 2)

        source, path = self.tatoeba_from("again", good, turn)
        refused("cannot fetch 'de-en.txt.zip'", "get", "tatoeba", "--from", source, "-o", self.folder / "again", *self.opus_options())
        assert self.host.times(path) < 12, self.host.asked

    def test_options_of_get_are_its_own(self):
        refused("tatoeba is in many languages", "get", "tatoeba", "--from", self.folder, code=2)
        refused("NAME is required", "get", "-o", "x", code=2)
        refused("--test: multi30k has a test of its own", "get", "multi30k", "--test", "5", "--from", self.folder, code=2)
        refused("--valid: iwslt14-de-en has a validation of its own", "get", "iwslt14-de-en", "--valid", "5", "--from", self.folder, code=2)
        refused("--seed: wmt14-en-de has a test and a validation of its own", "get", "wmt14-en-de", "--seed", "5", "--from", self.folder, code=2)

    def test_a_server_that_stops_in_the_middle(self):
        good = opus("Tatoeba", 1, 3000)
        source, path = self.tatoeba_from("stops", good, lambda handler, body: handler.whole(body, limit=4000))
        self.get("tatoeba", source, "stops", *self.opus_options())
        ranges = [asked[1] for asked in self.host.asked if asked[0] == path]
        assert ranges[0] is None and ranges[1] == "bytes=4000-" and ranges[2] == "bytes=8000-", ranges
        assert (self.folder / "stops.downloads/de-en.txt.zip").read_bytes() == good
        assert [p.name for p in (self.folder / "stops.downloads").iterdir()] == ["de-en.txt.zip"]

    def test_a_length_that_is_not_true(self):
        good = opus("Tatoeba", 1, 100)
        source, _ = self.tatoeba_from("longer", good, lambda handler, body: (handler.reply(200, body, length=len(body) + 100), setattr(
            handler, "close_connection", True)))
        said = refused("cannot fetch", "get", "tatoeba", "-o", self.folder / "longer", "--from", source, *self.opus_options())
        assert "100 bytes remaining" in said[-1], said
        source, _ = self.tatoeba_from("shorter", good, lambda handler, body: handler.reply(200, body[:-900], length=len(body) - 900))
        done = self.get("tatoeba", source, "shorter", *self.opus_options(), code=1)
        assert "is broken" in done.stderr, done.stderr
        self.nothing_is_left("shorter")

    def test_a_server_that_hangs(self):
        good = opus("Tatoeba", 1, 100)

        def hang(handler, body):
            handler.reply(200, body[:500], length=len(body))
            time.sleep(5)

        source, _ = self.tatoeba_from("hangs", good, hang)
        begin = time.monotonic()
        said = refused("cannot fetch", "get", "tatoeba", "-o", self.folder / "hangs", "--from", source, "--timeout", "1", *self.opus_options())
        assert time.monotonic() - begin < 40 and "are kept, and the same call goes on" in said[-1], said

    def stopped(self, source, out, *more):
        """A call that a signal ends when something has come."""
        process = subprocess.Popen([TRANSLATOR, "data", "get", "tatoeba", "-o", self.folder / out, "--from", source, *self.opus_options(), *more],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        part = self.folder / f"{out}.downloads/de-en.txt.zip.part"
        for _ in range(200):
            if part.exists() and part.stat().st_size >= 3000:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130, said
        assert "are kept; the same call goes on" in said, said
        assert not (self.folder / out).exists()
        return part

    def test_a_signal_and_then_the_rest(self):
        good = opus("Tatoeba", 1, 3000)
        slow = lambda handler, body: (handler.reply(200, body[:3000], [("ETag", '"x"')], len(body)), handler.wfile.flush(), time.sleep(4))
        source, path = self.tatoeba_from("signal", good, slow)
        part = self.stopped(source, "signal")
        assert part.read_bytes() == good[:3000]
        self.host.broken[path] = lambda handler, body: handler.whole(body, tag='"x"')
        self.get("tatoeba", source, "signal", *self.opus_options())
        assert self.host.asked[-1][1] == "bytes=3000-"
        assert not part.exists() and (self.folder / "signal.downloads/de-en.txt.zip").read_bytes() == good
        # a server that knows no ranges: from the beginning
        self.host.broken[path] = slow
        self.stopped(source, "no-ranges")
        self.host.broken[path] = lambda handler, body: handler.reply(200, body)
        self.get("tatoeba", source, "no-ranges", *self.opus_options())
        assert (self.folder / "no-ranges.downloads/de-en.txt.zip").read_bytes() == good
        # a file that is another one meanwhile, and a server that does not look at If-Range
        self.host.broken[path] = slow
        self.stopped(source, "changed")
        self.host.files[path] = other = opus("Tatoeba", 1, 2900)

        def careless(handler, body):
            begin = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
            handler.reply(206 if begin else 200, body[begin:], [("ETag", '"y"')] + ([("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")] if begin else []))

        self.host.broken[path] = careless
        self.get("tatoeba", source, "changed", *self.opus_options())
        assert (self.folder / "changed.downloads/de-en.txt.zip").read_bytes() == other
        # a part that is longer than the file
        self.host.broken[path] = slow
        self.host.files[path] = good
        self.stopped(source, "longer-part")
        self.host.files[path] = small = opus("Tatoeba", 1, 60)
        del self.host.broken[path]
        self.get("tatoeba", source, "longer-part", *self.opus_options())
        assert (self.folder / "longer-part.downloads/de-en.txt.zip").read_bytes() == small

    def test_a_part_that_is_damaged(self):
        good = opus("Tatoeba", 1, 300)
        source, path = self.tatoeba_from("damaged", good)
        known = f'{self.host.url}{path}\n"{hashlib.md5(good).hexdigest()}"\n{len(good)}\n'
        for i, (begin, text) in enumerate(((good[:500], known), (b"x" * 500, known), (b"x" * len(good), known), (good + b"x", known), (b"", known),
                                           (good[:500], ""), (good[:500], "\n\n\n"), (good[:500], known.replace(str(len(good)), "9" * 40)),
                                           (good[:500], known[:-9]), (good[:500], "\xff\0" * 99), (good[:500], known.replace('"', "")))):
            folder = self.folder / f"damaged{i}.downloads"
            folder.mkdir()
            (folder / "de-en.txt.zip.part").write_bytes(begin)
            (folder / "de-en.txt.zip.part.from").write_text(text)
            self.get("tatoeba", source, f"damaged{i}", *self.opus_options())
            assert (folder / "de-en.txt.zip").read_bytes() == good, i
            assert len(list(folder.iterdir())) == 1

    def test_one_process_at_a_time(self):
        good = opus("Tatoeba", 1, 3000)
        source, path = self.tatoeba_from("twice", good)
        wait = threading.Event()
        self.host.broken[path] = lambda handler, body: (handler.reply(200, body[:3000], length=len(body)), handler.wfile.flush(), wait.wait(30))
        first = subprocess.Popen([TRANSLATOR, "data", "get", "tatoeba", "-o", self.folder / "twice", "--from", source, *self.opus_options()],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.host.times(path):
            time.sleep(0.05)
        time.sleep(0.3)
        refused("is being fetched by another process", "get", "tatoeba", "-o", self.folder / "twice", "--from", source, *self.opus_options())
        first.send_signal(signal.SIGTERM)
        wait.set()
        assert first.wait(30) == 143

    def test_servers_that_are_busy(self):
        good = opus("Tatoeba", 1, 100)
        answers = [503, 429]

        def busy(handler, body):
            if answers:
                handler.reply(answers.pop(), b"later")
            else:
                handler.whole(body)

        source, path = self.tatoeba_from("busy", good, busy)
        self.get("tatoeba", source, "busy", *self.opus_options())
        assert self.host.times(path) == 3

    def test_nobody_is_there(self):
        said = refused("cannot fetch 'de-en.txt.zip': http://127.0.0.1:1/de-en.txt.zip: ", "get", "tatoeba", "-o", self.folder / "nobody", "--from",
                       "http://127.0.0.1:1", *self.opus_options())
        assert len(said) == 1
        # by its name alone, behind a proxy that is not there: no address is asked directly
        said = refused("cannot fetch 'de-en.txt.zip': https://object.pouta.csc.fi/", "get", "tatoeba", *self.opus_options(), cwd=self.folder,
                       env={"https_proxy": "http://127.0.0.1:1", "HTTPS_PROXY": "", "no_proxy": "", "NO_PROXY": ""})
        assert "--from FOLDER" in said[-1]

    def test_proxy_and_agent(self):
        good = opus("Tatoeba", 1, 100)
        self.host.files["http://corpora.invalid/a/de-en.txt.zip"] = good  # what a proxy is asked for
        self.get("tatoeba", "http://corpora.invalid/a/", "proxy", "--user-agent", "Mozilla/5.0 (a reader)", *self.opus_options(),
                 env={"http_proxy": self.host.url, "no_proxy": "", "NO_PROXY": ""})
        assert self.host.asked[-1][2] == "Mozilla/5.0 (a reader)"
        source, _ = self.tatoeba_from("agent", good)
        self.get("tatoeba", source, "agent", *self.opus_options())
        assert re.fullmatch(r"heed/\d+\.\d+\.\d+ \(translator data get\)", self.host.asked[-1][2]), self.host.asked[-1]

    def test_certificates(self):
        if not shutil.which("openssl"):
            return print("  without openssl no certificate is made")
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj",
                        "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        secure = Host((certificate, key))
        good = opus("Tatoeba", 1, 100)
        secure.files["/de-en.txt.zip"] = good
        trusted = {"SSL_CERT_FILE": str(certificate), "CURL_CA_BUNDLE": ""}
        said = refused("certificate", "get", "tatoeba", "-o", self.folder / "tls", "--from", secure.url, *self.opus_options(),
                       env={"SSL_CERT_FILE": "", "CURL_CA_BUNDLE": ""})
        assert not secure.asked, said
        self.get("tatoeba", secure.url, "tls", *self.opus_options(), env=trusted)
        source, path = self.tatoeba_from("plain", good)
        secure.broken["/de-en.txt.zip"] = lambda handler, _: handler.reply(302, b"", [("Location", f"{source}/de-en.txt.zip")])
        refused("cannot fetch", "get", "tatoeba", "-o", self.folder / "down", "--from", secure.url, *self.opus_options(), env=trusted)
        assert self.host.times(path) == 0  # from https there is no way back to http

    # -- this machine

    def test_from_files(self):
        good = opus("Tatoeba", 1, 100)
        folder = self.local("have", {"de-en.txt.zip": good})
        call("get", "tatoeba", "-o", self.folder / "a", "--from", folder, *self.opus_options())
        os.rename(folder / "de-en.txt.zip", folder / "mine.zip")  # of one file the name does not matter
        call("get", "tatoeba", "-o", self.folder / "b", "--from", folder / "mine.zip", *self.opus_options())
        assert (self.folder / "a/train.en").read_bytes() == (self.folder / "b/train.en").read_bytes()
        assert not (self.folder / "a.downloads").exists()
        refused("--from: de-en.txt.zip is not there: ", "get", "tatoeba", "-o", self.folder / "c", "--from", folder, *self.opus_options())
        refused("--from: train.en.gz and 11 other files are not there: ", "get", "multi30k", "-o", self.folder / "c", "--from", folder)
        refused("--from: '", "get", "tatoeba", "-o", self.folder / "c", "--from", self.folder / "gone", *self.opus_options())
        (folder / "de-en.txt.zip").write_bytes(PAGE)
        refused("de-en.txt.zip' is ", "get", "tatoeba", "-o", self.folder / "c", "--from", folder, *self.opus_options())
        refused("'nope' is no corpus that is known (wmt14-en-de, multi30k, ", "get", "nope")
        assert not (self.folder / "c").exists()

    def test_folders_that_are_there(self):
        good = opus("Tatoeba", 1, 100)
        source, path = self.tatoeba_from("there", good)
        self.get("tatoeba", source, "there", *self.opus_options())
        asked = self.host.times(path)
        refused("exists already (--overwrite", "get", "tatoeba", "-o", self.folder / "there", "--from", source, *self.opus_options())
        done = self.get("tatoeba", source, "there", "--overwrite", *self.opus_options())
        assert "is there: " in done.stdout and self.host.times(path) == asked  # fetched once
        self.get("tatoeba", source, "other", "--downloads", self.folder / "all", *self.opus_options())
        assert (self.folder / "all/tatoeba/de-en.txt.zip").exists()

    def test_disks(self):
        good = opus("Tatoeba", 1, 3000)
        source, _ = self.tatoeba_from("disk", good)
        command = f"trap '' XFSZ; ulimit -f 4; exec '{TRANSLATOR}' data get tatoeba -o '{self.folder}/disk' --from {source} " + " ".join(self.opus_options())
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "cannot write '" in done.stderr and "File too large" in done.stderr, done.stderr
        assert "\n" not in done.stderr.strip()
        self.get("tatoeba", source, "disk", *self.opus_options())  # and it goes on
        if os.geteuid() != 0:
            locked = self.folder / "locked"
            locked.mkdir()
            locked.chmod(0o555)
            refused("locked", "get", "tatoeba", "-o", locked / "x", "--from", source, *self.opus_options())
        refused("", "get", "tatoeba", "-o", self.folder / "x", "--downloads", "/dev/null", "--from", source, *self.opus_options())


def main():
    names = [name for name in dir(Test) if name.startswith("test_")]
    for name in sys.argv[2:] or names:
        with tempfile.TemporaryDirectory() as folder:
            begin = time.monotonic()
            getattr(Test(pathlib.Path(folder)), name)()
            print(f"{name}: {time.monotonic() - begin:.1f} s", flush=True)


main()
