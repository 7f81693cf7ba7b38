#!/usr/bin/env python3
"""count.py - adds up what meson test has logged.

    count.py [--failed N] TESTLOG.json...

A test program counts for each test in it: a Criterion program by its synthesis line, a TAP program
by its "ok" lines, anything else once.  Failures are listed, each with the end of what the test
said, since a log may be all that is left of a run; the last line is
    N passed, M failed            or            N passed, M failed, K skipped
and the exit code is 0 if M is 0.  --failed adds failures from before, such as a build that broke.
"""
import json
import re
import sys

SYNTHESIS = re.compile(r'Synthesis: Tested: (\d+) \| Passing: (\d+) ')
TAP = re.compile(r'^(not ok|ok)\b[^#\n]*(#\s*skip\b)?', re.I | re.M)
ESCAPES = re.compile(r'\x1b\[[0-9;]*m')
USUAL = re.compile(r'\[(RUN |PASS|SKIP)\]|ok\b')  # lines that tell nothing of a failure
TOLD = 30  # lines of a failed test that are shown


def output(test):
    return ESCAPES.sub('', (test.get('stdout') or '') + '\n' + (test.get('stderr') or ''))


def end_of_output(test):
    lines = [line for line in output(test).splitlines() if line.strip() and not USUAL.match(line)]
    return lines[-TOLD:]


def count(test):
    """(passed, failed, skipped) of one entry of a testlog."""
    result = test['result']
    text = output(test)
    passed = failed = skipped = 0
    synthesis = SYNTHESIS.findall(text)
    if result == 'SKIP':
        return 0, 0, 1
    if synthesis:
        for tested, passing in synthesis:
            passed += int(passing)
            failed += int(tested) - int(passing)
    else:
        for verdict, skip in TAP.findall(text):
            skipped += bool(skip)
            passed += not skip and verdict.lower() == 'ok'
            failed += not skip and verdict.lower() == 'not ok'
    good = result in ('OK', 'EXPECTEDFAIL')
    if passed + failed + skipped == 0:
        passed = int(good)
    if good:
        return passed, 0, skipped
    return passed, max(failed, 1), skipped


def main(argv):
    total = [0, 0, 0]
    if argv and argv[0] == '--failed':
        total[1] += int(argv[1])
        argv = argv[2:]
    for path in argv:
        try:
            with open(path, encoding='utf-8') as f:
                tests = [json.loads(line) for line in f if line.strip()]
        except (OSError, ValueError) as error:
            print(f'FAILED {path}: {error}')
            total[1] += 1
            continue
        for test in tests:
            counts = count(test)
            total = [a + b for a, b in zip(total, counts)]
            if counts[1]:
                print(f'FAILED {path.split("/meson-logs/")[0]}: {test["name"]} ({test["result"]})')
                for line in end_of_output(test):
                    print('    ' + line)
    passed, failed, skipped = total
    print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
