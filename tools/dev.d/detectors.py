#!/usr/bin/env python3
"""detectors.py - what race detectors say of the same small programs: `tools/dev bench detectors`.

    detectors.py --build FOLDER [--runs N] [--only WHO,...] [--skip CASE,...] [--check] [CASE...]

tests/detectors/detector_cases.c is built for Goshawk (goshawk cc -race), clang's and gcc's libtsan,
and plainly for valgrind's Helgrind and DRD; detector_cases.go, where Go can say the same, by
`go build -race`.  Who is not installed is left out.  Every case runs N times in each; the table
says what came of it, by the exit code and the report, and what an answer looked like.

--check fails when Goshawk's column has a wrong answer.
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCE = os.path.join(ROOT, 'tests/detectors/detector_cases.c')
GO_SOURCE = os.path.join(ROOT, 'tests/detectors/detector_cases.go')
RIGHT = {'RACE': 'found', 'NORACE': 'silent', 'LOCKS': 'found'}
TIMEOUT_S = 300
VALGRIND = ['valgrind', '-q', '--error-exitcode=66']
COMPILE = ['-std=gnu11', '-g', '-O1', SOURCE, '-lpthread', '-o']

# Words of a report, whoever writes it.
LOCK_ORDER = re.compile(r'lock[- ]order', re.I)
REPORT = re.compile(r'WARNING: |Possible data race|Conflicting (load|store)|lock order', re.I)
HELD = re.compile(r'Locks held: by|Locks held:\n|mutexes: write|Locks? held', re.I)


class Detector:
    """One column: how a case is run."""

    def __init__(self, who, title, program, wrapper=(), plain=None):
        self.who, self.title, self.program = who, title, program
        self.wrapper, self.plain = list(wrapper), plain

    def names(self):
        done = subprocess.run([self.program, '--list'], capture_output=True, text=True, check=True)
        return {line.split()[-1] for line in done.stdout.splitlines()}

    def run(self, case, suppressions=None):
        """(exit status or None for too long, what it wrote)"""
        drop = ('GORACE', 'GOSHAWK', 'GOTRACEBACK', 'TSAN_OPTIONS', 'GOMAXPROCS')
        env = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
        options = 'atexit_sleep_ms=0'
        wrapper = list(self.wrapper)
        if suppressions and self.wrapper:
            wrapper.append('--suppressions=' + suppressions)
        elif suppressions:
            options += ' suppressions=' + suppressions
        env['GORACE'] = env['TSAN_OPTIONS'] = options
        if self.who == 'go':
            env['GOMAXPROCS'] = '4'
        try:
            done = subprocess.run(wrapper + [self.program, case], env=env, capture_output=True,
                                  text=True, errors='replace', timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return None, ''
        return done.returncode, done.stderr


def succeeds(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        print(f'detectors: cannot {" ".join(command)}: {(done.stderr.splitlines() or [""])[0]}',
              file=sys.stderr)
    return done.returncode == 0


def build(folder, out, only):
    """The detectors there are."""
    goshawk = [os.path.join(folder, 'tools/goshawk'), 'cc', '-race']
    found = []

    def made(who, compiler):
        program = os.path.join(out, who)
        fits = shutil.which(compiler[0]) and succeeds([*compiler, *COMPILE, program])
        return program if fits else None

    plain = made('plain', ['gcc'])
    plain_clang = made('plain_clang', ['clang'])
    for who, title, compiler, beside in (
            ('ours', 'Goshawk', goshawk, plain),
            ('v3', 'tsan v3', ['clang', '-fsanitize=thread'], plain_clang),
            ('v2', 'tsan v2', ['gcc', '-fsanitize=thread', '-Wno-tsan'], plain)):
        program = (not only or who in only) and made(who, compiler)
        if program:
            found.append(Detector(who, title, program, plain=beside))
    for who, title in (('helgrind', 'Helgrind'), ('drd', 'DRD')):
        if (not only or who in only) and shutil.which('valgrind') and plain:
            found.append(Detector(who, title, plain, [*VALGRIND, '--tool=' + who], plain))
    go = os.path.join(out, 'go')
    env = dict(os.environ, GO111MODULE='off', GOFLAGS='', CGO_ENABLED='1')
    env.setdefault('GOCACHE', os.path.abspath(os.path.join(folder, 'gocache')))
    if (not only or 'go' in only) and shutil.which('go') and \
            succeeds(['go', 'build', '-race', '-o', go, GO_SOURCE], env=env):
        found.append(Detector('go', 'Go -race', go))
    return found


def verdict(kind, status, text):
    reported = bool((LOCK_ORDER if kind == 'LOCKS' else REPORT).search(text))
    if status is None:
        return f'> {TIMEOUT_S} s'
    if kind == 'NORACE':
        return 'false' if reported else 'silent' if status == 0 else 'fails'
    if not reported:
        return 'missed' if status == 0 else 'fails'
    return 'one stack' if 'failed to restore the stack' in text else 'found'


def answer(detector, kind, case, runs):
    """"found", or "found 2/3" for what it says most often."""
    said = [verdict(kind, *detector.run(case)) for _ in range(runs)]
    most = max(set(said), key=said.count)
    return most if said.count(most) == runs else f'{most} {said.count(most)}/{runs}'


# ---- what a report tells ----

def line_of(pattern):
    for number, line in enumerate(open(SOURCE, encoding='utf-8'), 1):
        if re.search(pattern, line):
            return number
    raise SystemExit(f'detectors: nothing like {pattern} in {SOURCE}')


def yes(there):
    return 'yes' if there else 'no'


def details(detector):
    """{what: yes or no}"""
    heap = detector.run('field_of_a_heap_block')[1]
    held = detector.run('lock_held_on_one_side')[1]
    two = detector.run('two_writes')[1]
    told = {'variable by name': yes(re.search(r'(global|symbol|variable)[^\n]*\bx\b', two)),
            'field of a structure by name': yes(re.search(r'[^\w]count\b', heap)),
            'locks held': yes(HELD.search(held))}
    if detector.who != 'go':
        told['where a heap block is from'] = yes(f':{line_of(r"item = malloc")}' in heap)
        with tempfile.NamedTemporaryFile('w', suffix='.supp') as f:
            name = {'helgrind': 'Helgrind:Race', 'drd': 'drd:ConflictingAccess'}.get(detector.who)
            f.write(f'{{\n one\n {name}\n ...\n fun:two_writes\n}}\n' if name
                    else 'race:two_writes\n')
            f.flush()
            status, text = detector.run('two_writes', f.name)
            told['suppressed by a file'] = yes(status == 0 and not REPORT.search(text))
    return told


# ---- what it costs ----

def usage(command):
    """(processor seconds, KiB)"""
    with open(os.devnull, 'w', encoding='utf-8') as null:
        pid = subprocess.Popen(command, stdout=null, stderr=null).pid
        _, _, used = os.wait4(pid, 0)
    return used.ru_utime + used.ru_stime, used.ru_maxrss


def costs(detector, runs):
    if not detector.plain:
        return {}
    time, memory = [], []
    for _ in range(runs):
        plain = usage([detector.plain, 'work'])
        under = usage(detector.wrapper + [detector.program, 'work'])
        time.append(under[0] / max(plain[0], 1e-3))
        memory.append(under[1] / plain[1])
    return {'time of its work, times plain': f'{statistics.median(time):.1f}',
            'memory of its work, times plain': f'{statistics.median(memory):.1f}'}


# ---- the table ----

def print_row(what, cells):
    print(f'{what:36}' + ''.join(f'{c:>10}' for c in cells).rstrip(), flush=True)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--build', required=True)
    ap.add_argument('--runs', type=int, default=3)
    ap.add_argument('--only', default='')
    ap.add_argument('--skip', default='')
    ap.add_argument('--check', action='store_true')
    ap.add_argument('case', nargs='*')
    args = ap.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory() as out:
        detectors = build(args.build, out, [w for w in args.only.split(',') if w])
        if not detectors:
            raise SystemExit('detectors: none to be had')
        listed = subprocess.run([detectors[0].program, '--list'], capture_output=True, text=True,
                                check=True).stdout.splitlines()
        cases = [tuple(line.split()) for line in reversed(listed)]
        names = {d.who: d.names() for d in detectors}
        print_row('', [d.title for d in detectors])
        for kind, title in (('RACE', 'races'), ('LOCKS', 'no race, but locks in two orders'),
                            ('NORACE', 'correct')):
            print(title)
            for case in (c for k, c in cases if k == kind):
                if case in args.skip.split(',') or (args.case and case not in args.case):
                    continue
                row = [answer(d, kind, case, args.runs) if case in names[d.who] else '-'
                       for d in detectors]
                print_row('  ' + case.replace('_', ' '), row)
                if detectors[0].who == 'ours' and row[0] != RIGHT[kind]:
                    wrong.append(case)
        if not args.case and not args.check:
            for title, rows in (('reports', [details(d) for d in detectors]),
                                ('cost', [costs(d, args.runs) for d in detectors])):
                print(title)
                for what in max(rows, key=len):
                    print_row('  ' + what, [r.get(what, '-') for r in rows])
    if args.check and wrong:
        raise SystemExit('detectors: Goshawk is wrong about ' + ', '.join(wrong))


if __name__ == '__main__':
    main()
