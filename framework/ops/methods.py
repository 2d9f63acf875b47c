#!/usr/bin/env python3
"""Makes the methods of Tensor, x.sum({1}).relu(), of the functions that are declared in the headers of the ops: methods.def, which the
class includes, and methods.cpp. A function becomes a method when its first parameter is a tensor and it gives tensors, or whether two are close.

  framework/ops/methods.py            exit status 1 if the two files are not what the headers say
  framework/ops/methods.py --write    writes them
"""
import pathlib
import re
import sys

OPS = pathlib.Path(__file__).resolve().parent
HEADERS = ["arithmetic.h", "reductions.h", "shapes.h", "indexing.h", "products.h", "linalg.h", "probability.h", "creation.h", "losses.h", "combined.h"]
OWN = {"index"}  # that Tensor declares itself, with braces that nest
NONE = {"where", "normalize", "normalized"}  # where: PyTorch's method is one of the values, not of the condition; normalize: a template
DECLARATION = re.compile(r"^(?:inline )?(Tensor|bool|std::vector<Tensor>|[A-Z]\w+) (\w+)\((const Tensor& \w+)(?:, (.*?))?\)(?:;$| \{)", re.M)
KNOWN = {"Tensor", "Shape", "Dims", "Scalar", "DType", "KeepDim", "GeluForm", "Reduction", "Index"}  # types that tensor.h has before the class


def parameters(text):
    """(declared, name) of each parameter, split at commas outside of brackets."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += {"<": 1, "(": 1, "{": 1, ">": -1, ")": -1, "}": -1}.get(c, 0)
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [(p.strip(), re.sub(r"\s*=.*$", "", p.strip()).split()[-1].lstrip("&*")) for p in parts if p.strip()]


def functions():
    for header in HEADERS:
        text = (OPS / header).read_text()
        text = re.sub(r",\n\s+", ", ", text)  # a declaration over two lines
        for result, name, _, rest in DECLARATION.findall(text):
            if name in OWN | NONE or "span<const Index>" in rest:
                continue
            rest = parameters(rest)
            options = rest and re.fullmatch(r"([A-Z]\w+) \w+ = {}", rest[-1][0])
            if options and options[1] not in KNOWN:  # no default of a type that the class has not seen
                yield result, name, rest[:-1]
                rest[-1] = (rest[-1][0].removesuffix(" = {}"), rest[-1][1])
            yield result, name, rest


def made():
    declared, defined, types = [], [], set()
    for result, name, rest in functions():
        types |= {t for t in re.findall(r"\b[A-Z]\w+\b", result + " " + " ".join(d for d, _ in rest))} - KNOWN
        plain = ", ".join(re.sub(r"\s*=.*$", "", d) for d, _ in rest)
        given = ", ".join(["*this"] + [f"std::move({n})" if d.startswith("std::vector") else n for d, n in rest])
        declared.append(f"{result} {name}({', '.join(d for d, _ in rest)}) const;")
        defined.append(f"{result} Tensor::{name}({plain}) const {{ return heed::{name}({given}); }}")
    note = "// Written by framework/ops/methods.py: not to be changed by hand."
    types = sorted(t for t in types if not re.fullmatch(r"[A-Z]", t))
    body = "\n".join(["#ifdef HEED_METHOD_TYPES"] + [f"struct {t};" for t in types] + ["#else"] + declared + ["#endif"])
    source = "\n".join(["#include <utility>", "", '#include "framework/ops/ops.h"', "", "namespace heed {", ""] + defined + ["", "}  // namespace heed"])
    return {
        OPS / "methods.def": f"{note}\n// The ops of one tensor as methods, and the types that their declarations name.\n{body}\n",
        OPS / "methods.cpp": f"{note}\n// clang-format off\n{source}\n",
    }


def main():
    wrong = [path for path, text in made().items() if not path.exists() or path.read_text() != text]
    if "--write" in sys.argv[1:]:
        for path in wrong:
            path.write_text(made()[path])
        return 0
    for path in wrong:
        print(f"{path.name}: not what the headers say; framework/ops/methods.py --write", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
