#!/usr/bin/env python3
"""Runs the examples and compares them with examples/expect.ini.

    examples.py EXPECT.ini NAME PROGRAM [RACE-PROGRAM] [--runs N] [--procs 1,2,8]
                [--goshawk COMMAND]

The plain build must do what the file says; the race build the same, and report each raced example
in every run and each clean one in none.  With --goshawk each is also run under the tracer, and the
trace must pass `goshawk trace check`.
"""

import argparse
import configparser
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree stays as it is
from run import WRAPPER, execute, lines_in_order

REPORT = "WARNING: DATA RACE"


def listed(section, key):
    return [line.strip() for line in section.get(key, "").strip().splitlines()]


def compare_output(want, out):
    got = out.splitlines()
    if "each_line" in want:
        low, _, high = want["lines"].partition("-")
        if not int(low) <= len(got) <= int(high or low):
            return f"{len(got)} lines of output, expected {want['lines']}"
        for line in got:
            if not re.fullmatch(want["each_line"], line):
                return f"unexpected line: {line}"
        if "last" in want and got[-1] != want["last"]:
            return f"the last line is {got[-1]}"
    elif "stdout_set" in want:
        if sorted(got) != sorted(listed(want, "stdout_set")):
            return "stdout differs"
    elif got != listed(want, "stdout"):
        return "stdout differs"
    return None


def compare_race(functions, err):
    """Some report has the named functions on top of its stacks, and none has another."""
    found = []
    for report in err.split(REPORT)[1:]:
        tops = re.findall(r"by .*:\n +(\w+)\(", report.partition("\n====")[0])
        if len(tops) != 2 or not set(tops) <= set(functions):
            return f"a report is about {tops}, expected {functions}"
        found.append(set(tops))
    if set(functions) not in found:
        return f"no report is about {functions}"
    if not re.search(r"^Found %d data race\(s\)$" % len(found), err, re.M):
        return "the summary is missing or wrong"
    return None


def compare(want, race, status, out, err):
    if status is None:
        return "does not end"
    wanted = int(want.get("exit", "0"))
    functions = [f.strip() for f in want.get("race", "").split(",") if f.strip()]
    if race and functions:
        wanted = 66
    if status != wanted:
        return f"ends with {status}, expected {wanted}"
    if race and functions:
        return compare_output(want, out) or compare_race(functions, err)
    if REPORT in err:
        return "false report"
    missing = lines_in_order(listed(want, "stderr"), err.splitlines())
    if missing:
        return f"no line of stderr (in this place) fits: {missing}"
    if err and "stderr" not in want:
        return "stderr is not empty"
    return compare_output(want, out)


def check_trace(goshawk, program, want, procs):
    """None, or what is wrong with the trace of a run."""
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "x.gtrace")
        env = listed(want, "env") + ["GOSHAWK_TRACE=" + path]
        status, out, err = execute([program], {"env": env}, procs)
        why = compare(want, False, status, out, err)
        if why:
            return f"with tracing: {why}\n{err}"
        r = subprocess.run(WRAPPER + [goshawk, "trace", "check", path], capture_output=True,
                           text=True, check=False)
        return f"goshawk trace check: {r.stdout}{r.stderr}" if r.returncode else None


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("expect")
    ap.add_argument("name")
    ap.add_argument("programs", nargs="+", help="the plain build, then the race build")
    ap.add_argument("--runs", type=int, default=3)
    ap.add_argument("--procs", default="1,2,8")
    ap.add_argument("--goshawk", help="the command, to check traces with")
    args = ap.parse_args()
    table = configparser.ConfigParser(interpolation=None)
    table.read(args.expect, encoding="utf-8")
    want = table[args.name]
    failures = 0
    for race, program in enumerate(args.programs):
        for procs in args.procs.split(","):
            for _ in range(args.runs):
                status, out, err = execute([program], {"env": listed(want, "env")}, procs)
                why = compare(want, race, status, out, err)
                if why:
                    failures += 1
                    print(f"FAIL {program} GOMAXPROCS={procs}: {why}")
                    print("  stdout:\n    " + out.replace("\n", "\n    "))
                    print("  stderr:\n    " + err.replace("\n", "\n    "))
    for procs in args.procs.split(",") if args.goshawk else ():
        why = check_trace(args.goshawk, args.programs[0], want, procs)
        if why:
            failures += 1
            print(f"FAIL {args.programs[0]} GOMAXPROCS={procs}: {why}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
