#!/usr/bin/env python3
"""goshawk trace dump, check, stat, export: what they print and refuse, and with which code.

commands.py GOSHAWK GEN_TRACE    speaks TAP
"""
import csv
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

goshawk, gen_trace = map(os.path.abspath, sys.argv[1:3])
work = tempfile.mkdtemp(prefix='goshawk-trace-')
results = []


def run(*args, **more):
    return subprocess.run([goshawk, 'trace', *args], capture_output=True, text=True, timeout=60,
                          cwd=work, **more)


def test(name):
    def decorate(f):
        try:
            skip = f()
            results.append(f'ok - {name}' + (f' # SKIP {skip}' if skip else ''))
        except AssertionError as e:
            results.append(f'not ok - {name}\n# {e}'.replace('\n', '\n# ').replace('# # ', '# '))
        return f
    return decorate


def expect(p, code, *texts):
    assert p.returncode == code, f'{p.args[2:]}: exit {p.returncode}, not {code}: {p.stderr}'
    if code:
        assert len(p.stderr.strip().split('\n')) == 1, f'more than one line: {p.stderr}'
    for t in texts:
        assert t in p.stdout + p.stderr, f'{p.args[2:]}: no "{t}" in {p.stdout[-500:]}{p.stderr}'
    return p


def write(name, data):
    with open(os.path.join(work, name), 'wb') as f:
        f.write(data)


def read(name):
    with open(os.path.join(work, name), 'rb') as f:
        return f.read()


subprocess.run([gen_trace, 't.gtrace', '3000', '3', '2', '1'], cwd=work, check=True, timeout=60)
whole = read('t.gtrace')
CHUNK = struct.unpack_from('<I', whole, 16)[0]


@test('check passes on a whole trace')
def _():
    expect(run('check', 't.gtrace'), 0, 'consistent', 'nothing lost')


@test('check passes on a trace that is cut, and says where')
def _():
    for n in (CHUNK + 100, 2 * CHUNK, 2 * CHUNK + 3000, len(whole) - 1, len(whole) - CHUNK + 1000):
        write('cut.gtrace', whole[:n])
        expect(run('check', 'cut.gtrace'), 0, 'consistent', f'cut at offset {n} of {len(whole)}')


@test('check fails on a damaged trace, with the offset')
def _():
    bad = bytearray(whole)
    bad[CHUNK * 2 + 20] ^= 255
    write('bad.gtrace', bad)
    expect(run('check', 'bad.gtrace'), 1, f'damaged at offset {CHUNK * 2}')
    expect(run('dump', 'bad.gtrace'), 0, 'damaged')


@test('what is not a trace is refused in one line')
def _():
    write('empty', b'')
    write('text', b'hello\n' * 100)
    write('version', whole[:8] + b'\x63' + whole[9:])
    write('header', whole[:100])
    for command in ('dump', 'check', 'stat'):
        expect(run(command, 'empty'), 1, 'empty: the file is empty')
        expect(run(command, 'text'), 1, 'text: not a goshawk trace')
        expect(run(command, 'version'), 1, 'version: trace format version 99')
        expect(run(command, 'header'), 1, 'cut within its header')
        expect(run(command, 'missing'), 1, 'missing: No such file')
        expect(run(command, '.'), 1, 'Is a directory')


@test('wrong use exits with 2')
def _():
    for command in ('dump', 'check', 'stat'):
        expect(run(command), 2)
        expect(run(command, 't.gtrace', 't.gtrace'), 2)
        expect(run(command, '--nonsense', 't.gtrace'), 2, '--nonsense')
    expect(run('export', 't.gtrace', '-o', 'x'), 2, 'which format')
    expect(run('export', '-f', 'go', '-o', 'x'), 2, 'which trace')
    expect(run('export', '-f', 'go', 't.gtrace'), 2, 'where to')
    expect(run('export', '-f', 'morse', 't.gtrace', '-o', 'x'), 2, 'morse', 'go')


@test('export does not leave half a file, and keeps what was there')
def _():
    write('kept', b'precious')
    expect(run('export', '-f', 'go', 'missing', '-o', 'kept'), 1)
    assert read('kept') == b'precious'
    expect(run('export', '-f', 'go', 't.gtrace', '-o', 'no/such/folder'), 1, 'no/such/folder')
    if os.path.exists('/dev/full'):
        expect(run('export', '-f', 'csv', 't.gtrace', '-o', '/dev/full'), 1, 'not a regular file')
        with open('/dev/full', 'w') as full:
            p = subprocess.run([goshawk, 'trace', 'dump', 't.gtrace'], cwd=work, stdout=full,
                               stderr=subprocess.PIPE, text=True)
        assert p.returncode == 1 and 'cannot write' in p.stderr, p.stderr
    assert not [f for f in os.listdir(work) if f.endswith('.part')]


@test('dump has one line for each event, in order of time')
def _():
    lines = expect(run('dump', 't.gtrace'), 0).stdout.splitlines()
    assert lines[0].split() == ['#', 'seconds', 'M', 'P', 'G', 'event']
    times = [float(line.split()[1]) for line in lines[1:]]
    assert times == sorted(times)
    assert [int(line.split()[0]) for line in lines[1:]] == list(range(len(times)))
    for word in ('go ', 'start', 'end', 'yield', 'block', 'ready', 'proc start', 'thread park',
                 'chan receive chan#', 'mutex lock mutex#', 'select chan#', 'sleep'):
        assert any(word in line for line in lines), word


@test('stat names what there is, and a processor is always in one state')
def _():
    out = expect(run('stat', 't.gtrace'), 0, 'goroutines by entry function', 'scheduling latency',
                 'objects by the time', 'processors').stdout
    for name in ('synth_worker', 'synth_main', 'synth_producer', 'mutex#', 'chan#'):
        assert name in out, name
    table = out.split('\nprocessors\n')[1].split('\n\n')[0]
    shares = [line.split()[2:5] for line in table.splitlines()[1:]]
    assert len(shares) == 2, shares
    for s in shares:
        assert abs(sum(float(x.rstrip('%')) for x in s) - 100) < 0.5, s


@test('csv and json have the events of dump')
def _():
    n = len(run('dump', 't.gtrace').stdout.splitlines()) - 1
    expect(run('export', '-f', 'csv', 't.gtrace', '-o', 't.csv'), 0)
    expect(run('export', '-f', 'json', 't.gtrace', '-o', 't.json'), 0)
    rows = list(csv.DictReader(io.StringIO(read('t.csv').decode())))
    objects = [json.loads(line) for line in read('t.json').decode().splitlines()]
    assert len(rows) == len(objects) == n, (len(rows), len(objects), n)
    for row, o in zip(rows, objects):
        assert row['event'] == o['event'] and int(row['time_ns']) == o['time_ns']


shutil.rmtree(work)
print(f'1..{len(results)}')
print('\n'.join(results))
sys.exit(any(r.startswith('not') for r in results))
