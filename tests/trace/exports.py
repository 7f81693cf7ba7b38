#!/usr/bin/env python3
"""goshawk trace export, read by the programs that it is for.

exports.py GOSHAWK GEN_TRACE MARKS RECORDINGS PROTO [RACED]    speaks TAP

Each format is read by its real client: go tool trace with all of its pages, go tool pprof,
babeltrace2, and protoc with PROTO, a description of the fields of Perfetto's format (its own reader
is in no Debian package).  What the client tells is compared with what the trace says.  A client
that is not installed is a test skipped; where CI is set it is a test failed, since there all of
them are installed by tools/dev deps.
"""
import collections
import decimal
import functools
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zlib

goshawk, gen_trace, marks, recordings, proto = map(os.path.abspath, sys.argv[1:6])
raced = [os.path.abspath(p) for p in sys.argv[6:]] # races, in builds that have the detector
work = tempfile.mkdtemp(prefix='goshawk-exports-')
results = []
TIMEOUT = 120


def test(name, client=None):
    """Runs f at once; a client is a program that it needs."""
    def decorate(f):
        if client and not shutil.which(client):
            ok = 'not ok' if os.environ.get('CI') else 'ok'
            results.append(f'{ok} - {name} # SKIP {client} is not installed'
                           if ok == 'ok' else f'{ok} - {name}: {client} is not installed')
            return f
        try:
            f()
            results.append(f'ok - {name}')
        except AssertionError as e:
            results.append(f'not ok - {name}\n' + '\n'.join(f'# {x}' for x in str(e).split('\n')))
        return f
    return decorate


def run(*args, **env):
    p = subprocess.run(args, capture_output=True, text=True, timeout=TIMEOUT, cwd=work, check=False,
                       stdin=subprocess.DEVNULL, env=dict(os.environ, **env))
    assert p.returncode == 0, f'{args}: exit {p.returncode}\n{p.stdout[-500:]}{p.stderr[-1500:]}'
    return p.stdout


def export(how, trace):
    out = os.path.join(work, f'{trace}.{how}')
    if not os.path.exists(out):
        run(goshawk, 'trace', 'export', '-f', how, trace, '-o', out)
    return out


@functools.lru_cache
def told(trace):
    """The events themselves."""
    return [json.loads(line) for line in open(export('json', trace), encoding='utf-8')]


def make_traces():
    run(gen_trace, 'synth', '700', '3', '2', '1')
    run(marks, GOSHAWK_TRACE=os.path.join(work, 'marks'))
    run(recordings, 'call', GOSHAWK_FLIGHT='256K',
        GOSHAWK_FLIGHT_FILE=os.path.join(work, 'snapshot'))
    for program in raced:
        subprocess.run([program, 'once'], capture_output=True, timeout=TIMEOUT, check=False,
                       env={**os.environ, 'GORACE': 'exitcode=0',
                            'GOSHAWK_TRACE': os.path.join(work, 'raced')})
    with open(os.path.join(work, 'synth'), 'rb') as whole, \
            open(os.path.join(work, 'cut'), 'wb') as cut:
        data = whole.read()
        cut.write(data[:len(data) - 20000])


TRACES = ('synth', 'marks', 'snapshot', 'cut') + ('raced',) * len(raced)

make_traces()

# ---- go tool trace ----


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        for key, value in attrs:
            if key in ('href', 'src') and value and value.startswith('/'):
                self.found.append(value)


# What the pages fetch by script, or do not link to.
HIDDEN_PAGES = ['/jsontrace', '/mmuPlot?flags=system', '/mmuDetails?window=1000', '/sched?raw=1',
                '/io?raw=1', '/block?raw=1', '/syscall?raw=1']
PAGES_MAX = 120


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as r:
            return r.read().decode(errors='replace')
    except (urllib.error.URLError, ConnectionError) as e:
        raise AssertionError(f'{url}: {e}') from e


