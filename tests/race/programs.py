#!/usr/bin/env python3
"""Builds a program with `goshawk cc -race` and judges each of its cases.

    programs.py GOSHAWK COMPILER SOURCE [--runs N] [--case NAME]... [--flag FLAG]...
                [--library SOURCE]

The program has a main() of its own (cases.h).  `PROGRAM --list` prints a line for each case: its
name, options of GORACE, and the heading of the reports that it must make, if any.  A case without
one must end with exit code 0, the words "end of case" and nothing on stderr; one with it must exit
with 66.  A library is built as library.so beside the program.
MESON_EXE_WRAPPER and GOSHAWK_TEST_SLOWER in the environment: as in ../run/run.py.
"""

import argparse
import concurrent.futures
import os
import re
import shlex
import subprocess
import sys
import tempfile

WRAPPER = shlex.split(os.environ.get("MESON_EXE_WRAPPER", ""))
TIMEOUT_S = 30 * int(os.environ.get("GOSHAWK_TEST_SLOWER", "1"))
HEADING = re.compile(r"^WARNING: (.*)$", re.M)


def environment(**more):
    drop = ("GORACE", "GOSHAWK", "GOTRACEBACK", "GOMAXPROCS")
    return {k: v for k, v in os.environ.items() if not k.startswith(drop)} | more


def build(args, folder):
    program = os.path.join(folder, "program")
    here = os.path.dirname(os.path.abspath(__file__))
    unseen = os.path.join(folder, "cases_unseen.o")
    env = environment(CC=args.compiler)
    std = "-std=c++17" if args.source.endswith(".cpp") else "-std=gnu11"
    commands = [
        ["-c", os.path.join(here, "cases_unseen.c"), "-o", unseen],
        ["-race", "-g", "-O1", std, args.source, unseen, "-o", program] + args.flag,
    ]
    if args.library:
        commands.append(["-race", "-g", "-O1", "-shared", "-fPIC", args.library,
                         "-o", os.path.join(folder, "library.so")])
    for command in commands:
        r = subprocess.run([args.goshawk, "cc", "-w"] + command, env=env, capture_output=True,
                           text=True, check=False)
        if r.returncode:
            raise SystemExit(f"programs.py: cannot build {args.source}\n{r.stderr}")
    return program


def judge(heading, r):
    found = HEADING.findall(r.stderr)
    if not heading:
        fine = r.returncode == 0 and not r.stderr and r.stdout.endswith("end of case\n")
        return None if fine else f"exit status {r.returncode}, reports {found}, not silent"
    if set(found) != {heading} or r.returncode != 66:
        return f"exit status {r.returncode}, reports {found}, not {heading!r}"
    return None


def run_case(program, name, options, heading):
    env = environment(GORACE="atexit_sleep_ms=0 " + options)
    try:
        r = subprocess.run(WRAPPER + [program, name], env=env, capture_output=True, text=True,
                           errors="replace", timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return "hangs", ""
    return judge(heading, r), r.stdout + r.stderr


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("goshawk")
    ap.add_argument("compiler")
    ap.add_argument("source")
    ap.add_argument("--runs", type=int, default=1)
    ap.add_argument("--case", action="append")
    ap.add_argument("--flag", action="append", default=[])
    ap.add_argument("--library")
    args = ap.parse_args()
    failed = {}
    with tempfile.TemporaryDirectory() as folder:
        program = build(args, folder)
        listed = subprocess.run(WRAPPER + [program, "--list"], env=environment(), text=True,
                                capture_output=True, check=True).stdout.splitlines()
        cases = [tuple(line.split("\t")) for line in listed]
        cases = [c for c in cases if not args.case or c[0] in args.case]
        jobs = [c for c in cases for _ in range(args.runs)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = pool.map(lambda c: run_case(program, *c), jobs)
            for (name, _, _), (why, text) in zip(jobs, results):
                if why:
                    failed.setdefault(name, []).append((why, text))
    for name, whys in failed.items():
        print(f"FAIL {name}: {whys[0][0]}; {len(whys)} of {args.runs} runs")
        print("     " + whys[0][1].replace("\n", "\n     "))
    print(f"{len(cases) - len(failed)} of {len(cases)} cases right, {len(jobs)} runs")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
