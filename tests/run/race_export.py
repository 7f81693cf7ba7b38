#!/usr/bin/env python3
"""goshawk race export, with the logs of real programs.

    race_export.py GOSHAWK PROGRAM

PROGRAM is race_report.c, built with the detector.  GOSHAWK_SARIF_SCHEMA in the environment may name
the standard's JSON schema; with it, and with Python's jsonschema, the output is validated against
it.  Without it the members that the standard requires are looked at here.
"""

import glob
import json
import os
import subprocess
import sys
import tempfile

GOSHAWK, PROGRAM = sys.argv[1:3]
CASES = ["different-locks", "heap", "stack", "thread"]

SOURCE = """
#include <goshawk.h>
int counter;
static void writer(go_waitgroup *wg)
{
    counter = 1; /* a write, as the other one: the same report in either order */
    go_waitgroup_done(wg);
}
int go_main(int argc, char **argv)
{
    go_waitgroup wg = {0};
    (void)argc, (void)argv;
    go_waitgroup_add(&wg, 1);
    go(writer, &wg);
    counter = 2;
    go_waitgroup_wait(&wg);
    return 0;
}
"""


LEAKS = """
#include "quiet.h"
static go_mutex mu;
static void locker(void)
{
    go_mutex_lock(&mu);
}
static void waiter(go_chan(int) c)
{
    go_chan_recv(c);
}
int go_main(int argc, char **argv)
{
    go_chan(int) c = go_chan_make(int, 0);
    (void)argc, (void)argv;
    go_mutex_lock(&mu);
    go(locker);
    for (int i = 0; i < 3; i++)
        go(waiter, c);
    return !wait_for_quiet();
}
"""


def check(condition, what):
    if not condition:
        raise SystemExit(f"race_export.py: {what}")


def run(command, code=0, **env):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GORACE", "GOSHAWK_"))}
    r = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                       env={**clean, **env})
    check(r.returncode == code, f"{command} ends with {r.returncode}: {r.stderr}")
    return r


def logs(folder, fmt, program=PROGRAM, cases=tuple(CASES), options=""):
    base = os.path.join(folder, fmt)
    for case in cases:
        run([program, case], 66,
            GORACE=f"atexit_sleep_ms=0 format={fmt} log_path={base} {options}")
    return sorted(glob.glob(base + ".*"))


def export(folder, fmt, inputs):
    out = os.path.join(folder, "out")
    run([GOSHAWK, "race", "export", "-f", fmt, *inputs, "-o", out])
    return open(out, encoding="utf-8").read()


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def check_location(location):
    physical = location["physicalLocation"]
    uri = physical["artifactLocation"]["uri"]
    check(uri and " " not in uri, f"uri {uri!r}")
    check(physical["region"]["startLine"] >= 1, "startLine")
    check(physical["region"].get("startColumn", 1) >= 1, "startColumn")


def check_sarif(log, results):
    check(log["version"] == "2.1.0", "version")
    check(len(log["runs"]) == 1, "one run")
    driver = log["runs"][0]["tool"]["driver"]
    check(driver["name"] == "Goshawk", "driver")
    rules = [rule["id"] for rule in driver["rules"]]
    check(len(set(rules)) == len(rules), "rules are unique")
    check(len(log["runs"][0]["results"]) == results, "number of results")
    for r in log["runs"][0]["results"]:
        check(rules[r["ruleIndex"]] == r["ruleId"], "ruleIndex")
        check(r["level"] in ("none", "note", "warning", "error"), "level")
        check(r["message"]["text"].strip(), "message")
        check(len(r["partialFingerprints"]["goshawk/v1"]) == 16, "fingerprint")
        for location in r["locations"] + r["relatedLocations"]:
            check_location(location)
        check(len(r["stacks"]) >= 2 and all(s["frames"] for s in r["stacks"]), "stacks")
    schema = os.environ.get("GOSHAWK_SARIF_SCHEMA")
    if schema:
        import jsonschema  # pylint: disable=import-outside-toplevel
        with open(schema, encoding="utf-8") as f:
            jsonschema.validate(log, json.load(f))


