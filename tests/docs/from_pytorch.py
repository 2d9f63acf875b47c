#!/usr/bin/env python3
"""Makes a program of the right column of docs/guide/from-pytorch.md: every line in a scope of its own, run once.

  tests/docs/from_pytorch.py PAGE PROGRAM.cpp
"""
import pathlib
import re
import sys

HEAD = """#include <heed/nn/nn.h>

#include <cstdio>
#include <exception>
#include <iostream>

using namespace heed;

namespace {
using T = const Tensor&;
int failed = 0;
template <class F>
void line(const char* text, const F& f) {
  manual_seed(1);
  const Tensor x = randn({3, 4}), y = randn({3, 4}), w = randn({5, 4}), image = randn({2, 3, 8, 8});
  const Tensor ids = from_vector<int64_t>({2, 0, 1}, {3}), mask = randn({3, 4}) > 0;
  try {
    f(x, y, w, image, ids, mask);
  } catch (const std::exception& e) {
    std::printf("%s: %s\\n", text, e.what());
    ++failed;
  }
}
}  // namespace

int main() {
"""


def main():
    page, program = (pathlib.Path(p) for p in sys.argv[1:3])
    rows = re.findall(r"^\| `.*?`[^|`]* \| `(.*)` \|$", page.read_text(), re.M)
    if len(rows) < 50:
        sys.exit(f"{page}: only {len(rows)} lines were found")
    lines = []
    for row in rows:
        text = row.replace("\\", "\\\\").replace('"', '\\"')
        lines.append("  line(\"%s\", [](T x, T y, T w, T image, T ids, T mask) {\n"
                     "    (void)x, (void)y, (void)w, (void)image, (void)ids, (void)mask;\n    %s;\n  });\n" % (text, row))
    lines.append(f'  std::printf("%d of {len(rows)} lines run\\n", {len(rows)} - failed);\n')
    program.write_text(HEAD + "".join(lines) + "  return failed == 0 ? 0 : 1;\n}\n")


if __name__ == "__main__":
    main()
