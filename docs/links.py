#!/usr/bin/env python3
"""Finds dead links: docs/links.py FOLDER

Looks at every Markdown page (.md) below FOLDER, or at every page of a site (.html) where the folder has an index.html. Each link and
picture that stays within the folder must lead to a file, and to a heading or name in it where it has a #. A page of a site takes nothing
from the network: no script, style, font or picture. Links for people to other hosts (https://) are not followed, and the names that pages
below reference/ use are Doxygen's own affair. Exit status 1, and a line
for each mistake, if there is one. Folders named build, out, shared or with a dot in front are left out.
"""
import html.parser
import os
import pathlib
import re
import sys
import urllib.parse

SKIPPED = {"build", "out", "shared"}  # folders of a repository that are no part of it
FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.M | re.S)


def without_code(text):
    """The text with code blanked out: links in it are none."""
    text = FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    return re.sub(r"`[^`\n]*`", lambda match: " " * len(match.group()), text)


def slug(heading):
    """The anchor that a heading gets: GitHub's rule, which MkDocs follows for what these pages use."""
    heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class Page:
    """The links of a file, each with its line, and the anchors that it has."""

    def __init__(self, path):
        self.links, self.anchors, self.remote = [], {""}, []
        (self.read_markdown if path.suffix == ".md" else self.read_html)(path.read_text())

    def read_markdown(self, text):
        for heading in re.findall(r"^#+ +(.*)$", FENCE.sub("", text), re.M):
            self.anchors.add(slug(heading.replace("`", "")))
        plain = without_code(text)
        # The text of a link may hold code, so it is taken from the whole text, by the place of its target.
        for match in re.finditer(r"\]\(([^)\s]+)\)|\b(?:src|href)=\"([^\"]+)\"", plain):
            self.links.append((plain.count("\n", 0, match.start()) + 1, match.group(1) or match.group(2)))

    def read_html(self, text):
        page = self

        class Reader(html.parser.HTMLParser):
            def handle_starttag(self, tag, attributes):
                given = dict(attributes)
                page.anchors.update(given[key] for key in ("id", "name") if given.get(key))
                for key in ("href", "src"):
                    if given.get(key):
                        page.links.append((self.getpos()[0], given[key]))
                        loads = tag not in ("a", "link") or (tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload"))
                        if loads and re.match(r"(https?:)?//", given[key]):
                            page.remote.append((self.getpos()[0], given[key]))

        Reader().feed(text)


def files_below(root, suffix):
    """The files of that kind, in order; of a repository without the folders that are no part of it."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".") and (suffix != ".md" or name not in SKIPPED)]
        found += [pathlib.Path(folder) / name for name in names if name.endswith(suffix)]
    return sorted(found)


def check(folder):
    """Ends the program with exit status 1 if a page below the folder has a dead link."""
    root = pathlib.Path(folder).resolve()
    suffix = ".html" if (root / "index.html").exists() else ".md"
    files = files_below(root, suffix)
    pages = {path: Page(path) for path in files}
    mistakes, seen = [], 0
    for path, page in pages.items():
        place = path.relative_to(root)
        mistakes += [f"{place}:{line}: is loaded from the network: {link}" for line, link in page.remote]
        for line, link in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            seen += 1
            target = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir() and suffix == ".html":
                target = target / "index.html"
            if not target.is_relative_to(root) or not target.exists():
                mistakes.append(f"{place}:{line}: leads nowhere: {link}")
            elif parts.fragment and place.parts[0] != "reference" and target in pages and urllib.parse.unquote(parts.fragment) not in pages[target].anchors:
                mistakes.append(f"{place}:{line}: no such heading: {link}")
    if len(files) < 3 or seen < 10:
        mistakes.append(f"{root}: looked at {len(files)} pages with {seen} links only")
    if mistakes:
        raise SystemExit("\n".join(mistakes))
    print(f"{root}: {len(files)} pages, {seen} links within them, none dead")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    check(sys.argv[1])