def walk(root):
    """All pages that can be reached, at most PAGES_MAX; returns their texts by path."""
    pages, wanted = {}, ['/'] + HIDDEN_PAGES
    while wanted and len(pages) < PAGES_MAX:
        path = wanted.pop(0)
        if path in pages or path.startswith('/static/') or 'Dot' in path:
            continue
        pages[path] = fetch(root + path)
        links = Links()
        links.feed(pages[path])
        wanted += [link for link in links.found if link.split('#')[0] not in pages]
    return pages


def serve(name):
    """Runs go tool trace on an exported trace; returns its pages."""
    log_path = os.path.join(work, name + '.log')
    with open(log_path, 'w', encoding='utf-8') as log:
        server = subprocess.Popen(['go', 'tool', 'trace', '-http=127.0.0.1:0', export('go', name)],
                                  stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=work,
                                  env=dict(os.environ, BROWSER='/bin/true'))
    try:
        url = None
        while not url:
            with open(log_path, encoding='utf-8') as log:
                text = log.read()
            url = re.search(r'listening on (http://\S+)', text)
            assert url or server.poll() is None, text
        pages = walk(url[1])
        with open(log_path, encoding='utf-8') as log:
            text = log.read()
        assert 'panic' not in text, text
        return pages
    finally:
        server.terminate()
        server.wait()


@test('go tool trace accepts all traces, with the starts that there were', 'go')
def _():
    for name in TRACES:
        out = run('go', 'tool', 'trace', '-d', export('go', name))
        starts = sum(e['event'] == 'start' for e in told(name))
        assert out.count(' GoStart ') >= starts > 2, (name, out.count(' GoStart '), starts)
        for profile in ('sched', 'sync', 'net', 'syscall'):
            subprocess.run(['go', 'tool', 'trace', '-pprof=' + profile, f'{name}.go'], cwd=work,
                           stdout=subprocess.DEVNULL, check=True, timeout=TIMEOUT)


@test('go tool trace shows all of its pages', 'go')
def _():
    pages = serve('marks')
    kinds = collections.Counter(path.split('?')[0] for path in pages)
    for kind in ('/trace', '/jsontrace', '/goroutines', '/goroutine', '/mmu', '/mmuPlot', '/io',
                 '/block', '/syscall', '/sched', '/usertasks', '/usertask', '/userregions',
                 '/userregion', '/regionblock', '/regionsched', '/regionio', '/regionsyscall'):
        assert kinds[kind], f'no page {kind} among {sorted(pages)}'
    assert 'go_main' in pages['/goroutines'] and 'child' in pages['/goroutines']
    assert 'outer' in pages['/usertasks'] and 'with break' in pages['/userregions']
    events = json.loads(pages['/jsontrace'])['traceEvents']
    names = {e.get('name', '') for e in events}
    assert any(re.fullmatch(r'G1 go_main', n) for n in names), names
    assert 'before any task' in json.dumps(events)


@test('go tool trace shows a snapshot of the flight recorder', 'go')
def _():
    pages = serve('snapshot')
    assert 'worker' in pages['/goroutines']


# ---- profiles ----


def pprof(trace, kind, *options):
    return run('go', 'tool', 'pprof', '-unit=ns', '-nodecount=100', *options,
               export('pprof-' + kind, trace))


@functools.lru_cache
def times(trace):
    """Nanoseconds that goroutines were in each state."""
    sums = collections.Counter()
    with open(export('chrome', trace), encoding='utf-8') as f:
        for e in json.load(f, parse_float=decimal.Decimal)['traceEvents']:
            if e['ph'] == 'X' and e['pid'] == 2:
                sums[e['name']] += int(e['dur'] * 1000)
    return sums


def total(trace, wants):
    return sum(ns for state, ns in times(trace).items() if wants(state))


