#!/usr/bin/env python3
"""Writes or checks what docs/results.md and README.md say of measurements.

  docs/results.py            exit status 1, and a line for each mistake, if
                               a table between two marks of docs/results.md is not what bench/results holds, or
                               README.md sets a number in bold that docs/results.md does not have
  docs/results.py --write    writes those tables
"""
import json
import math
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench/results"
FIELDS = {"name", "shape", "threads", "heed_us", "torch_us", "ratio"}


def run_of(file):
    """A stored run: its context and its rows."""
    run = json.loads(file.read_text())
    if set(run) != {"context", "rows"} or not {"cpu", "programs", "command"} <= set(run["context"]):
        raise SystemExit(f"{file.name}: a stored run has a context (cpu, programs, command) and rows")
    return run


def comparison(file):
    """A stored run of compare_torch, the training steps first; each row has the keys FIELDS."""
    run = run_of(file)
    for row in run["rows"]:
        if set(row) - {"torch_weakened"} != FIELDS:
            raise SystemExit(f"{file.name}: a row with the keys {sorted(row)}, expected {sorted(FIELDS)}")
        rounded = 1e-3 + 1e-3 / row["heed_us"]  # times are stored to a nanosecond
        if abs(row["torch_us"] / row["heed_us"] - row["ratio"]) > rounded * max(1, row["ratio"]):
            raise SystemExit(f"{file.name}: {row['name']}: ratio {row['ratio']} is not torch_us / heed_us")
    run["rows"].sort(key=lambda row: not row["name"].startswith("train_step"))
    return run


def made_by(context):
    """The line below a table: where and how it was measured."""
    when = ", ".join(f"{what} {context[key]}" for key, what in (("commit", "commit"), ("date", "on")) if key in context)
    return f"{context['cpu']}; {'; '.join(context['programs'])}{'; ' + when if when else ''}; `{context['command']}`"


def milliseconds(us):
    """Three digits: 709, 55.4, 0.085."""
    return f"{us / 1000:.{max(0, 3 - len(str(int(us / 1000)))) if us >= 1000 else 3}f}"


def page_table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + ["| " + " | ".join(cells) + " |" for cells in rows]


def beside_pytorch(runs):
    """Cases and programs of several runs, threads side by side."""
    cases = {}
    for run in runs:
        for row in run["rows"]:
            cases.setdefault((row["name"], row["shape"]), {})[row["threads"]] = row
    threads = sorted({count for found in cases.values() for count in found})
    head = ["case", "size"] + [f"{count} thread{'s' if count > 1 else ''}: heed, PyTorch (ms)" for count in threads] + \
           [f"ratio, {count}" for count in threads]
    rows = []
    for (name, shape), found in cases.items():
        cells = [f"`{name}`", shape]
        cells += [f"{milliseconds(found[n]['heed_us'])}, {milliseconds(found[n]['torch_us'])}" if n in found else "" for n in threads]
        cells += [f"**{found[n]['torch_us'] / found[n]['heed_us']:.2f}**" if n in found else "" for n in threads]
        rows.append(cells)
    return page_table(head, rows) + [""] + [made_by(run["context"]) for run in runs]


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def of_files(pattern):
    runs = [comparison(file) for file in sorted(RESULTS.glob(pattern))]
    return [line for run in runs for line in beside_pytorch([run]) + [""]][:-1]


def ops():
    """Each stored run of the table of ops: its means, and the rows that are slower than PyTorch's."""
    lines = []
    for file in sorted((RESULTS / "ops").glob("*.json")):
        run = comparison(file)
        passes = {"forward": [], "with backward": []}
        for row in run["rows"]:
            passes["with backward" if row["name"].endswith("_bwd") else "forward"].append(row["ratio"])
        everything = [ratio for ratios in passes.values() for ratio in ratios]
        below = sorted((row for row in run["rows"] if row["ratio"] < 0.95), key=lambda row: row["ratio"])
        lines += page_table(["passes", "rows", "geometric mean", "at 1 or above", "at 0.9 or above"],
                            [[what, str(len(ratios)), f"{mean(ratios):.2f}", str(sum(r >= 1 for r in ratios)), str(sum(r >= 0.9 for r in ratios))]
                             for what, ratios in [*passes.items(), ("all", everything)]])
        lines += ["", made_by(run["context"]), "",
                  "Below 0.95: " + ", ".join(f"`{row['name'].removeprefix('ops/')}` {row['ratio']:.2f}" for row in below) + ".", ""]
    return lines[:-1]


