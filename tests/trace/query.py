#!/usr/bin/env python3
"""goshawk trace query, race, expect, diff, serve, and filters: what they say, and with which code.

query.py GOSHAWK GEN_TRACE [RACED_PROGRAM]    speaks TAP
"""
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

goshawk, gen_trace = map(os.path.abspath, sys.argv[1:3])
raced = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else None
work = tempfile.mkdtemp(prefix='goshawk-query-')
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


for name, count, seed in (('t', 3000, 1), ('u', 6000, 2)):
    subprocess.run([gen_trace, name + '.gtrace', str(count), '3', '2', str(seed)], cwd=work,
                   check=True, timeout=60)
NS = {'ns': 1, 'us': 1e3, 'ms': 1e6, 's': 1e9}


def length(text):
    m = re.fullmatch(r'([\d.]+)(ns|us|ms|s)\+?', text)
    return float(m[1]) * NS[m[2]]


def middle():
    """Two times of t.gtrace between which something happens, in ns."""
    times = [round(float(line.split()[1]) * 1e9)
             for line in run('dump', 't.gtrace').stdout.splitlines()[1:]]
    return times[len(times) // 3], times[len(times) // 2]


def channel():
    """A channel on which somebody waits in t.gtrace; objects are numbered as they are seen."""
    return re.search(r'chan#\d+', run('dump', 't.gtrace').stdout)[0]


@test('query finds spans, and only those that it means')
def _():
    lines = expect(run('query', 't.gtrace', 'g:synth_worker state:chan dur>10us'), 0).stdout
    spans = [line for line in lines.split('\n')[1:] if re.match(r' +\d+\.\d{9} ', line)]
    assert spans and all('synth_worker  chan' in s for s in spans), spans[:3]
    assert all(length(s.split()[1]) >= 9999 for s in spans), spans[:3]
    total = int(re.search(r'^(\d+) span', lines, re.M)[1])
    assert total == len(spans), (total, len(spans))
    longest = expect(run('query', '-n', '3', 't.gtrace', 'g:synth_worker state:chan'), 0).stdout
    lengths = [length(s.split()[1]) for s in longest.split('\n')
               if re.match(r' +\d+\.\d{9} ', s)]
    assert len(lengths) == 3 and lengths == sorted(lengths, reverse=True), lengths
    assert lengths[0] == max(length(s.split()[1]) for s in spans)


@test('a query and its contrary find everything once')
def _():
    def count(*q):
        return int(re.search(r'^(\d+) span', run('query', 't.gtrace', *q).stdout, re.M)[1])
    for q in ('state:chan', 'g:synth_w* or dur>5us', 'by:2', 'p:0', f't>{middle()[0]}ns',
              channel()):
        assert count(q) + count(f'not ({q})') == count() > 1000, q
        assert 0 < count(q) < count(), q


@test('a faulty query is one line with its column, wherever it stands')
def _():
    for args in (('query', 't.gtrace', 'g:7 state:chann'),
                 ('dump', '-q', 'g:7 state:chann', 't.gtrace'),
                 ('stat', '--filter', 'g:7 state:chann', 't.gtrace'),
                 ('timeline', '--filter=g:7 state:chann', 't.gtrace'),
                 ('diff', '-q', 'g:7 state:chann', 't.gtrace', 'u.gtrace')):
        expect(run(*args), 2, 'column 11: there is no state chann')
    expect(run('query', 't.gtrace', 'a', 'b'), 2, 'in quotes')
    expect(run('query'), 2, 'which trace')
    expect(run('query', '--sort', 'size', 't.gtrace'), 2, '--sort size')
    expect(run('query', 'missing', 'a'), 1, 'missing: No such file')


@test('dump, stat and timeline show what a filter and a window leave')
def _():
    lines = run('dump', '-q', 'g:2', 't.gtrace').stdout.splitlines()[1:]
    assert lines and all(line.split()[4] == 'G2' for line in lines), lines[:3]
    ends = run('dump', '-q', 'state:mutex dur>1us', 't.gtrace').stdout.splitlines()[1:]
    assert ends and all(' ready ' in line for line in ends), ends[:3]
    a, b = middle()
    window = run('dump', '--from', f'{a}ns', '--to', f'{b}ns', 't.gtrace').stdout.splitlines()[1:]
    assert window and all(a <= round(float(line.split()[1]) * 1e9) <= b for line in window), (a, b)
    stat = expect(run('stat', '-q', 'g:synth_worker', 't.gtrace'), 0, 'filter').stdout
    assert 'synth_worker' in stat and 'synth_main ' not in stat, stat
    for by, label in (('m', 'M0 '), ('p', 'P0 '), ('g', 'G2 ')):
        out = expect(run('timeline', '--by', by, '-q', 'g:synth_producer', 't.gtrace'), 0).stdout
        assert '\n' + label in out, out
    expect(run('timeline', '-q', 'g:nobody', 't.gtrace'), 0, 'no goroutine matches')
    expect(run('stat', '--from', '2s', 't.gtrace'), 2, 'nothing lies between')


@test('stat keeps to the width, and its shares are whole')
def _():
    for width in (60, 80, 160):
        out = expect(run('stat', '--width', str(width), 't.gtrace'), 0, 'longest waits',
                     'critical path', 'least used').stdout
        table = out[out.index('goroutines by entry'):]
        wide = [line for line in table.split('\n') if len(line) > max(width, 84)]
        assert not wide, wide[:2]
    path = out.split('critical path\n')[1]
    shares = [float(m) for m in re.findall(r'^ +([\d.]+)%', path, re.M)]
    assert shares and 95 < sum(shares) <= 100.6, shares


@test('expect exits with 0, 1 or 2, and draws what it found')
def _():
    expect(run('expect', 't.gtrace', 'no races', 'at most 2 goroutines running'), 0,
           'holds: no races')
    p = expect(run('expect', 't.gtrace', 'no goroutine running longer than 1ns'), 1, 'not so',
               'running for')
    assert 'shown: ' in p.stdout and re.search(r'^G\d', p.stdout, re.M), p.stdout
    p = expect(run('expect', '--no-picture', 't.gtrace', f'at most 0 blocked on {channel()}'), 1,
               'at once')
    assert 'shown' not in p.stdout
    expect(run('expect', 't.gtrace', 'no races', 'at moste 3'), 2, 'column 4')
    expect(run('expect', 't.gtrace'), 2, 'what is expected')
    expect(run('expect', 'missing', 'no races'), 1, 'missing: No such file')
    expect(run('expect', 't.gtrace', 'no goroutine g:nobody blocked longer than 1s'), 0,
           'nothing in this trace is meant')


@test('diff of a trace with itself has no change; of two, the figures of both')
def _():
    out = expect(run('diff', 't.gtrace', 't.gtrace'), 0).stdout
    assert out.count('no change of more than 1 %') == 3 and '%' not in out.split('\n\n')[1].replace(
        '%  ', ''), out
    out = expect(run('diff', 't.gtrace', 'u.gtrace'), 0, 'time by entry function').stdout
    starts = re.search(r'^starts +(\d+) +(\d+)', out, re.M)
    for name, n in (('t', starts[1]), ('u', starts[2])):
        assert f', {n} starts' in run('stat', name + '.gtrace').stdout, (name, n)
    expect(run('diff', 't.gtrace'), 2, 'two traces')
    expect(run('diff', 't.gtrace', 'missing'), 1, 'missing: No such file')


@test('serve answers its word on this machine, and nothing else')
def _():
    p = subprocess.Popen([goshawk, 'trace', 'serve', 't.gtrace'], cwd=work, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        url = p.stdout.readline().strip()
        port, word = re.fullmatch(r'http://127\.0\.0\.1:(\d+)/([0-9a-f]{32})/', url).groups()

        def get(path, method='GET', **headers):
            c = http.client.HTTPConnection('127.0.0.1', int(port), timeout=60)
            c.request(method, path, headers=headers)
            r = c.getresponse()
            body = r.read()
            c.close()
            return r.status, body, r

        status, page, r = get(f'/{word}/')
        assert status == 200 and b'id="data"' in page and b'all detail here' in page, status
        assert int(r.headers['Content-Length']) == len(page)
        assert r.headers['Cache-Control'] == 'no-store'
        status, data, _ = get(f'/{word}/data')
        assert status == 200 and len(data) > 1000 and data in page, status
        status, info, _ = get(f'/{word}/info')
        assert status == 200 and json.loads(info)['end_ns'] > 0, info
        assert get(f'/{word}/', method='HEAD')[:2] == (200, b'')
        assert get(f'/{word}/?from=soon')[0] == 400
        if '--from' in run('view', '-h').stdout:
            a, b = middle()
            assert get(f'/{word}/?from={a}ns&to={b}ns')[0] == 200
        for path in ('/', '/data', f'/{word[:-1]}/', f'/{word}x/', f'/{word.upper()[::-1]}/'):
            assert get(path)[0] == 403, path
        for path in (f'/{word}/../t.gtrace', f'/{word}/etc/passwd', f'/{word}//', f'/{word}'):
            assert get(path)[0] == 404, path
        assert get(f'/{word}/', Host='evil.example')[0] == 403
        assert get(f'/{word}/', Host=f'evil.example:{port}')[0] == 403
        assert get(f'/{word}/', method='POST')[0] == 405
    finally:
        p.terminate()
        p.communicate(timeout=30)
    expect(run('serve', 'missing'), 1, 'missing: No such file')
    expect(run('serve', '--port', '0', 't.gtrace'), 2, '--port 0')


@test('race tells the story of a race')
def _():
    expect(run('race', 't.gtrace'), 0, 'no data race was reported')
    expect(run('race', 't.gtrace', '1'), 2, 'there is no race 1')
    expect(run('race', 't.gtrace', 'x'), 2, 'race x')
    if not raced:
        return 'no program with the detector'
    env = {**os.environ, 'GOSHAWK_TRACE': os.path.join(work, 'r.gtrace'), 'GORACE': '',
           'GOSHAWK_SEED': '1'}  # so that it is the same story each time
    p = subprocess.run([raced], env=env, capture_output=True, text=True, timeout=120)
    assert p.returncode == 66, p.stderr
    out = expect(run('race', 'r.gtrace'), 0, 'data race 1 of 1',
                 'go_main message_by_pointer_raced.c:', 'say message_by_pointer_raced.c:',
                 'made between', 'creates G2',
                 'nothing orders left before right', 'G1', 'created G2', 'what is missing',
                 'what would have ordered them', '! data race').stdout
    assert out.index('creates G2') < out.index('nothing orders') < out.index('race found'), out
    report = run('race', '--report', '--no-picture', 'r.gtrace').stdout
    assert 'WARNING: DATA RACE' in report and '! data race' not in report, report
    expect(run('expect', '--no-picture', 'r.gtrace', 'no races'), 1, '1 data race;')
    return None


@test('help is there for every command of the trace')
def _():
    overview = subprocess.run([goshawk, 'help', 'trace'], capture_output=True, text=True,
                              timeout=60).stdout
    for command in ('timeline', 'stat', 'query', 'diff', 'expect', 'race', 'serve', 'dump',
                    'check'):
        assert f'goshawk trace {command}' in overview, command
        text = subprocess.run([goshawk, 'help', 'trace', command], capture_output=True, text=True,
                              check=True, timeout=60).stdout
        assert text.startswith(f'usage: goshawk trace {command}'), text
        assert max(map(len, text.split('\n'))) <= 90, command
    language = subprocess.run([goshawk, 'help', 'trace', 'query'], capture_output=True, text=True,
                              check=True, timeout=60).stdout
    for field in ('g:', 'fn:', 'state:', 'why:', 'obj:', 'p:', 'm:', 'dur>', 't>', 'by:', 'at:',
                  'event:', 'text:'):
        assert field in language, field


shutil.rmtree(work)
print(f'1..{len(results)}')
print('\n'.join(results))
sys.exit(any(r.startswith('not') for r in results))