def compiled(folder, name, source):
    path = os.path.join(folder, "counter.c")
    with open(path, "w", encoding="utf-8") as f:
        f.write(source)
    program = os.path.join(folder, name)
    tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    run([GOSHAWK, "cc", "-race", "-g", "-I", tests, path, "-o", program])
    return program


def formats_agree(folder):
    from_json = lines(export(folder, "json", logs(folder, "json")))
    from_text = lines(export(folder, "json", logs(folder, "text")))
    prints = [{r["fingerprint"] for r in x} for x in (from_json, from_text)]
    check(prints[0] == prints[1] and len(prints[0]) == len(from_json) >= len(CASES),
          f"fingerprints {prints}")
    both = glob.glob(os.path.join(folder, "json.*")) + glob.glob(os.path.join(folder, "text.*"))
    together = lines(export(folder, "json", both))
    check({r["fingerprint"] for r in together} == prints[0], "one report a race")
    check(all(r["count"] == 2 for r in together), "each occurred twice")
    for inputs in (glob.glob(os.path.join(folder, "json.*")), both):
        check_sarif(json.loads(export(folder, "sarif", inputs)), len(from_json))


def fingerprint_survives_edits(folder):
    prints = []
    shifted = SOURCE.replace("int counter;", "\n\n\n// more\nint counter;")
    renamed = SOURCE.replace("writer", "other_writer")
    for i, source in enumerate((SOURCE, shifted, renamed)):
        sub = os.path.join(folder, str(i))
        os.mkdir(sub)
        program = compiled(sub, "counter", source)
        reports = lines(export(sub, "json", logs(sub, "json", program, [""])))
        check(reports, "no race found")
        prints.append({r["fingerprint"] for r in reports})
    check(prints[0] == prints[1], "lines shifted, and so did the fingerprint")
    check(not prints[0] & prints[2], "another function, the same fingerprint")


def leaks_are_reports(folder):
    program = compiled(folder, "leaks", LEAKS)
    prints = []
    for fmt in ("json", "text"):
        inputs = logs(folder, fmt, program, [""], "report_goroutine_leaks=1")
        reports = lines(export(folder, "json", inputs))
        check([r["type"] for r in reports] == ["goroutine-leak"] * 2, f"{fmt}: {reports}")
        check(reports[1]["stacks"][0]["stack"][0]["function"] == "waiter", "blocked where")
        check(" and 2 more " in reports[1]["stacks"][0]["title"], reports[1]["stacks"][0]["title"])
        prints.append([r["fingerprint"] for r in reports])
        sarif = json.loads(export(folder, "sarif", inputs))
        check_sarif(sarif, 2)
        check(sarif["runs"][0]["results"][0]["ruleId"] == "goroutine-leak", "ruleId")
    check(prints[0] == prints[1], f"fingerprints {prints}")


def wrong_use(folder):
    log = os.path.join(folder, "log")
    with open(log, "w", encoding="utf-8") as f:
        f.write("nothing\n")
    command = [GOSHAWK, "race", "export"]
    for arguments in ([], [log], ["-f", "xml", log, "-o", "-"], ["-f", "json", "-o", "-"],
                      ["-f", "json", log], ["-x", log]):
        r = run(command + arguments, 2)
        check(len(r.stderr.splitlines()) == 1, f"one line: {r.stderr}")
    run(command + ["-f", "json", log + ".missing", "-o", "-"], 1)
    with open(log, "w", encoding="utf-8") as f:
        f.write('{"type":"race","fingerprint":\n')
    r = run(command + ["-f", "json", log, "-o", "-"], 1)
    check(f"{log}:1: " in r.stderr, r.stderr)


def main():
    for part in (formats_agree, fingerprint_survives_edits, leaks_are_reports, wrong_use):
        with tempfile.TemporaryDirectory() as folder:
            part(folder)
        print(f"ok {part.__name__}")


main()
