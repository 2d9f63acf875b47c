#!/usr/bin/env python3
"""Lays out and builds the site: docs/site.py OUT [--pages]

OUT/pages gets the pages of the navigation (docs/mkdocs.yml) where the repository has them, what they show and link to, and the reference
from OUT/reference (docs/build.cmake makes it); a source file that a page links to becomes a page of code. Then MkDocs makes OUT/html of it and
docs/links.py looks for dead links; with --pages neither. Exit status 1 for a page that the navigation lacks, or that is not there.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import links  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
LANGUAGES = {".cpp": "cpp", ".def": "cpp", ".h": "cpp", ".py": "python", ".toml": "toml", ".json": "json", ".sh": "bash", ".cmake": "cmake"}


def navigation():
    text = (ROOT / "docs/mkdocs.yml").read_text()
    return re.findall(r"^ +- .*: (\S+\.(?:md|html))$", text[text.index("\nnav:\n"):], re.M)


def pages_of_the_repository():
    return {str(path.relative_to(ROOT)) for path in links.files_below(ROOT, ".md")}


def lay_out(pages, wanted):
    """Copies the pages `wanted` and what they lead to into the folder `pages`."""
    for name in wanted:
        source = ROOT / name
        text = source.read_text()
        for target in {link for _, link in links.Page(source).links}:
            path = (source.parent / target.partition("#")[0]).resolve()
            if "://" in target or target.startswith("#") or path.suffix == ".md" or not path.is_file():
                continue
            place = pages / path.relative_to(ROOT)
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix in LANGUAGES:
                code = path.read_text().rstrip("\n")
                (place.parent / (place.name + ".md")).write_text(
                    f"# {path.relative_to(ROOT)}\n\n````{LANGUAGES[path.suffix]}\n{code}\n````\n")
                text = text.replace(f"]({target})", f"]({target}.md)")
            else:
                shutil.copy(path, place)
        place = pages / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


def write_offline_search(html):
    """search/offline.js: the index and the worker of the search for pages that are opened as files (docs/theme/main.html)."""
    index = (html / "search/search_index.json").read_text()
    worker, = (html / "assets/javascripts/workers").glob("search.*.min.js")
    (html / "search/offline.js").write_text(
        f"var __search = {{\n  index: Promise.resolve({index}),\n"
        f"  worker: URL.createObjectURL(new Blob([{json.dumps(worker.read_text())}], {{type: 'text/javascript'}}))\n}};\n")


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--pages"]):
        raise SystemExit(__doc__)
    out = pathlib.Path(sys.argv[1]).resolve()
    wanted = [name for name in navigation() if name.endswith(".md")]
    # Not for readers of the site: the reference's own first page.
    missing = pages_of_the_repository() - set(wanted) - {"docs/reference.md"}
    mistakes = [f"docs/mkdocs.yml: the navigation lacks {name}" for name in sorted(missing)]
    mistakes += [f"docs/mkdocs.yml: the navigation has {name}, which is not there" for name in wanted if not (ROOT / name).is_file()]
    if mistakes or len(wanted) < 10:
        raise SystemExit("\n".join(mistakes) or f"docs/mkdocs.yml: understood {len(wanted)} pages only")
    pages = out / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    lay_out(pages, wanted)
    if sys.argv[2:]:
        print(f"{pages}: {len(wanted)} pages of the navigation")
        return
    shutil.copytree(ROOT / "docs/theme", pages / "docs/theme", dirs_exist_ok=True)
    shutil.copytree(out / "reference", pages / "reference")
    shutil.copytree(ROOT / "docs/theme", out / "theme", dirs_exist_ok=True)
    shutil.copy(ROOT / "docs/mkdocs.yml", out / "mkdocs.yml")
    subprocess.run(["mkdocs", "build", "--quiet", "--clean", "-f", out / "mkdocs.yml"], check=True)
    (out / "html/404.html").unlink()  # for a server's root
    write_offline_search(out / "html")
    links.check(out / "html")


main()
