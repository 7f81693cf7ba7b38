#!/usr/bin/env python3
"""Runs the cases of a race program and judges them.

    race.py PROGRAM SOURCE [--runs N] [--procs 1,2,4] [--seeds N] [--times N] [--case NAME]...
            [--build COMMAND]

PROGRAM is what SOURCE, race_main.c and unseen.c were built into.  A NORACE case must end with exit
code 0 and not a word on stderr; a RACE case must exit with 66 and report exactly the races that its
"// expect:" comments name (see race.h), no more and no fewer, on every run.  MESON_EXE_WRAPPER and
GOSHAWK_TEST_SLOWER in the environment: as in ../run/run.py.
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
TIMEOUT_S = 60 * int(os.environ.get("GOSHAWK_TEST_SLOWER", "1"))
CASE = re.compile(r"^(RACE|NORACE)\((\w+)\)")
EXPECT = re.compile(r"//\s*expect:\s*(.*?)\s*(?:\*/)?$")
HEADER = re.compile(r"^(Previous )?(?P<kind>.+?) at 0x[0-9a-f]+ by (?P<who>.*):$", re.I)
FRAME = re.compile(r"^ {2,}(?P<func>[^ (]+)\(.*?\) (?P<file>.+?):(?P<line>\d+)(?::\d+)?\s*$")


class Access:
    """What one half of an expectation asks: "write x in put" or "write in put"."""

    def __init__(self, text):
        m = re.match(r"^(?P<kind>atomic read|atomic write|read|write|free)"
                     r"(?: (?P<name>[\w.\[\]>-]+))? in (?P<func>\w+)$", text.strip())
        if not m:
            raise SystemExit(f"race.py: cannot read the expectation '{text}'")
        self.kind, self.name, self.func = m["kind"], m["name"], m["func"]

    def fits(self, stack, source_lines):
        shown = re.sub(r"(\w+) \(atomic\)", r"atomic \1", stack["kind"].lower())
        shown = shown.replace("write (free)", "free")
        if shown != self.kind or not stack["frames"]:
            return False
        func, line = stack["frames"][0]
        if func != self.func:
            return False
        text = source_lines[line - 1] if line <= len(source_lines) else ""
        return not self.name or re.search(r"(?<!\w)" + re.escape(self.name) + r"(?!\w)", text)


class Case:
    def __init__(self, race, name, expects):
        self.race, self.name = race, name
        self.expects = []
        for e in expects:
            now, _, before = e.partition(" / ")
            self.expects.append((Access(now), Access(before), e))


def read_cases(source):
    """The cases of a source file with the expectations that stand above or beside them."""
    cases, pending = [], []
    for line in open(source, encoding="utf-8"):
        expect = EXPECT.search(line)
        case = CASE.match(line)
        if expect:
            pending.append(expect[1])
        if case:
            cases.append(Case(case[1] == "RACE", case[2], pending))
            if cases[-1].race != bool(cases[-1].expects):
                raise SystemExit(f"{source}: {case[2]}: a RACE has expectations, a NORACE none")
        if case or not line.startswith(("//", "/*", " *")):
            pending = []
    return cases


def parse_reports(text):
    """Each report: a list of its access stacks, in order of appearance."""
    reports = []
    stack = None
    for line in text.splitlines():
        if line in ("WARNING: DATA RACE", "WARNING: DOUBLE FREE (raced)"):
            reports.append([])
            stack = None
        header = HEADER.match(line)
        frame = FRAME.match(line)
        if header and reports:
            stack = {"kind": header["kind"], "frames": []}
            reports[-1].append(stack)
        elif frame and stack is not None:
            stack["frames"].append((frame["func"], int(frame["line"])))
        elif not frame:
            stack = None
    return reports


def judge(case, source_lines, status, out, err):
    """None when the run fits the case, or what is wrong with it."""
    reports = parse_reports(err)
    if not case.race:
        if reports:
            return "false report"
        if status != 0 or err or out != "end of case\n":
            return f"exit status {status}, stderr not empty or the case did not end"
        return None
    unmatched = list(case.expects)
    for r in reports:
        if len(r) != 2:
            return "a report without two stacks"
        hit = [e for e in case.expects
               if e[0].fits(r[0], source_lines) and e[1].fits(r[1], source_lines)]
        if not hit:
            return "a report that no expectation names"
        unmatched = [e for e in unmatched if e not in hit]
    if unmatched:
        return "not reported: " + "; ".join(e[2] for e in unmatched)
    if status != 66:
        return f"exit status {status}, not 66"
    if not re.search(r"^Found %d data race\(s\)$" % len(reports), err, re.M):
        return "no line 'Found %d data race(s)'" % len(reports)
    return None


def run_case(program, case, source_lines, procs, seed=None, times=None):
    drop = ("GORACE", "GOSHAWK", "GOTRACEBACK")
    env = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
    env["GOMAXPROCS"] = str(procs)
    env["GORACE"] = "atexit_sleep_ms=0"
    if seed is not None:
        env["GOSHAWK_SEED"] = str(seed)
    if times is not None:
        env["RACE_CASE_TIMES"] = str(times)
    where = f"GOMAXPROCS={procs}" + (f" GOSHAWK_SEED={seed}" if seed is not None else "")
    try:
        r = subprocess.run(WRAPPER + [program, case.name], env=env, capture_output=True, text=True,
                           errors="replace", timeout=TIMEOUT_S * (times or 1), check=False)
    except subprocess.TimeoutExpired as e:
        err = e.stderr.decode(errors="replace") if e.stderr else ""
        return f"hangs ({where})", err
    why = judge(case, source_lines, r.returncode, r.stdout, r.stderr)
    return (f"{why} ({where})" if why else None), r.stderr


def build(command, source, out_dir):
    """Builds the program with another compiler: COMMAND like 'goshawk cc -race'."""
    here = os.path.dirname(os.path.abspath(__file__))
    program = os.path.join(out_dir, os.path.basename(source)[:-2])
    unseen = os.path.join(out_dir, "unseen.o")
    plain = [a for a in command if a not in ("-race", "-fsanitize=thread")]
    common = ["-g", "-std=gnu11", "-fno-omit-frame-pointer"]
    for cmd in (plain + common + ["-O2", "-c", os.path.join(here, "unseen.c"), "-o", unseen],
                command + common + ["-O1", source, os.path.join(here, "race_main.c"), unseen, "-o",
                                    program]):
        r = subprocess.run(cmd, capture_output=True, text=True, check=False)
        if r.returncode or r.stderr:
            print(r.stderr, file=sys.stderr)
            raise SystemExit(f"race.py: failed or warned: {' '.join(cmd)}")
    return program


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("program")
    ap.add_argument("source")
    ap.add_argument("--runs", type=int, default=1)
    ap.add_argument("--procs", default="1,2,4")
    ap.add_argument("--seeds", type=int, default=0, help="and once with each of these seeds")
    ap.add_argument("--times", type=int, help="the cases of six.h that much larger")
    ap.add_argument("--case", action="append")
    ap.add_argument("--jobs", type=int, default=2)
    ap.add_argument("--build", help="build PROGRAM (any name) from SOURCE with this command first")
    args = ap.parse_args()

    cases = read_cases(args.source)
    source_lines = open(args.source, encoding="utf-8").read().splitlines()
    with tempfile.TemporaryDirectory() as tmp:
        program = build(args.build.split(), args.source, tmp) if args.build else args.program
        # some cases change their folder, and an emulator finds the program's file by this name
        program = os.path.abspath(program)
        listed = subprocess.run(WRAPPER + [program, "--list"], capture_output=True, text=True,
                                check=True).stdout
        wanted = {f"{'RACE' if c.race else 'NORACE'} {c.name}" for c in cases}
        if wanted != set(listed.splitlines()):
            raise SystemExit(f"race.py: {program} has other cases than {args.source}")
        if args.case:
            cases = [c for c in cases if c.name in args.case]
        jobs = [(c, p, None) for c in cases for p in map(int, args.procs.split(","))
                for _ in range(args.runs)]
        jobs += [(c, 1, seed) for c in cases for seed in range(1, args.seeds + 1)]
        failed = {}
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            results = pool.map(lambda j: run_case(program, j[0], source_lines, j[1], j[2],
                                                  args.times), jobs)
            for (case, _, _), (why, err) in zip(jobs, results):
                if why:
                    failed.setdefault(case.name, []).append((why, err))
    for name, whys in failed.items():
        print(f"FAIL {name}: {whys[0][0]}; {len(whys)} of {len(jobs) // len(cases)} runs")
        print("     " + whys[0][1].replace("\n", "\n     "))
    print(f"{len(cases) - len(failed)} of {len(cases)} cases right, {len(jobs)} runs")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
