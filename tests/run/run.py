#!/usr/bin/env python3
"""Runs a program and compares what it does with the comments at the top of its source.

    run.py PROGRAM SOURCE [--race]

Lines "// key: value" at the beginning of SOURCE say what is expected.  Those before the first
"case" hold for all cases; without a case there is one, without arguments.

    case: ARGUMENTS            one more run, with these arguments
    env: NAME=VALUE            in its environment
    procs: 1,4                 values of GOMAXPROCS to run it at; "unset" leaves it alone
    runs: N                    as often at each of them; 1
    only: plain                not for the race build (or: only: race)
    exit: N | SIGNAME          how it ends; 0
    stdout: TEXT               a line of its output; all of them, in order; none: no output
    stdout-any-order: yes      in any order
    stdout-re: REGEX           a line that the expression fits wholly, in place of stdout
    stderr: REGEX              some line of stderr, wholly; several in this order; none: no stderr
    stderr-not: REGEX          no line of stderr fits
    send: SIGNAME TEXT         the signal is sent when it has printed this line
    timeout: SECONDS           60

@TAG in an expression is the number of the source line that ends in the comment "@TAG".
Numbers of goroutines other than 1 are compared with one P only: each P gives out a share of its
own, so with several they depend on where a goroutine ran; and not where all is slow, since who
computes for 10 ms loses the P.

In the environment of this script:

    MESON_EXE_WRAPPER=COMMAND      is put before PROGRAM (an emulator)
    GOSHAWK_TEST_SLOWER=n          makes each timeout n times as long
    GO_TEST_PROCS=1,4              procs where nothing is said
    GO_TEST_ENV="NAME=VALUE ..."   in PROGRAM's environment, unless the case says otherwise
"""

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import threading

DIRECTIVE = re.compile(r"^// ([a-z-]+): ?(.*)$")
LISTS = ("env", "stdout", "stdout-re", "stderr", "stderr-not")
SINGLE = ("case", "procs", "runs", "only", "exit", "stdout-any-order", "send", "timeout")
WRAPPER = shlex.split(os.environ.get("MESON_EXE_WRAPPER", ""))
SLOWER = int(os.environ.get("GOSHAWK_TEST_SLOWER", "1"))
PROCS = os.environ.get("GO_TEST_PROCS", "1,4")
MORE_ENV = shlex.split(os.environ.get("GO_TEST_ENV", ""))


def read_expectations(source):
    """The cases of a source file: dictionaries of its directives."""
    lines = open(source, encoding="utf-8").read().splitlines()
    tags = {}
    for number, line in enumerate(lines, 1):
        tag = re.search(r"/[/*] @(\w+)(?: \*/)?$", line)
        if tag:
            tags[tag[1]] = str(number)
    common = {k: [] for k in LISTS}
    cases, here = [], common
    for line in lines:
        m = DIRECTIVE.match(line)
        if not m:
            if line.startswith(("//", "/*", " *")):
                continue
            break
        key, value = m[1], re.sub(r"@(\w+)", lambda t: tags.get(t[1], t[0]), m[2])
        if key == "case":
            here = {k: list(v) if isinstance(v, list) else v for k, v in common.items()}
            here["case"] = value
            cases.append(here)
        elif key in LISTS:
            here[key].append(value)
        elif key in SINGLE:
            here[key] = value
        else:
            raise SystemExit(f"{source}: unknown directive '{key}'")
    return cases or [common]


def execute(command, want, procs):
    """Runs the command; returns (exit status or -signal, stdout, stderr) or None when it hangs."""
    drop = ("GORACE", "GOSHAWK", "GOTRACEBACK", "GOMAXPROCS")
    env = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
    env["GORACE"] = "atexit_sleep_ms=0"
    if procs != "unset":
        env["GOMAXPROCS"] = procs
    for e in MORE_ENV + want["env"]:
        name, _, value = e.partition("=")
        env[name] = value
    signame, _, trigger = want.get("send", "").partition(" ")
    with subprocess.Popen(WRAPPER + command, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace") as p:
        out, err = [], []

        def drain(pipe, lines, on_line=None):
            for line in pipe:
                lines.append(line)
                if on_line:
                    on_line(line.rstrip("\n"))

        def maybe_send(line):
            if signame and line == trigger:
                p.send_signal(getattr(signal, signame))

        readers = [threading.Thread(target=drain, args=(p.stdout, out, maybe_send)),
                   threading.Thread(target=drain, args=(p.stderr, err))]
        for r in readers:
            r.start()
        try:
            status = p.wait(SLOWER * float(want.get("timeout", 60)))
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGQUIT)  # a runtime that can still speak says what it waits for
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
            status = None
        for r in readers:
            r.join()
    return status, "".join(out), "".join(err)


def lines_in_order(patterns, lines):
    """The first pattern that fits no line after those of the patterns before, or None."""
    rest = iter(lines)
    for p in patterns:
        if not any(re.fullmatch(p, line) for line in rest):
            return p
    return None


def any_number(pattern):
    return re.sub(r"(?<=oroutine )[2-9]\b", r"\\d+", pattern)


def compare(want, procs, status, out, err):
    """None, or what differs."""
    if status is None:
        return "does not end"
    wanted = want.get("exit", "0")
    number = -getattr(signal, wanted) if wanted.startswith("SIG") else int(wanted)
    if status != number:
        return f"ends with {status}, expected {wanted}"
    got = out.splitlines()
    if want["stdout-re"]:
        if len(got) != len(want["stdout-re"]) or lines_in_order(want["stdout-re"], got):
            return "stdout differs"
    elif want.get("stdout-any-order"):
        if sorted(got) != sorted(want["stdout"]):
            return "stdout differs"
    elif got != want["stdout"]:
        return "stdout differs"
    numbered = procs == "1" and SLOWER == 1
    patterns = want["stderr"] if numbered else map(any_number, want["stderr"])
    missing = lines_in_order(patterns, err.splitlines())
    if missing:
        return f"no line of stderr (in this place) fits: {missing}"
    if err and not want["stderr"]:
        return "stderr is not empty"
    for p in want["stderr-not"]:
        if any(re.fullmatch(p, line) for line in err.splitlines()):
            return f"a line of stderr fits: {p}"
    return None


def check(command, want, label):
    """Runs a case as often as it asks; prints and counts what went wrong.

    None: the program says, by status 77, that it cannot do here what it is for, and why."""
    failures = 0
    for procs in want.get("procs", PROCS).split(","):
        for _ in range(int(want.get("runs", "1"))):
            status, out, err = execute(command, want, procs)
            if status == 77 and want.get("exit") != "77":
                print(f"SKIP {label}: {(out + err).strip()}")
                return None
            why = compare(want, procs, status, out, err)
            if why:
                failures += 1
                print(f"FAIL {label} GOMAXPROCS={procs}: {why}")
                for name, text in (("stdout", out), ("stderr", err)):
                    print(f"  {name}:")
                    print("    " + "\n    ".join(text.splitlines()[:80]))
    return failures


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("program")
    ap.add_argument("source")
    ap.add_argument("--race", action="store_true")
    args = ap.parse_args()
    failures = ran = 0
    for want in read_expectations(args.source):
        if want.get("only", "") == ("plain" if args.race else "race"):
            continue
        ran += 1
        command = [args.program] + want.get("case", "").split()
        name = os.path.basename(args.program)
        failed = check(command, want, f"{name} {want.get('case', '')}".strip())
        if failed is None:
            ran -= 1
        failures += failed or 0
    if not ran:
        print("SKIP: nothing for this build")
        return 77
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