MODELS = {"none": "without attention", "none_state": "without attention, state only", "additive": "additive attention", "transformer": "Transformer",
          "convolutional": "convolutional"}


def decoding_of(file):
    """Sentences a second of every architecture and kind of attention in a run of decode_bench."""
    run = run_of(file)
    found = {(r["model"], r["search"], r["products"], r["batch"], r["threads"]): r["sentences_per_second"] for r in run["rows"]}
    kinds = [r["model"] for r in run["rows"]]
    models = [m for m in MODELS if m in kinds] + sorted(set(kinds) - set(MODELS))
    head = ["", "batch"]
    for search in ("greedy", "beam 5"):
        head += [f"{search} f32", "bf16", "int8", "two threads, f32; bf16; int8"]
    rows = []
    for model in models:
        for batch in (1, 32, 64):
            cells = [MODELS.get(model, model.replace("_", " ")), str(batch)]
            for search in ("greedy", "beam5"):
                one, two = ([found.get((model, search, products, batch, threads)) for products in ("f32", "bf16", "int8")] for threads in (1, 2))
                cells += [f"{value:.0f}" if value else "" for value in one]
                cells.append("; ".join(f"{value:.0f}" if value else "" for value in two))
            rows.append(cells)
    return page_table(head, rows) + ["", made_by(run["context"])]


def decoding():
    lines = []
    for file in sorted(RESULTS.glob("decoding/random_weights*.json")):
        lines += decoding_of(file) + [""]
    return lines[:-1]


TABLES = {
    "stored": lambda: beside_pytorch([comparison(file) for file in sorted(RESULTS.glob("*.json"))]),
    "decoding beside PyTorch": lambda: of_files("decoding/beside_pytorch*.json"),
    "programs": lambda: of_files("programs/*.json"),
    "ops": ops,
    "decoding": decoding,
}


def main():
    page = ROOT / "docs/results.md"
    text = page.read_text()
    if sys.argv[1:] not in ([], ["--write"]):
        raise SystemExit(__doc__)
    mistakes, count = [], 0
    for name, make in TABLES.items():
        begin, end = f"<!-- {name}: begin (docs/results.py --write) -->\n", f"<!-- {name}: end -->\n"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise SystemExit(f"docs/results.md: the two marks of the table '{name}' are not there once each")
        before, rest = text.split(begin)
        held, after = rest.split(end)
        wanted = "\n" + "\n".join(make()) + "\n\n"
        count += wanted.count("\n|")
        if sys.argv[1:] == ["--write"]:
            text = before + begin + wanted + end + after
            continue
        for line in wanted.split("\n"):
            if line not in held.split("\n"):
                mistakes.append(f"docs/results.md, {name}, lacks a line of bench/results: {line}")
        for line in held.split("\n"):
            if line not in wanted.split("\n"):
                mistakes.append(f"docs/results.md, {name}, has a line that bench/results does not have: {line}")
    if sys.argv[1:] == ["--write"]:
        page.write_text(text)
        return
    quoted = [number for bold in re.findall(r"\*\*([^*\n]+)\*\*", (ROOT / "README.md").read_text())
              for number in re.findall(r"\d[\d.]*\d", bold)]
    numbers = set(re.findall(r"\d[\d.]*\d", text))
    mistakes += [f"README.md quotes {number}, which is not in docs/results.md" for number in quoted if number not in numbers]
    if not quoted:
        mistakes.append("README.md quotes no figure in bold")
    print("\n".join(mistakes) or f"{count} lines of tables as stored, {len(quoted)} figures quoted by README.md")
    sys.exit(1 if mistakes else 0)


main()
