#!/usr/bin/env python3
"""Recordings of a real program are whole, however they begin and end.

    recordings.py GOSHAWK PROGRAM [KILLS [SEED]]    speaks TAP

The program is killed KILLS times (20) at random instants; it begins and ends recordings in the
middle of its run; its flight recorder writes for each cause.  Each file must pass `goshawk trace
check` and say what it is.
"""
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

goshawk, program = map(os.path.abspath, sys.argv[1:3])
kills = int(sys.argv[3]) if len(sys.argv) > 3 else 20
seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 32)
slower = int(os.environ.get('GOSHAWK_TEST_SLOWER', '1'))
work = tempfile.mkdtemp(prefix='goshawk-recordings-')
results = []


def check(path, *texts):
    p = subprocess.run([goshawk, 'trace', 'check', path], capture_output=True, text=True,
                       timeout=120 * slower)
    said = p.stdout + p.stderr
    assert p.returncode == 0, f'check of {path}: exit {p.returncode}: {said}'
    for text in texts:
        assert text in said, f'no "{text}" in: {said}'
    os_events = re.search(r'(\d+) events', said)
    assert os_events, said
    return int(os_events.group(1))


def test(name):
    def decorate(f):
        try:
            f()
            results.append(f'ok - {name}')
        except AssertionError as e:
            results.append(f'not ok - {name}\n# {e}'.replace('\n', '\n# ').replace('# # ', '# '))
        return f
    return decorate


def wait_for(condition, child):
    """Polls: another process's file is all there is to look at."""
    end = time.monotonic() + 60 * slower
    while not condition():
        assert child.poll() is None, f'it ended with {child.returncode}'
        assert time.monotonic() < end, 'nothing happens'
        time.sleep(0.001)


def begun(path):
    try:
        with open(path, 'rb') as f:
            return f.read(8) == b'GTRACE\r\n'
    except FileNotFoundError:
        return False


@test(f'a program killed at {kills} random instants has lost nothing')
def killed():
    rand = random.Random(seed)
    path = os.path.join(work, 'killed.gtrace')
    events = 0
    for i in range(kills):
        child = subprocess.Popen([program, 'for-ever'],
                                 env={**os.environ, 'GOSHAWK_TRACE': path,
                                      'GOSHAWK_TRACE_LIMIT': '200M'})
        wait_for(lambda: begun(path), child)
        time.sleep(rand.random() * 0.03)  # until the random instant: any is right
        child.send_signal(signal.SIGKILL)
        child.wait()
        try:
            events += check(path, 'ended by a kill or a crash', 'nothing lost')
        except AssertionError as e:
            os.rename(path, os.path.join('/tmp', f'goshawk-killed-{seed}-{i}.gtrace'))
            raise AssertionError(f'kill {i} of seed {seed}: {e}') from None
        os.unlink(path)
    assert events > 100 * kills, f'only {events} events in {kills} files'


@test('recordings begin and end in the middle of a run')
def restarted():
    folder = tempfile.mkdtemp(dir=work)
    subprocess.run([program, 'restarts', folder], check=True, timeout=120 * slower)
    files = sorted(os.listdir(folder))
    assert len(files) == 6, files
    for f in files:
        path = os.path.join(folder, f)
        check(path, 'nothing lost')
        dump = subprocess.run([goshawk, 'trace', 'dump', path], capture_output=True, text=True,
                              check=True, timeout=120 * slower).stdout
        told = [line for line in dump.split('\n') if ' state ' in line]
        assert any('chan receive' in line for line in told), f'{f}: nobody waits: {told}'
        assert any(' patient' in line for line in dump.split('\n')), f'{f}: no patient'


def flight(how, status, *texts):
    path = os.path.join(work, how + '.gtrace')
    p = subprocess.run([program, how], capture_output=True, text=True, timeout=120 * slower,
                       env={**os.environ, 'GOSHAWK_FLIGHT': '1M', 'GOSHAWK_FLIGHT_FILE': path})
    assert p.returncode == status, f'{how}: exit {p.returncode}: {p.stderr}'
    for text in texts:
        assert text in p.stderr, f'no "{text}" in {p.stderr}'
    return check(path, 'nothing lost', 'the last ')


for cause, code, said in (('panic', 2, ['panic: as asked', 'the last ', ' start on P']),
                          ('deadlock', 2, ['deadlock!', 'the last ']),
                          ('segv', -signal.SIGSEGV, ['SIGSEGV', 'the last ']),
                          ('usr2', 0, []), ('call', 0, [])):
    @test(f'the flight recorder writes: {cause}')
    def cause_is_written():
        assert flight(cause, code, *said) > 1000


print('\n'.join(results))
print(f'1..{len(results)}')
sys.exit(any(r.startswith('not ok') for r in results))
