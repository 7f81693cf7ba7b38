#!/usr/bin/env python3
"""What a recording tells of data races, and what the flight recorder does about them.

    races.py GOSHAWK PROGRAM    speaks TAP

PROGRAM is raced.c under the detector.  Each RACE must name both sides truly; the snapshots that the
flight recorder takes must be whole, and hold the race that they were taken for.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

goshawk, program = map(os.path.abspath, sys.argv[1:3])
work = tempfile.mkdtemp(prefix='goshawk-races-')
results = []
TIMEOUT = 120 * int(os.environ.get('GOSHAWK_TEST_SLOWER', '1'))


def test(name):
    def decorate(f):
        try:
            f()
            results.append(f'ok - {name}')
        except AssertionError as e:
            results.append('not ok - ' + name + ''.join(f'\n# {x}' for x in str(e).split('\n')))
        return f
    return decorate


def run(args, status=0, **env):
    """Its output, both kinds."""
    p = subprocess.run(args, capture_output=True, text=True, timeout=TIMEOUT, cwd=work, check=False,
                       env={**os.environ, 'GORACE': '', **env})
    said = p.stdout + p.stderr
    assert p.returncode == status, f'{args}: exit {p.returncode}: {said}'
    return said


def events(trace):
    text = run([goshawk, 'trace', 'export', '-f', 'json', trace, '-o', '-'])
    return [json.loads(line) for line in text.split('\n') if line.startswith('{')]


def races(trace):
    return [e for e in events(trace) if e['event'] == 'race']


def fly(how, status=66, **env):
    """Runs the program with a flight; returns its snapshots, oldest first, and what it said."""
    folder = tempfile.mkdtemp(dir=work)
    said = run([program, how], status, GOSHAWK_FLIGHT='1M',
               GOSHAWK_FLIGHT_FILE=os.path.join(folder, '%n.gtrace'), **env)
    files = sorted(glob.glob(folder + '/*.gtrace'), key=lambda f: int(os.path.basename(f)[:-7]))
    for f in files:
        check = run([goshawk, 'trace', 'check', f])
        assert 'nothing lost' in check and 'before: data race' in check, check
    return files, said


# ---- recordings ----

run([program, 'once'], 66, GOSHAWK_TRACE=os.path.join(work, 'once'))


@test('a race tells the accesses of both sides and where they were')
def sides():
    first, second = races('once')
    assert first['access'] in ('read of 8 bytes', 'write of 8 bytes'), first
    assert first['by_access'] == 'write of 8 bytes', first
    assert re.fullmatch(r'once \S*raced.c:\d+', first['place']), first
    assert re.fullmatch(r'early \S*raced.c:\d+', first['by_place']), first
    assert second['access'].startswith('write of ') and second['by_access'] == 'write of 4 bytes', \
        second
    assert re.fullmatch(r'early_pair \S*raced.c:\d+', second['by_place']), second


@test('the earlier access lies in the interval that is told, which is a short one')
def interval():
    all_ = events('once')
    race = next(e for e in all_ if e['event'] == 'race')
    marks = {e['name']: e['time_ns'] for e in all_ if e.get('category') == 'mark'}
    assert race['by_from_ns'] <= marks['after'] and race['by_to_ns'] >= marks['before'], \
        (race, marks)
    own = [e['time_ns'] for e in all_ if e.get('g') == race['by']]
    inside = [t for t in own if race['by_from_ns'] < t < race['by_to_ns']]
    assert len(inside) < len(own) / 2, f'{len(inside)} of the {len(own)} events of early'


@test('goshawk trace race tells the interval, in the width of the terminal')
def story():
    for width in 60, 80, 160:
        picture = ['--no-picture'] * (width < 80)
        text = run([goshawk, 'trace', 'race', '--width', str(width), *picture, 'once', '1'])
        assert 'write of 8 bytes' in text and re.search(r'made between \d', text), text
        assert '  ( its access lies' in text and '  ) in between' in text, text
        wide = [line for line in text.split('\n') if len(line) > width]
        assert not wide, '\n'.join(wide)


@test('a thread has no number of a goroutine')
def thread():
    run([program, 'thread'], 66, GOSHAWK_TRACE=os.path.join(work, 'thread'))
    later, earlier = races('thread')
    assert 'by' not in later and later['by_access'] == 'write of 8 bytes', later
    assert 'g' not in earlier and earlier['by'] == 1, earlier
    assert earlier['access'] == earlier['by_access'] == 'write of 4 bytes', earlier
    text = run([goshawk, 'trace', 'race', 'thread', '1'])
    assert re.search(r'before it +a thread', text) and 'creates G1' not in text, text
    text = run([goshawk, 'trace', 'race', '--report', 'thread', '2'])
    assert re.search(r'now +a thread', text) and 'by thread T1' in text, text


# ---- the flight recorder ----

@test('the flight recorder writes behind a report')
def flight():
    files, said = fly('once')
    assert len(files) == 2 and len(races(files[0])) == 1 and len(races(files[1])) == 2, files
    at = [said.index(text) for text in ('WARNING: DATA RACE', 'see goshawk trace race ' + files[0])]
    assert at == sorted(at), said
    race = races(files[0])[0]
    assert race['by_place'].startswith('early ') and race['by_access'] == 'write of 8 bytes', race
    assert 'Not ordered' in run([goshawk, 'trace', 'race', '--report', files[0], '1'])


@test('also when the first report ends the program')
def halting():
    files, _ = fly('once', GORACE='halt_on_error=1')
    assert len(files) == 1 and len(races(files[0])) == 1, files


@test('also when reports are JSON, and when a thread is a side')
def others():
    files, said = fly('thread', GORACE='format=json')
    assert len(files) == 2 and said.count('"type":"race"') == 2, said
    text = run([goshawk, 'trace', 'race', files[0]])
    assert re.search(r'before it +a thread +write of 8 bytes +at thread raced.c', text), text


@test('of many races the first eight are written')
def many():
    files, said = fly('many')
    assert said.count('WARNING: DATA RACE') == 12 and len(files) == 8, files
    assert [len(races(f)) for f in files] == list(range(1, 9)), files


@test('nothing is written of a race that is suppressed')
def suppressed():
    with open(os.path.join(work, 'suppressions'), 'w', encoding='utf-8') as f:
        f.write('race:^early\n')
    files, said = fly('once', 0, GORACE='suppressions=' + os.path.join(work, 'suppressions'))
    assert not files and 'flight recorder' not in said, said


shutil.rmtree(work)
print('\n'.join(results))
print(f'1..{len(results)}')
sys.exit(any(r.startswith('not ok') for r in results))
