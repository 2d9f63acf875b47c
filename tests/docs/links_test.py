"""What docs/links.py finds: links_test.py FOLDER_OF_LINKS_PY"""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv.pop())
import links  # noqa: E402

PAGES = {
    "README.md": "# One\n[two](docs/two.md) [a heading](docs/two.md#an-options-heading) [here](#one) [out](https://host/x)\n![picture](p.png)\n"
                 "`[code](no.md)`\n```\n[code](no.md)\n```\n",
    "docs/two.md": "# Two\n## An `option`'s heading\n[back](../README.md#one) [a](two.md) [b](two.md) [c](two.md) [d](two.md) [e](two.md)\n",
    "docs/three.md": "[one](../README.md)\n",
    "p.png": "",
    "build/old.md": "[gone](gone.md)\n",
}
SITE = {
    "index.html": "<a href='a.html#x'>a</a>" * 10,
    "a.html": "<p id='x'></p><a href='index.html'>i</a>",
    "b.html": "<img src='a.html'><a href='https://host/'>out</a>",
}


class Links(unittest.TestCase):
    def said(self, files, **changes):
        """What is said of the files, some of them changed; the mistakes, or the count when there are none."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (files | changes).items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            printed = io.StringIO()
            try:
                with contextlib.redirect_stdout(printed):
                    links.check(folder)
            except SystemExit as end:
                return str(end)
            return printed.getvalue()

    def test_pages_without_a_mistake(self):
        self.assertIn("3 pages, 11 links within them, none dead", self.said(PAGES))
        self.assertIn("3 pages, 12 links within them, none dead", self.said(SITE))

    def test_a_file_that_is_not_there(self):
        self.assertEqual("docs/three.md:2: leads nowhere: ../four.md",
                         self.said(PAGES, **{"docs/three.md": "[one](../README.md)\n[four](../four.md)\n"}))

    def test_a_heading_that_is_not_there(self):
        self.assertEqual("docs/three.md:1: no such heading: two.md#three", self.said(PAGES, **{"docs/three.md": "[t](two.md#three)"}))
        self.assertEqual("b.html:1: no such heading: a.html#y", self.said(SITE, **{"b.html": "<a href='a.html#y'>a</a>"}))

    def test_a_picture_that_is_not_there(self):
        self.assertEqual("docs/three.md:1: leads nowhere: p.png", self.said(PAGES, **{"docs/three.md": "![p](p.png)"}))

    def test_a_folder_above(self):
        self.assertEqual("docs/three.md:1: leads nowhere: ../../x", self.said(PAGES, **{"docs/three.md": "[x](../../x)"}))

    def test_what_comes_from_the_network(self):
        for text in ("<script src='https://host/x.js'></script>", "<link rel='stylesheet' href='//host/x.css'>", "<img src='http://host/x.png'>"):
            self.assertIn("b.html:1: is loaded from the network", self.said(SITE, **{"b.html": text}))

    def test_too_little_to_be_a_repository(self):
        self.assertIn("1 pages with 0 links only", self.said({"a.md": "nothing"}))


unittest.main()