SYNC = ('chan', 'select', 'mutex', 'rwmutex', 'waitgroup', 'cond', 'sem', 'once')
KINDS = {
    'sched': lambda state: state == 'runnable',
    'sync': lambda state: state.startswith(SYNC),
    'syscall': lambda state: state in ('syscall', 'running without a P'),
    'block': lambda state: not state.startswith(('run', 'unknown')),
}


@test('go tool pprof reads the profiles, and their sums are those of the states', 'go')
def _():
    for name in TRACES:
        for kind, wants in KINDS.items():
            head = re.search(r'Showing nodes accounting for .*? of (\d+)ns total',
                             pprof(name, kind, '-top'))
            want = total(name, wants)
            assert (int(head[1]) if head else 0) == want, (name, kind, head and head[0], want)


@test('a profile has the stacks and reasons of the program', 'go')
def _():
    tree = re.sub(' +', ' ', pprof('snapshot', 'block', '-traces'))
    for text in ('reason: chan receive', 'go_chan_recv', 'worker', 'some_work', 'reason: sleep',
                 'sleeps_on'):
        assert text in tree, f'{text} is not in {tree[-3000:]}'
    assert 'go_chan_recv_' not in tree, tree  # what the program wrote, not what the macro calls
    assert 'recordings.c' in pprof('snapshot', 'sched', '-list', 'worker')


@test('folded stacks have all of the time')
def _():
    for name in TRACES:
        lines = open(export('folded', name), encoding='utf-8').read().splitlines()
        parts = [re.fullmatch(r'(.+;)?\[([^];]+)\] (\d+)', line) for line in lines]
        assert all(parts), lines
        sums = collections.Counter()
        for p in parts:
            sums[p[2]] += int(p[3])
        for state in set(sums) - {'blocked'}:
            assert sums[state] == times(name)[state] > 0, (name, state, sums, times(name))
        assert name != 'snapshot' or 'worker;go_chan_recv;[chan receive]' in \
            [line.rsplit(' ', 1)[0] for line in lines], lines


# ---- Chrome ----


@test('Chrome JSON has lanes, states, wake-ups, regions and tasks')
def _():
    for name in TRACES:
        events = json.load(open(export('chrome', name), encoding='utf-8'))['traceEvents']
        lanes = collections.defaultdict(list)
        for e in events:
            if e['ph'] == 'X':
                lanes[e['pid'], e['tid']].append((e['ts'], e['ts'] + e['dur'], e['name']))
        for lane in lanes.values():
            lane.sort()
            for a, b in zip(lane, lane[1:]):
                assert b[0] - a[1] > -1e-6, f'{name}: {a} and {b} overlap'
        phases = collections.Counter(e['ph'] for e in events)
        assert phases['s'] == phases['f'] == sum(e['event'] == 'ready' and 'by' in e
                                                  for e in told(name)), phases
        assert phases['B'] == phases['E'] and phases['b'] == phases['e'], phases
        starts = sum(e['event'] == 'start' for e in told(name))
        runs = sum(e['ph'] == 'X' and e['pid'] == 1 for e in events)
        assert runs >= starts, (runs, starts)
    names = {e['name'] for e in json.load(open(os.path.join(work, 'marks.chrome')))['traceEvents']
             if 'name' in e}
    assert {'with break', 'nested', 'outer', 'kind', 'running', 'G1'} <= names, names


# ---- CTF ----


@test('babeltrace2 reads CTF: the same events, in the same order', 'babeltrace2')
def _():
    for name in TRACES:
        lines = run('babeltrace2', '--clock-seconds', '--no-delta', export('ctf', name))
        lines, events = lines.splitlines(), told(name)
        assert len(lines) == len(events), (name, len(lines), len(events))
        first = None
        for line, e in zip(lines, events):
            line = line.replace("\\'", "'")
            m = re.match(r'\[(\d+)\.(\d{9})\] (.+?): \{ p = (-?\d+), m = (\d+), g = (\d+) \}', line)
            assert m, line
            time = int(m[1]) * 10**9 + int(m[2]) - e['time_ns']
            first = first or time
            got = (m[3].strip('"'), int(m[4]), int(m[6]), time)
            assert got == (e['event'], e.get('p', -1), e.get('g', 0), first), (line, e)
            for key in ('reason', 'object', 'place', 'function', 'name', 'category'):
                if key in e and e['event'] not in ('race',):
                    assert f'"{e[key]}"' in line, (key, line, e)


