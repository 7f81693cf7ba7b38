#!/usr/bin/env python3
"""Builds a bug and its repaired form with `goshawk cc -race` and judges both.

    bugs.py GOSHAWK SOURCE [--compiler CC] [--runs N]

The comment at the head of SOURCE says what is expected of the bug; with -DREPAIRED it must end
with 0 and nothing on stderr.  Both run with report_goroutine_leaks=1.

    shows: race F1 F2          a data race between accesses of these functions
    shows: deadlock            the fatal error that all goroutines are asleep
    shows: leak                goroutines that are blocked for ever when main ends
    shows: lock order          a report about the order of locks, or about a recursive read lock
    shows: panic TEXT          an unrecovered panic or a fatal error with this text
    shows: misuse TEXT         a report with this heading
    when: always               in each of N (2) runs at GOMAXPROCS 1, 2 and 4
    when: some seed            in some run with GOSHAWK_SEED from 1 to 200, alone or with
                               GOSHAWK_DEBUG=preempt
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

TIMEOUT_S = 30 * int(os.environ.get("GOSHAWK_TEST_SLOWER", "1"))
SEEDS = 200
CLEAN_SEEDS = 10  # of a repaired form
HEADING = re.compile(r"^WARNING: (.*)$", re.M)
RACE = re.compile(r"^WARNING: (?:DATA RACE|DOUBLE FREE \(raced\))$", re.M)
TOP = re.compile(r"by .*:\n +(\w+)\(")
# Who is about to be blocked when main ends has time to be so.
OPTIONS = "atexit_sleep_ms=200 report_goroutine_leaks=1"
REPORTED, FATAL = 66, 2


def read_head(source):
    """What the head comment says: {"shows": ..., "when": ...}."""
    head = open(source, encoding="utf-8").read().partition("*/")[0]
    said = dict(re.findall(r"^ \* (shows|when): (.*?) *$", head, re.M))
    if set(said) != {"shows", "when"} or said["when"] not in ("always", "some seed"):
        raise SystemExit(f"{source}: the head must have a line `shows:` and a line `when:`")
    return said


def build(args, folder, *flags):
    program = os.path.join(folder, "repaired" if flags else "bug")
    command = [args.goshawk, "cc", "-race", "-g", "-O1", "-Wall", *flags, args.source]
    command += ["-o", program]
    env = dict(os.environ, CC=args.compiler)
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    if done.returncode or done.stderr:
        raise SystemExit(f"{' '.join(command)}: {done.returncode}\n{done.stderr}")
    return program


def run(program, **more):
    """(exit code or None, stderr)"""
    drop = ("GORACE", "GOSHAWK", "GOTRACEBACK", "GOMAXPROCS")
    env = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
    env |= {"GORACE": OPTIONS, **more}
    try:
        done = subprocess.run([program], capture_output=True, text=True, env=env,
                              timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as late:
        return None, (late.stderr or b"").decode()
    return done.returncode, done.stderr


def race_is_told(functions, err):
    reports = [set(TOP.findall(r)[:2]) for r in RACE.split(err)]
    return set(functions) in reports[1:]


def is_shown(shows, code, err):
    kind, _, text = shows.partition(" ")
    headings = HEADING.findall(err)
    if kind == "race":
        return code == REPORTED and race_is_told(text.split(), err)
    if kind == "leak":
        return code == REPORTED and any(h.startswith("GOROUTINE LEAK") for h in headings)
    if shows == "lock order":
        told = ("LOCK ORDER", "RECURSIVE READ LOCK")
        return any(h.startswith(told) for h in headings)
    if kind == "misuse":
        return any(h.startswith(text) for h in headings)
    text = "all goroutines are asleep" if kind == "deadlock" else text
    return code == FATAL and text in err


def tell(what, code, err):
    print(f"FAIL {what}: ends with {code}; stderr:\n{err}")
    return 1


def judge_always(args, bug, repaired, shows):
    failed = 0
    for procs in ("1", "2", "4"):
        for _ in range(args.runs):
            code, err = run(bug, GOMAXPROCS=procs)
            if not is_shown(shows, code, err):
                failed += tell(f"GOMAXPROCS={procs}: `{shows}` is not told", code, err)
            code, err = run(repaired, GOMAXPROCS=procs)
            if code != 0 or err:
                failed += tell(f"GOMAXPROCS={procs}, repaired", code, err)
    return failed


def judge_seeds(bug, repaired, shows):
    failed = 0
    ways = [{"GOSHAWK_SEED": str(seed), "GOSHAWK_DEBUG": debug}
            for seed in range(1, SEEDS + 1) for debug in ("", "preempt")]
    if not any(is_shown(shows, *run(bug, **way)) for way in ways):
        failed += tell(f"no seed up to {SEEDS} shows `{shows}`; the first", *run(bug, **ways[0]))
    for way in ways[:2 * CLEAN_SEEDS]:
        code, err = run(repaired, **way)
        if code != 0 or err:
            failed += tell(f"{way}, repaired", code, err)
    return failed


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("goshawk")
    ap.add_argument("source")
    ap.add_argument("--compiler", default="gcc")
    ap.add_argument("--runs", type=int, default=2)
    args = ap.parse_args()
    said = read_head(args.source)
    with tempfile.TemporaryDirectory() as folder:
        bug, repaired = build(args, folder), build(args, folder, "-DREPAIRED")
        if said["when"] == "always":
            return judge_always(args, bug, repaired, said["shows"]) > 0
        return judge_seeds(bug, repaired, said["shows"]) > 0


if __name__ == "__main__":
    sys.exit(main())
