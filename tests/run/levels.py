#!/usr/bin/env python3
"""Compiles programs at every level of optimisation, by both compilers, and at most of them with
the detector too; runs them.

    levels.py GOSHAWK SOURCE...

A go statement is a call that does not happen: how the compilers pass the arguments differs with the
level, so the programs about arguments must work at all of them.
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays as it is
from run import check, read_expectations

LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os", "-O2 -flto", "-O2 -fstack-protector-all")
RACE_LEVELS = ("-O0", "-O2", "-O3", "-O2 -flto")


def main():
    goshawk, sources = sys.argv[1], sys.argv[2:]
    failures = ran = 0
    with tempfile.TemporaryDirectory() as tmp:
        program = os.path.join(tmp, "program")
        for compiler in filter(shutil.which, ("gcc", "clang")):
            for level in LEVELS:
                for variant in ([], ["-race"]) if level in RACE_LEVELS else ([],):
                    for source in sources:
                        label = f"{os.path.basename(source)} {compiler} {level} {' '.join(variant)}"
                        r = subprocess.run(
                            [goshawk, "cc"] + variant + level.split() + [source, "-o", program],
                            env=dict(os.environ, CC=compiler), capture_output=True, text=True,
                            check=False)
                        if r.returncode:
                            print(f"FAIL {label}: does not compile\n{r.stderr}")
                            failures += 1
                            continue
                        for want in read_expectations(source):
                            failures += check([program], dict(want, procs="2"), label)
                        ran += 1
    print(f"{ran} programs, {failures} failures")
    return 1 if failures or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
