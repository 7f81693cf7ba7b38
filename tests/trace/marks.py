#!/usr/bin/env python3
"""Tasks, regions and logs of marks.c, as the trace tells them.

    marks.py GOSHAWK MARKS
"""

import json
import os
import subprocess
import sys
import tempfile

# goroutine (letters in the order of their first mark), event, task, name or "category: message"
EXPECTED = """
a log - kind: before any task
a task 1 outer
a task 2 inner
b region 2 child's
b log 2 kind: from the child
b region end 2 child's
a task end 2 -
a region 1 with break
a region 1 nested
a log 1 kind: 1 of outer
a region end 1 nested
a region end 1 with break
a region 1 broken
a region end 1 broken
a region 1 returned from
a region end 1 returned from
c region 1 exited
c region end 1 exited
a task end 1 -
- log - kind: from a thread
a log - kind: after all tasks
""".strip().splitlines()
DUMPED = ("task          inner  task#2 of task#1", "log           kind: 1 of outer  task#1",
          "region end    exited  task#1", "log           kind: from a thread")


def run(*command, **env):
    p = subprocess.run(command, env=dict(os.environ, **env), capture_output=True, text=True,
                       check=False)
    if p.returncode:
        sys.exit(f"FAIL {command} ends with {p.returncode}\n{p.stdout}{p.stderr}")
    return p.stdout


def told(lines):
    """The marks among the exported events, in words."""
    letters = {}
    for line in lines:
        e = json.loads(line)
        if e["event"].split()[0] not in ("task", "region", "log"):
            continue
        g = e.get("g", 0)
        letter = letters.setdefault(g, chr(ord("a") + len(letters))) if g else "-"
        text = e.get("name", "-")
        if "category" in e:
            text = f"{e['category']}: {text}"
        yield f"{letter} {e['event']} {e.get('task', '-')} {text}"


def main():
    goshawk, marks = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "marks.gtrace")
        run(marks, GOSHAWK_TRACE=trace)
        run(goshawk, "trace", "check", trace)
        got = list(told(run(goshawk, "trace", "export", "-f", "json", trace, "-o",
                            "-").splitlines()))
        if got != EXPECTED:
            sys.exit("FAIL the trace tells\n" + "\n".join(got))
        dump = run(goshawk, "trace", "dump", trace)
        for text in DUMPED:
            if text not in dump:
                sys.exit(f"FAIL not in the dump: {text}\n{dump}")
        rows = run(goshawk, "trace", "export", "-f", "csv", trace, "-o", "-")
        if ",1,kind\n" not in rows:
            sys.exit(f"FAIL no category in\n{rows}")
        run(goshawk, "trace", "timeline", trace)
        run(goshawk, "trace", "export", "-f", "go", trace, "-o", trace + ".go")
    return 0


if __name__ == "__main__":
    sys.exit(main())
