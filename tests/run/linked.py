#!/usr/bin/env python3
"""Every function that a public header declares stands in every_function.c and its C++ twin.

    linked.py INCLUDE EXPECTATIONS SOURCE...

The functions of goshawk/expect.h are another library's: EXPECTATIONS, its test, calls them.
"""

import pathlib
import re
import sys

DECLARED = re.compile(r"^GO_API_[^;]*?\b(go_\w+)\(", re.M)
TYPED = re.compile(r"^GO_API_ go_chan\([^)]*\) (go_\w+)\(", re.M)


def public_functions(include):
    for header in sorted(pathlib.Path(include).glob("goshawk/*.h")):
        text = header.read_text(encoding="utf-8")
        names = {n for n in DECLARED.findall(text) if n != "go_chan"} | set(TYPED.findall(text))
        for name in sorted(names):
            if not name.endswith("_"):
                yield header.name, name


def main():
    include, expectations, sources = sys.argv[1], sys.argv[2], sys.argv[3:]
    names = list(public_functions(include))
    failures = 0
    for source in [expectations, *sources]:
        text = pathlib.Path(source).read_text(encoding="utf-8")
        other = source == expectations
        for header, name in names:
            if (header == "expect.h") != other:
                continue
            if (f"{name}(" if other else f"FUNCTION({name})") not in text:
                print(f"FAIL {source}: {name} of {header} is not linked")
                failures += 1
    print(f"{len(names)} functions, {failures} not linked")
    return 1 if failures or len(names) < 80 else 0


if __name__ == "__main__":
    sys.exit(main())
