#!/usr/bin/env python3
"""timeline.py - goshawk trace timeline on the story: what it prints, letter for letter.

    timeline.py STORY GOLDEN_FOLDER [--update]

STORY is the command linked with story.c.  Each case is compared with the file timeline_NAME.txt in
GOLDEN_FOLDER; --update writes those anew (look at the difference before you keep it)."""
import os
import re
import subprocess
import sys

story, folder = sys.argv[1:3]
update = "--update" in sys.argv
failures = []

CASES = {
    "default": [],
    "narrow": ["--width", "80"],
    "wide": ["--width", "140"],
    "processors": ["--by", "p"],
    "goroutines": ["--by", "g"],
    "functions": ["--by", "f"],
    "window": ["--from", "850us", "--to", "0.95ms"],
    "colour": ["--color", "always"],
}


def run(*args, **env):
    clean = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "TERM")}
    clean.update(env)
    p = subprocess.run([story, "timeline", *args], env=clean, capture_output=True, timeout=60)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def check(name, ok, what):
    if not ok:
        failures.append(name)
        print("FAIL %s: %s" % (name, what))


def check_golden():
    for name, args in CASES.items():
        path = os.path.join(folder, "timeline_%s.txt" % name)
        code, out, err = run(*args, "story.gtrace")
        check(name, code == 0 and not err, "exit %d, stderr %r" % (code, err))
        if update:
            with open(path, "w", encoding="utf-8") as f:
                f.write(out)
            continue
        with open(path, encoding="utf-8") as f:
            wanted = f.read()
        if out != wanted:
            check(name, False, "differs from %s; it printed\n%s" % (path, out))


def check_shape():
    """What holds at every width: no line is longer, plain text is plain."""
    for width in (40, 60, 79, 100, 133, 200):
        code, out, _ = run("story.gtrace", COLUMNS=str(width))
        check("width", code == 0, "exit %d at %d columns" % (code, width))
        lanes = [l for l in out.splitlines() if re.match(r"[PG]\d", l)]
        check("width", len(lanes) == 6, "%d lanes at %d columns" % (len(lanes), width))
        check("width", max(map(len, lanes)) <= width, "a lane is longer than %d columns" % width)
        table = out[out.index("entry function"):].splitlines()[:-1]
        check("width", width < 60 or max(map(len, table)) <= width,
              "the table is wider than %d columns" % width)
        check("plain", all(" " <= c <= "~" or c == "\n" for c in out),
              "a control character or a byte beyond ASCII at %d columns" % width)
    _, plain, _ = run("story.gtrace")
    _, no_color, _ = run("story.gtrace", NO_COLOR="1")
    check("no_color", plain == no_color, "NO_COLOR changes what goes to a pipe")
    _, colour, _ = run("--color", "always", "story.gtrace", TERM="xterm-256color")
    check("escape", "\033[31m" not in colour, "a name's escape sequence reached the terminal")


def check_errors():
    for args, wanted, text in (
            ((), 2, "name a trace"),
            (("a.gtrace", "b.gtrace"), 2, "one trace at a time"),
            (("--by", "x", "story.gtrace"), 2, "--by x"),
            (("--width", "3", "story.gtrace"), 2, "--width 3"),
            (("--from", "soon", "story.gtrace"), 2, "--from soon"),
            (("--from", "2s", "story.gtrace"), 2, "nothing lies between"),
            (("--color", "red", "story.gtrace"), 2, "--color red"),
            (("--bogus", "story.gtrace"), 2, "unknown option --bogus"),
            (("no.gtrace",), 1, "not a story")):
        code, out, err = run(*args)
        check("errors", code == wanted and text in err and err.count("\n") == 1 and not out,
              "%s: exit %d, stdout %r, stderr %r" % (" ".join(args), code, out[:40], err))
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            p = subprocess.run([story, "timeline", "story.gtrace"], stdout=full,
                               stderr=subprocess.PIPE, timeout=60)
        check("full", p.returncode == 1 and b"cannot write" in p.stderr, "a full disk went unseen")


check_golden()
check_shape()
check_errors()
print("FAILED: %s" % ", ".join(sorted(set(failures))) if failures else "ok")
sys.exit(1 if failures else 0)
