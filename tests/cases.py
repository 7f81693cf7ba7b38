#!/usr/bin/env python3
"""Every test that CASES.md names exists, and every case of it has a row.

    cases.py
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
NAMED = re.compile(r"\b(run|unit|sim|race|stress)/(\w+)(?:: ([\w-]+))?")


def sources(folder, pattern):
    return "\n".join(p.read_text(encoding="utf-8") for p in (HERE / folder).glob(pattern))


def missing(kind, name, case, texts):
    """Why there is no such test, or None."""
    if kind == "run":
        source = HERE / "run" / f"{name}.c"
        if not source.exists() or f"'{name}'" not in texts["run"]:
            return f"no program tests/run/{name}.c"
        found = not case or f"// case: {case}\n" in source.read_text(encoding="utf-8")
        return None if found else f"no case {case} in {source.name}"
    if kind == "unit":
        source = HERE / "unit" / f"test_{name}.c"
        if not source.exists() or f"'{name}'" not in texts["unit"]:
            return f"no tests/unit/test_{name}.c"
        found = re.search(rf"^\w+\({name}, {case}\b", source.read_text(encoding="utf-8"), re.M)
        return None if found else f"no test {case} in {source.name}"
    if kind == "sim":
        return None if f'{{"{name}", ' in texts["sim"] else f"no model {name}"
    if kind == "stress":
        return None if f'{{"{name}", ' in texts["stress"] else f"no scene {name}"
    return None if f"{case}" in texts["race"] else f"no case {case} in tests/race"


def main():
    texts = {"run": sources("run", "meson.build"), "unit": sources("unit", "meson.build"),
             "sim": sources("sim", "*.c"), "stress": sources("stress", "*.c"),
             "race": sources("race", "*.c")}
    page = (HERE / "CASES.md").read_text(encoding="utf-8")
    failures = named = 0
    for line in page.splitlines():
        if not line.startswith("| "):
            continue
        for kind, name, case in NAMED.findall(line.rsplit("|", 2)[1]):
            named += 1
            why = missing(kind, name, case, texts)
            if why:
                failures += 1
                print(f"FAIL {line.split('|')[1].strip()}: {why}")
    rows = {int(n) for n in re.findall(r"^\| (\d+) \|", page, re.M)}
    if rows != set(range(1, 61)):
        failures += 1
        print(f"FAIL rows missing: {sorted(set(range(1, 61)) - rows)}")
    print(f"{named} tests named, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
