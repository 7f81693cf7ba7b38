#!/usr/bin/env python3
"""matrix.py - the tests of one build again, in circumstances that the default run does not have.

    matrix.py --build DIR [--variant NAME]... [TEST...]

Variants: GOMAXPROCS of 1, 2, 3 and 16 (for those tests of tests/run that do not set it, and all
of tests/unit that run in goroutines), every goroutine sent to another thread each time it becomes
runnable, seeds without and with preemption, processors that are busy with something else, and
valgrind; the last ones for a subset.  Ends with a table, one line a variant, and
    N passed, M failed
Failures are listed above the table; the logs are DIR/meson-logs/matrix-VARIANT.txt.
"""
import argparse
import contextlib
import glob
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import count  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Variant -> what is added to the environment.
VARIANTS = {
    'procs 1': {'GOMAXPROCS': '1', 'GO_TEST_PROCS': '1'},
    'procs 2': {'GOMAXPROCS': '2', 'GO_TEST_PROCS': '2'},
    'procs 3': {'GOMAXPROCS': '3', 'GO_TEST_PROCS': '3'},
    'procs 16': {'GOMAXPROCS': '16', 'GO_TEST_PROCS': '16'},
    # tests/run has an environment of its own: run.py
    'migrate': {'GOSHAWK_DEBUG': 'migrate', 'GO_TEST_ENV': 'GOSHAWK_DEBUG=migrate'},
    'seed': {'GOSHAWK_SEED': '1', 'GO_TEST_PROCS': '1', 'GO_TEST_ENV': 'GOSHAWK_SEED=1'},
    'preempt': {
        'GOSHAWK_SEED': '2', 'GOSHAWK_DEBUG': 'preempt', 'GO_TEST_PROCS': '1',
        'GO_TEST_ENV': 'GOSHAWK_SEED=2 GOSHAWK_DEBUG=preempt',
    },
    'load': {},
    'valgrind': {
        'MESON_EXE_WRAPPER': 'valgrind -q --error-exitcode=99 --fair-sched=yes'
        ' --suppressions=' + os.path.join(ROOT, 'tools/dev.d/valgrind.supp'),
        'GOSHAWK_TEST_SLOWER': '20',
    },
}

# A seed means one P, no monitor, and a clock that jumps to the next timer: what is about several
# Ps, about goroutines that never call, about real time, or about threads is left out.
UNSEEDED = {
    'dump_on_sigquit', 'goroutine_leaks', 'hogs_and_others', 'locked_thread_ends',
    'maxprocs_at_run_time', 'maxprocs_from_environment', 'memory_goes_back',
    'nothing_stops_the_others', 'thread_limit',
    'blocked_at_exit',  # what goes on when main has returned is not up to the seed
    'deadlock_report',  # has cases with a seed, and says that those without have no line for one
    'go', 'idle', 'panic', 'park', 'procs', 'sched', 'thread', 'timers', 'worker',
}
# Preemption may also let time pass, to the next timer: what begins two steps before that is late.
LATE = {'context_trees', 'descriptors', 'timers_change_their_time'}

LEFT_OUT = {'seed': UNSEEDED, 'preempt': UNSEEDED | LATE}

# Programs that valgrind can run: it has one thread run at a time and is some 30 times slower, so no
# large numbers; it knows no memory that is mapped twice, no crash that is meant, and no
# epoll_pwait2(), by which the poller waits.
UNDER_VALGRIND = [
    'channel_semantics', 'select_semantics', 'lock_semantics', 'condition_variables',
    'semaphores_and_groups', 'contexts', 'panic_and_defer', 'go_arguments_of_every_kind',
    'go_arguments_evaluated_once', 'exit_code', 'plain_threads',
    'ids_names_and_count', 'errno_and_rounding_follow',
]

BUSY = 'while True: pass'


def names_of(build, variant):
    """The tests of a variant."""
    out = subprocess.run(['meson', 'introspect', build, '--tests'], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    names = [t['name'] for t in json.loads(out)
             if any(s.endswith((':run', ':unit')) for s in t['suite'])]
    if variant == 'valgrind':
        return [n for n in names if n in {'run ' + u for u in UNDER_VALGRIND}]
    in_go = set()
    for path in glob.glob(os.path.join(ROOT, 'tests/unit/test_*.c')):
        with open(path, encoding='utf-8') as f:
            if re.search(r'^IN_GO\(', f.read(), re.M):
                in_go.add(os.path.basename(path)[5:-2])
    left_out = LEFT_OUT.get(variant, set())
    return [n for n in names if (n.startswith('run ') or n in in_go)
            and n.removeprefix('run ').removesuffix(' (race)') not in left_out]


@contextlib.contextmanager
def load(wanted):
    """Twice as many busy processes as there are processors."""
    busy = []
    try:
        for _ in range(2 * len(os.sched_getaffinity(0)) if wanted else 0):
            busy.append(subprocess.Popen([sys.executable, '-c', BUSY]))
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def run(build, variant, only):
    """(passed, failed, skipped, seconds) of one variant."""
    names = [n for n in names_of(build, variant) if not only or n in only]
    base = 'matrix-' + variant.replace(' ', '-')
    log = os.path.join(build, 'meson-logs', base + '.json')
    with contextlib.suppress(FileNotFoundError):
        os.unlink(log)
    if not names:
        return 0, 0, 0, 0.0
    slower = '20' if variant == 'valgrind' else '4'
    env = dict(os.environ, **{'GOSHAWK_TEST_SLOWER': slower, **VARIANTS[variant]})
    begin = time.monotonic()
    with load(variant == 'load'):
        # Names with commas or colons would be taken apart; none has them.
        subprocess.run(['meson', 'test', '-C', build, '--no-rebuild', '--quiet', '--logbase', base,
                        '--timeout-multiplier', slower, *names],
                       env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    seconds = time.monotonic() - begin
    try:
        with open(log, encoding='utf-8') as f:
            tests = [json.loads(line) for line in f if line.strip()]
    except (OSError, ValueError) as error:
        print(f'FAILED {variant}: {error}')
        return 0, 1, 0, seconds
    total = [0, 0, 0]
    for test in tests:
        counts = count.count(test)
        total = [a + b for a, b in zip(total, counts)]
        if counts[1]:
            print(f'FAILED {variant}: {test["name"]} ({test["result"]})')
    return (*total, seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', required=True)
    parser.add_argument('--variant', action='append', choices=list(VARIANTS))
    parser.add_argument('tests', nargs='*', metavar='TEST')
    args = parser.parse_args()
    rows = []
    for variant in args.variant or VARIANTS:
        print(f'-- {variant}', flush=True)
        rows.append((variant, *run(args.build, variant, args.tests)))
    print(f'\n{"variant":10} {"passed":>8} {"failed":>8} {"skipped":>8} {"seconds":>8}')
    for variant, passed, failed, skipped, seconds in rows:
        print(f'{variant:10} {passed:8} {failed:8} {skipped:8} {seconds:8.0f}')
    passed, failed, skipped = (sum(row[i] for row in rows) for i in (1, 2, 3))
    print(f'{passed} passed, {failed} failed' + (f', {skipped} skipped' if skipped else ''))
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