# ---- Perfetto ----


def packets(path):
    """The trace as protoc prints it: one dictionary of nested lists a packet."""
    with open(path, 'rb') as f:
        text = subprocess.run(['protoc', '--decode=Trace', '-I', os.path.dirname(proto), proto],
                              stdin=f, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert text.returncode == 0, text.stderr
    top = collections.defaultdict(list)
    stack = [top]
    for line in text.stdout.splitlines():
        line = line.strip()
        if line.endswith('{'):
            inner = collections.defaultdict(list)
            stack[-1][line[:-1].strip()].append(inner)
            stack.append(inner)
        elif line == '}':
            stack.pop()
        else:
            key, value = line.split(': ', 1)
            # A number instead of a name is a field that PROTO does not know.
            assert not key.isdigit(), f'unknown field {line}'
            stack[-1][key].append(value[1:-1] if value[0] == '"' else
                                  int(value, 0) if value.lstrip('-').isdigit() else value)
    return top['packet']


def one(d, key, default=None):
    assert len(d[key]) <= 1, (key, d)
    return d[key][0] if d[key] else default


def check_switches(name, events, want):
    """CPU by CPU: each switch leaves what the one before took."""
    runs_on, count = collections.defaultdict(int), collections.Counter()
    for time, cpu, e in events:
        switch = one(e, 'sched_switch')
        if not switch:
            continue
        prev, following = one(switch, 'prev_pid'), one(switch, 'next_pid')
        assert prev == runs_on[cpu], f'{name}: at {time} CPU {cpu} runs {runs_on[cpu]}: {switch}'
        runs_on[cpu] = following
        count[following] += following != 0
    for g, n in want.items():
        assert count[g] >= n, f'{name}: G{g} runs {count[g]} times, not {n}'


def check_slices(name, all_packets):
    """Track by track: slices nest and close; flows begin once and end once."""
    names, depth, flows, last = {}, collections.Counter(), collections.Counter(), 0
    tracks = {one(d, 'uuid') for p in all_packets for d in p['track_descriptor']}
    for p in all_packets:
        for d in p['interned_data']:
            for n in d['event_names']:
                names[one(n, 'iid')] = one(n, 'name')
        for e in p['track_event']:
            time = one(p, 'timestamp')
            assert time > last, f'{name}: {time} after {last}'
            last = time
            track, kind = one(e, 'track_uuid'), one(e, 'type')
            assert track in tracks, f'{name}: no track {track}'
            assert kind == 'TYPE_SLICE_END' or one(e, 'name_iid') in names, e
            depth[track] += {'TYPE_SLICE_BEGIN': 1, 'TYPE_SLICE_END': -1}.get(kind, 0)
            assert depth[track] >= 0, f'{name}: an end without a beginning on {track}'
            for f in e['flow_ids']:
                flows[f] += 1
            for f in e['terminating_flow_ids']:
                flows[f] += 100
    assert all(n == 101 for n in flows.values()), flows
    return set(names.values()), len(flows)


@test('Perfetto: fields, switches of each CPU, slices and flows', 'protoc')
def _():
    for name in TRACES:
        all_packets = packets(export('perfetto', name))
        events = sorted((one(e, 'timestamp'), one(b, 'cpu'), e) for p in all_packets
                        for b in p['ftrace_events'] for e in b['event'])
        times = [t for t, _, _ in events]
        assert len(times) == len(set(times)), f'{name}: two events at one time'
        said = told(name)
        starts = collections.Counter(e['g'] for e in said if e['event'] == 'start')
        check_switches(name, events, starts)
        wakes = sum(bool(e['sched_waking']) for _, _, e in events)
        want = sum(e['event'] in ('ready', 'go') or
                   e['event'] == 'state' and e['arg'] == 1 for e in said)
        assert wakes == want, f'{name}: {wakes} wake-ups, not {want}'
        names, flows = check_slices(name, all_packets)
        if name == 'marks':
            assert {'outer', 'with break', 'kind', 'waitgroup wait'} <= names, names
        if name == 'synth':
            assert flows > 100 and {'chan receive', 'mutex lock', 'select'} <= names, names


# ---- a part of a trace ----

QUERY = 'g:*worker*'


@functools.lru_cache
def part(trace):
    """A window that begins while a goroutine is blocked, and the goroutines that QUERY means."""
    lines = told(trace)
    ns = [lines[len(lines) * k // 8]['time_ns'] for k in (3, 6)]
    ns[0] = 1 + next(e['time_ns'] for e in lines
                     if e['time_ns'] >= ns[0] and e['event'] == 'block')
    assert ns[1] > ns[0] + 1000, ns
    return ns, {e['g'] for e in lines if 'worker' in e.get('function', '')}


def export_part(how, trace, query=QUERY):
    ns, _ = part(trace)
    name = f'{trace}.part.{how}'
    run(goshawk, 'trace', 'export', '-f', how, *(['--filter', query] if query else []), '--from',
        f'{ns[0]}ns', '--to', f'{ns[1]}ns', trace, '-o', name)
    return os.path.join(work, name)


def dump_part(trace, query=QUERY):
    ns, _ = part(trace)
    return run(goshawk, 'trace', 'dump', *(['-q', query] if query else []), '--from', str(ns[0]),
               '--to', str(ns[1]), trace).splitlines()[1:]


@test('csv and json have the part that dump has')
def _():
    for query in (QUERY, 'state:chan', ''):
        want = [int(line.split()[0]) for line in dump_part('synth', query)]
        assert 0 < len(want) < len(told('synth')), query
        with open(export_part('json', 'synth', query), encoding='utf-8') as f:
            assert [json.loads(line)['n'] for line in f] == want, query
        with open(export_part('csv', 'synth', query), encoding='utf-8') as f:
            assert [int(line.split(',')[0]) for line in list(f)[1:]] == want, query


@test('Chrome JSON, profiles and folded stacks of a part have its time and no other')
def _():
    (begin, end), workers = part('synth')
    want = collections.Counter()
    with open(export('chrome', 'synth'), encoding='utf-8') as f:
        for e in json.load(f, parse_float=decimal.Decimal)['traceEvents']:
            if e['ph'] == 'X' and e['pid'] == 2 and e['tid'] in workers:
                ts = int(e['ts'] * 1000)
                within = min(ts + int(e['dur'] * 1000), end) - max(ts, begin)
                want[e['name']] += max(within, 0)
    got = collections.Counter()
    with open(export_part('chrome', 'synth'), encoding='utf-8') as f:
        for e in json.load(f, parse_float=decimal.Decimal)['traceEvents']:
            if e['ph'] == 'X' and e['pid'] == 2:
                assert e['tid'] in workers, e
                got[e['name']] += int(e['dur'] * 1000)
    assert +got == +want, (got, want)
    with open(export_part('folded', 'synth'), encoding='utf-8') as f:
        folded = sum(int(line.split()[-1]) for line in f)
    assert folded == sum(want.values()), (folded, want)


@test('go tool pprof reads the profile of a part', 'go')
def _():
    out = run('go', 'tool', 'pprof', '-unit=ns', '-tags', export_part('pprof-block', 'synth'))
    assert 'chan receive' in out and 'sleep' not in out, out


@test('go tool trace accepts a part, which begins in the middle', 'go')
def _():
    (begin, end), workers = part('synth')
    for query, meant in ((QUERY, workers), ('state:mutex dur>1ns', None), ('g:nobody', set()),
                         ('', None)):
        out = run('go', 'tool', 'trace', '-d', export_part('go', 'synth', query))
        starts = [(int(t), int(g)) for t, g in
                  re.findall(r'^(\d+) GoStart p=\d+ g=(\d+)', out, re.M)]
        assert meant is None or {g for _, g in starts} <= meant, (query, starts)
        want = sum(e['event'] == 'start' and begin <= e['time_ns'] <= end and
                   (not query or e['g'] in (meant or ())) for e in told('synth'))
        assert len(starts) >= want, (query, len(starts), want)
    assert want > 2 and 'GoWaiting' in out, out[:3000]


@test('babeltrace2 reads CTF of a part', 'babeltrace2')
def _():
    assert len(run('babeltrace2', export_part('ctf', 'synth')).splitlines()) == \
        len(dump_part('synth'))


@test('Perfetto: a part has whole goroutines, its switches and slices match', 'protoc')
def _():
    (begin, end), workers = part('synth')
    all_packets = packets(export_part('perfetto', 'synth'))
    events = sorted((one(e, 'timestamp'), one(b, 'cpu'), e) for p in all_packets
                    for b in p['ftrace_events'] for e in b['event'])
    starts = collections.Counter(e['g'] for e in told('synth') if e['event'] == 'start' and
                                 e['g'] in workers and begin <= e['time_ns'] <= end)
    assert starts
    check_switches('part', events, starts)
    assert {one(e['sched_switch'][0], 'next_pid') for _, _, e in events if e['sched_switch']} <= \
        workers | {0}
    check_slices('part', all_packets)


@test('a bad query, a bad time and an empty window are told in one line')
def _():
    for options, code, text in ((('--filter', 'g:1 ('), 2, 'column'),
                                (('--from', 'soon'), 2, 'not a time'),
                                (('--from', '2ms', '--to', '1ms'), 2, 'the window is empty'),
                                (('--from', '1000s'), 1, 'behind the end')):
        p = subprocess.run([goshawk, 'trace', 'export', '-f', 'csv', *options, 'synth', '-o', '-'],
                           cwd=work, capture_output=True, text=True, check=False)
        assert p.returncode == code and text in p.stderr and p.stderr.count('\n') == 1, \
            (options, p.returncode, p.stderr)


# ---- the streams ----


@test('a folder is made once, and not to the standard output')
def _():
    run(goshawk, 'trace', 'export', '-f', 'ctf', 'synth', '-o', 'once.ctf')
    for out, code, text in (('once.ctf', 1, 'is there already'), ('-', 2, 'makes a folder'),
                            ('no/such/place', 1, 'cannot be written')):
        p = subprocess.run([goshawk, 'trace', 'export', '-f', 'ctf', 'synth', '-o', out], cwd=work,
                           capture_output=True, text=True, check=False)
        assert p.returncode == code and text in p.stderr, (out, p.returncode, p.stderr)
    assert not [f for f in os.listdir(work) if f.endswith('.part')]


@test('every file format goes through a pipe as it goes to a file')
def _():
    for how in ('go', 'perfetto', 'chrome', 'pprof-block', 'folded', 'csv', 'json'):
        p = subprocess.run([goshawk, 'trace', 'export', '-f', how, 'marks', '-o', '-'], cwd=work,
                           capture_output=True, check=True)
        with open(export(how, 'marks'), 'rb') as f:
            assert f.read() == p.stdout, how
        if how.startswith('pprof'):
            assert zlib.decompress(p.stdout, 31)


shutil.rmtree(work)
print(f'1..{len(results)}')
print('\n'.join(results))
sys.exit(any(r.startswith('not') for r in results))
