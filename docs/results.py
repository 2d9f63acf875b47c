#!/usr/bin/env python3
"""Writes or checks what docs/results.md and README.md say of measurements.

  docs/results.py            exit status 1, and a line for each mistake, if
                               the table of stored runs in docs/results.md is not what bench/results/*.json hold, or
                               README.md sets a number in bold that docs/results.md does not have
  docs/results.py --write    writes that table
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN = "<!-- stored: begin (docs/results.py --write) -->\n"
END = "<!-- stored: end -->\n"
FIELDS = {"name", "shape", "threads", "heed_us", "torch_us", "ratio"}


def stored_rows():
    """The rows of every stored run, the training steps first; each has the keys FIELDS."""
    files = sorted((ROOT / "bench/results").glob("*.json"))
    rows = [row for file in files for row in json.loads(file.read_text())]
    for row in rows:
        if set(row) != FIELDS:
            raise SystemExit(f"bench/results: a row with the keys {sorted(row)}, expected {sorted(FIELDS)}")
        if abs(row["torch_us"] / row["heed_us"] - row["ratio"]) > 1e-3:
            raise SystemExit(f"bench/results: {row['name']}: ratio {row['ratio']} is not torch_us / heed_us")
    return sorted(rows, key=lambda row: not row["name"].startswith("train_step"))


def milliseconds(us):
    """Three digits: 709, 55.4, 0.085."""
    return f"{us / 1000:.{max(0, 3 - len(str(int(us / 1000)))) if us >= 1000 else 3}f}"


def table():
    cases = {}
    for row in stored_rows():
        cases.setdefault((row["name"], row["shape"]), {})[row["threads"]] = row
    threads = sorted({count for runs in cases.values() for count in runs})
    head = ["case", "size"] + [f"{count} thread{'s' if count > 1 else ''}: heed, PyTorch (ms)" for count in threads] + \
           [f"ratio, {count}" for count in threads]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for (name, shape), runs in cases.items():
        cells = [f"`{name}`", shape]
        cells += [f"{milliseconds(runs[n]['heed_us'])}, {milliseconds(runs[n]['torch_us'])}" if n in runs else "" for n in threads]
        cells += [f"**{runs[n]['torch_us'] / runs[n]['heed_us']:.2f}**" if n in runs else "" for n in threads]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n" + "\n".join(lines) + "\n\n"


def main():
    page = ROOT / "docs/results.md"
    text = page.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise SystemExit("docs/results.md: the two marks of the stored table are not there once each")
    before, rest = text.split(BEGIN)
    held, after = rest.split(END)
    if sys.argv[1:] == ["--write"]:
        page.write_text(before + BEGIN + table() + END + after)
        return
    if sys.argv[1:]:
        raise SystemExit(__doc__)
    mistakes = []
    wanted = table().split("\n")
    for line in wanted:
        if line not in held.split("\n"):
            mistakes.append(f"docs/results.md lacks a row of bench/results: {line}")
    for line in held.split("\n"):
        if line not in wanted:
            mistakes.append(f"docs/results.md has a row that bench/results does not have: {line}")
    quoted = [number for bold in re.findall(r"\*\*([^*\n]+)\*\*", (ROOT / "README.md").read_text())
              for number in re.findall(r"\d[\d.]*\d", bold)]
    numbers = set(re.findall(r"\d[\d.]*\d", text))
    mistakes += [f"README.md quotes {number}, which is not in docs/results.md" for number in quoted if number not in numbers]
    if not quoted:
        mistakes.append("README.md quotes no figure in bold")
    print("\n".join(mistakes) or f"{len(wanted) - 5} rows as stored, {len(quoted)} figures quoted by README.md")
    sys.exit(1 if mistakes else 0)


main()
