#!/usr/bin/env python3
"""What must not compile, and what must not link.

    rejected.py compile COMPILER SOURCE INCLUDE-DIRECTORY     see rejected.c
    rejected.py link GOSHAWK                                  objects of the wrong variant
"""

import os
import re
import subprocess
import sys
import tempfile


def run(command):
    r = subprocess.run(command, capture_output=True, text=True, check=False)
    return r.returncode, r.stdout + r.stderr


def check_compile(compiler, source, include):
    names = re.findall(r"^// ([A-Z_]+): (.*)$", open(source, encoding="utf-8").read(), re.M)
    failures = 0
    for level in ("-O0", "-O2"):
        base = [compiler, "-std=gnu11", "-Wall", "-Wextra", "-Wshadow", "-Werror", level,
                "-fsyntax-only", "-I" + include, source]
        status, text = run(base)
        if status or text:
            print(f"FAIL {compiler} {level}: the good part is rejected\n{text}")
            failures += 1
        for name, pattern in names:
            status, text = run(base + ["-D" + name])
            if status == 0:
                print(f"FAIL {compiler} {level} {name}: accepted")
                failures += 1
            elif not re.search(r"(error|warning): .*(" + pattern + ")", text):
                print(f"FAIL {compiler} {level} {name}: the message is another\n{text}")
                failures += 1
    return failures


PROGRAM = """#include <goshawk.h>
int go_main(int argc, char **argv) { (void)argc; (void)argv; return 0; }
"""


def check_link(goshawk):
    failures = 0
    with tempfile.TemporaryDirectory() as tmp:
        source, obj, exe = (os.path.join(tmp, n) for n in ("p.c", "p.o", "p"))
        with open(source, "w", encoding="utf-8") as f:
            f.write(PROGRAM)
        for compile_as, link_as, cause in (
                (["-race"], [], "go_object_was_compiled_with_race__link_with_goshawk_cc_race"),
                ([], ["-race"], "go_object_was_compiled_without_race__link_without_race"),
                (["-race"], ["-race"], None), ([], [], None)):
            status, text = run([goshawk, "cc"] + compile_as + ["-c", source, "-o", obj])
            if status or text:
                print(f"FAIL goshawk cc {compile_as} -c: status {status}\n{text}")
                failures += 1
                continue
            status, text = run([goshawk, "cc"] + link_as + [obj, "-o", exe])
            if cause and (status == 0 or cause not in text):
                print(f"FAIL compiled {compile_as}, linked {link_as}: status {status}, the cause "
                      f"is not named\n{text}")
                failures += 1
            if not cause and (status or text or run([exe])[0]):
                print(f"FAIL compiled {compile_as}, linked {link_as}: status {status}\n{text}")
                failures += 1
    return failures


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "compile":
        failures = check_compile(*sys.argv[2:])
    elif len(sys.argv) == 3 and sys.argv[1] == "link":
        failures = check_link(sys.argv[2])
    else:
        sys.exit(__doc__)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
