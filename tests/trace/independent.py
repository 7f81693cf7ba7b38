#!/usr/bin/env python3
"""A second reader of traces, written from trace/FORMAT.md alone, beside goshawk trace dump.

    independent.py GOSHAWK FILE...           whether both tell the same of each file
    independent.py GOSHAWK GEN MARKS REC --  the same of traces recorded here by those programs

What must agree: each thread's events with times, processors, reasons and texts; each goroutine's
events in their order, which the merge decides; the checksums; what a cut file still has.
"""
import collections
import heapq
import os
import re
import struct
import subprocess
import sys
import tempfile

K = 0x9e3779b97f4a7c15
MASK = (1 << 64) - 1
NO_M = 0xffffffff
WINDOW_NS = 1000000
CALIBRATION_NS = 10000000

Event = collections.namedtuple('Event', 'time m p g name by said')


def checksum(data):
    lanes = [len(data), 1, 2, 3]
    tail = data[len(data) // 32 * 32:]
    for at in range(0, len(data) - len(tail), 32):
        for i, w in enumerate(struct.unpack_from('<4Q', data, at)):
            lanes[i] = ((lanes[i] ^ w) * K & MASK) ^ lanes[i] >> 32
    h = 0
    for lane, w in zip(lanes, struct.unpack('<4Q', tail.ljust(32, b'\0'))):
        h = (((h ^ lane) * K & MASK) ^ h >> 29) + w * K & MASK
    h ^= h >> 32
    return h & 0xffffffff or 1


class Bytes:
    """A place in a buffer.  Reading beyond its end is an IndexError."""

    def __init__(self, data, at, end):
        self.data, self.at, self.end = data, at, end

    def take(self, n):
        if self.at + n > self.end:
            raise IndexError
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n=1):
        return int.from_bytes(self.take(n), 'little')

    def leb(self):
        value = shift = 0
        while True:
            b = self.number()
            value |= (b & 0x7f) << shift
            shift += 7
            if b < 0x80:
                return value & MASK

    def zigzag(self):
        z = self.leb()
        return z >> 1 ^ -(z & 1)

    def text(self):
        return self.take(self.leb()).decode(errors='replace')

    def rest(self):
        return self.take(self.end - self.at)


class Chunk:
    def __init__(self, data, offset, limit):
        (self.magic, self.used, self.stream, self.seq, self.ticks, self.mono, self.cur_g,
         self.cur_p, self.m, self.tid, self.place, header_sum,
         self.payload_sum) = struct.unpack_from('<4IQqQi5I', data, offset)
        assert self.magic == 0x4b4e4843, f'no chunk at {offset}'
        assert checksum(data[offset + 8:offset + 56]) == header_sum, f'header sum at {offset}'
        self.cut = offset + self.used > limit
        self.bytes = Bytes(data, offset + 64, min(offset + self.used, limit))
        if self.payload_sum and not self.cut:
            assert checksum(data[offset + 64:offset + self.used]) == self.payload_sum, offset


class Trace:
    def __init__(self, data):
        assert data[:8] == b'GTRACE\r\n', 'magic'
        (self.version, header, self.size, self.flags, self.pid, _, self.start, self.mono, _,
         self.hz, _, header_sum, self.chunks, end_ticks, _,
         self.end, end_mono) = struct.unpack_from('<5IIQqqQIIQQIIq', data, 8)
        assert self.version == 2 and header == 128 and header_sum == checksum(data[:68])
        self.streams = collections.defaultdict(list)
        self.events, self.reasons, self.strings = {}, {}, {0: '?'}
        self.begins, last = {}, None  # counters of the chunks that are there; the latest chunk
        staged = {}
        for number, offset in enumerate(range(0, len(data), self.size)):
            at = offset or header
            if at + 64 > len(data):
                break
            c = staged.get(number)
            if not c:
                if data[at:at + 4] == b'\0\0\0\0':
                    continue
                c = Chunk(data, at, len(data))
                c.bytes.end = min(c.bytes.end, offset + self.size)
            if c.place != number:
                if c.place > 0:
                    staged[c.place] = c
                continue
            self.streams[c.stream].append(c)
            self.begins[number] = c.ticks
            last = c if not last or c.mono > last.mono else last
        ticks, mono = last.ticks, last.mono
        if self.end and end_mono > mono:
            ticks, mono = end_ticks, end_mono
        if mono - self.mono >= CALIBRATION_NS:
            self.hz = (ticks - self.start) * 10**9 / (mono - self.mono)
        for c in self.streams.pop(0):
            self.define(c.bytes)
        self.whole_until = self.cut_at(len(data))

    def cut_at(self, size):
        """Up to when all streams are whole, ns: FORMAT.md, damage and loss."""
        if size >= self.chunks * self.size:
            return float('inf')
        there = [ticks for number, ticks in self.begins.items() if number < size // self.size]
        return self.ns(max(there)) if there else 0

    def define(self, b):
        while b.at < b.end:
            try:
                kind, n = b.number(), b.leb()
                body = Bytes(b.data, b.at, b.at + n)
                b.take(n)
            except IndexError:
                return  # cut here
            if kind == 1:
                number, context, args, name = body.leb(), body.leb(), body.text(), body.text()
                self.events[number] = context, args, name
            elif kind == 2:
                number, kind_of, name = body.leb(), body.text(), body.text()
                self.reasons[number] = kind_of, name
            elif kind == 3:
                number = body.leb()
                self.strings[number] = body.rest().decode(errors='replace')

    def ns(self, ticks):
        return (ticks - self.start) * 10**9 / self.hz if ticks > self.start else 0


class Stream:
    """The records of one thread, in its own order."""

    def __init__(self, trace, chunks):
        self.trace, self.chunks = trace, chunks
        self.m = chunks[0].m

    def records(self):
        """(ns, name, context, arguments by letter and place)"""
        for number, c in enumerate(self.chunks):
            assert c.seq == number
            yield from self.of_chunk(c)

    def of_chunk(self, c):
        b, ticks, last_g, keys = c.bytes, c.ticks, 0, [None] * 128
        cur_g, cur_p = c.cur_g, c.cur_p

        def key():
            slot = b.number()
            if slot < 128:
                return keys[slot]
            assert slot == 128
            value = b.number(8)
            keys[(value * K & MASK) >> 57] = value
            return value

        def goroutine():
            nonlocal last_g
            last_g += b.zigzag()
            return last_g

        read = {'g': goroutine, 'w': key, 'f': key, 'a': key}
        while b.at < b.end:
            try:
                head = b.number()
                context, letters, name = self.trace.events[head & 31]
                written = head & 32
                ctx = 0
                if written:
                    ctx = b.leb() if context == 3 else goroutine()
                elif context:
                    ctx = cur_p if context == 3 else cur_g
                args = [read.get(letter, b.leb)() for letter in letters]
                ticks += b.number((1, 2, 3, 7)[head >> 6])
            except IndexError:
                assert c.cut, 'a record that is cut in a chunk that is not'
                return
            if name == 'start' or name == 'state' and args[1] == 2:
                cur_g = args[0]
            elif name in ('end', 'yield', 'block') and cur_g == ctx:
                cur_g = 0
            elif name == 'proc start':
                cur_p = args[0]
            elif name == 'proc stop' and cur_p == ctx:
                cur_p = -1
            yield self.trace.ns(ticks), name, ctx, args


class Merge:
    """Streams into one order: by time, but nothing before what must precede it."""

    FROM = {'start': 'runnable', 'ready': 'blocked', 'yield': 'running', 'block': 'running',
            'end': 'running'}
    TO = {'start': 'running', 'ready': 'runnable', 'yield': 'runnable', 'block': 'blocked',
          'go': 'runnable', 'end': None}
    STATES = {1: 'runnable', 2: 'running', 3: 'blocked'}

    def __init__(self, trace):
        self.trace = trace
        self.g, self.told = {}, set()  # states; those of a GO_STATE, which are about right
        self.held, self.runs = {}, {}  # by stream: its P, its goroutine
        self.objects = {}

    def subject(self, name, ctx, args):
        return args[0] if name in ('go', 'start', 'ready', 'state') else ctx

    def allows(self, stream, name, ctx, args):
        if self.trace.flags & 3:  # what holds what is known from the beginning
            if name == 'start' and (self.held.get(stream) != ctx or self.runs.get(stream)):
                return False
            if name == 'proc start' and args[0] in self.held.values():
                return False
        if name not in self.FROM:
            return True
        g = self.subject(name, ctx, args)
        if g not in self.g:
            return not self.trace.flags & 3
        return self.g[g] == self.FROM[name] or g in self.told

    def events(self):
        sources = [(s, s.records()) for s in
                   (Stream(self.trace, c) for c in self.trace.streams.values())]
        heap = []

        def push(i):
            record = next(sources[i][1], None)
            if record:
                heapq.heappush(heap, (record[0], i, record))

        for i in range(len(sources)):
            push(i)
        while heap:
            entry = heap[0]
            if not self.allows(sources[entry[1]][0], *entry[2][1:]):
                others = [e for e in heap if e[0] <= heap[0][0] + WINDOW_NS and
                          self.allows(sources[e[1]][0], *e[2][1:])]
                assert others or entry[0] >= self.trace.whole_until, f'what precedes {entry}?'
                entry = min(others, default=entry)
            heap.remove(entry)
            heapq.heapify(heap)
            push(entry[1])
            yield self.apply(sources[entry[1]][0], *entry[2])

    def object(self, key):
        kind, reason = self.trace.reasons.get(key >> 56, ('', ''))
        address = key & (1 << 56) - 1
        if not address:
            return reason
        number = self.objects.setdefault(address, len(self.objects) + 1)
        return f'{reason} {kind or "object"}#{number}'

    def apply(self, stream, time, name, ctx, args):
        held, runs, string = self.held, self.runs, self.trace.strings.get
        g, p, by, said = ctx, held.get(stream), 0, None
        if name in ('go', 'start', 'ready', 'state'):
            g = args[0]
            self.told.discard(g)
            by = ctx if name in ('go', 'ready') else 0
        if name == 'start':
            runs[stream] = g
            held[stream] = p = ctx  # known from here where the recording began later
        elif name in ('yield', 'block', 'end'):
            runs[stream] = 0
            self.told.discard(g)
        elif name in ('proc start', 'proc stop', 'retake', 'steal'):
            p = ctx if name == 'proc stop' else args[0]
            g = runs.get(stream, 0)
            if name == 'proc start':
                held[stream] = p
            elif name == 'proc stop':
                held.pop(stream, None)
            elif name == 'retake':
                g = 0
                for s in [s for s, q in held.items() if q == p and s.m == args[1]]:
                    del held[s]
                    g = runs.get(s, 0)
        elif name.startswith('thread') or name == 'procs':
            g = runs.get(stream, 0)
        if name == 'state':
            if g not in self.g:
                self.g[g] = self.STATES[args[1]]
                if not self.trace.flags & 2 and args[1] != 2:
                    self.told.add(g)
                if args[1] == 2:
                    runs[stream] = g
            p = held.get(stream) if args[1] == 2 else None
            said = self.object(args[2])
        elif name in self.TO:
            self.g[g] = self.TO[name]
            if not self.g[g]:
                del self.g[g]
        if name == 'block':
            said = self.object(args[0])
        elif name == 'name':
            said = string(args[0])
        elif name in ('task', 'region', 'region end'):
            said = string(args[2 if name == 'task' else 1])
        elif name == 'log':
            said = f'{string(args[1])}: {string(args[2])}'
        return Event(time, stream.m, -1 if p is None else p, g, name, by, said)


# ---- the other one ----

LINE = re.compile(r' *(\d+) +(\d+)\.(\d{9})  (\S+) +(\S+) +(\S+) +(.{13}) (.*)')


def number(word, none):
    return none if word == '-' else int(word[1:])


def dumped(goshawk, path):
    p = subprocess.run([goshawk, 'trace', 'dump', path], capture_output=True, text=True, check=True)
    for line in p.stdout.splitlines()[1:]:
        _, seconds, ns, m, proc, g, name, details = LINE.fullmatch(line).groups()
        name = name.strip()
        assert '  ! ' not in details, line
        by = re.search(r'by G(\d+)', details) if name in ('go', 'ready') else None
        said = None
        if name == 'block':
            said = details.split('  at ')[0]
        elif name == 'state':
            said = details.split(' ', 1)[1]
        elif name in ('name', 'log', 'task', 'region', 'region end'):
            said = re.sub(r'  task#.*', '', details)
        yield Event(int(seconds) * 10**9 + int(ns), number(m, NO_M), number(proc, -1), number(g, 0),
                    name, int(by[1]) if by else 0, said)


def split_by(events, field):
    lists = collections.defaultdict(list)
    for e in events:
        lists[getattr(e, field)].append(e)
    return lists


def same(a, b):
    return abs(a.time - b.time) <= 2 + a.time * 1e-8 and a[1:] == b[1:]


def alike(a, b):
    """Where causes are missing the order is anybody's, with it times that a reader sets right and
    the numbers of objects, which count their first mentions."""
    return a[1:-1] == b[1:-1] and re.sub('#.*', '', a.said or '') == re.sub('#.*', '', b.said or '')


def compare(goshawk, path):
    with open(path, 'rb') as f:
        trace = Trace(f.read())
    mine = list(Merge(trace).events())
    theirs = list(dumped(goshawk, path))
    assert len(mine) == len(theirs) > 0, f'{path}: {len(mine)} events, not {len(theirs)}'
    for field in ('m', 'g'):
        if field == 'g':  # threads' events of equal times have no order, nor what lacks a cause
            mine, theirs = ([e for e in es if e.g and e.name in Merge.TO and
                             e.time < trace.whole_until - 2] for es in (mine, theirs))
        a, b = split_by(mine, field), split_by(theirs, field)
        assert a.keys() == b.keys(), (path, a.keys() ^ b.keys())
        for key, events in a.items():
            for x, y in zip(events, b[key]):
                assert same(x, y) or x.time >= trace.whole_until and alike(x, y), \
                    f'{path}: {field}{key}\n{x}\n{y}'
            assert len(events) == len(b[key])
    print(f'ok: {path}: {len(theirs)} events of goroutines agree')


def record(programs, folder):
    """One trace of each kind: complete, long, marks, a snapshot, killed, cut."""
    gen, marks, recordings = map(os.path.abspath, programs)
    quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL, 'cwd': folder}
    subprocess.run([gen, 'whole', '1500', '3', '2', '9'], check=True, **quiet)
    subprocess.run([gen, 'long', '40000', '2', '2', '9'], check=True, **quiet)
    subprocess.run([marks], check=True, env=dict(os.environ, GOSHAWK_TRACE='marks'), **quiet)
    subprocess.run([recordings, 'call'], check=True, **quiet,
                   env=dict(os.environ, GOSHAWK_FLIGHT='256K', GOSHAWK_FLIGHT_FILE='snapshot'))
    subprocess.run([recordings, 'restarts', '.'], check=True, **quiet)
    subprocess.run([recordings, 'segv'], check=False, **quiet,
                   env=dict(os.environ, GOSHAWK_FLIGHT='256K', GOSHAWK_FLIGHT_FILE='crash'))
    cuts = []
    with open(os.path.join(folder, 'whole'), 'rb') as f:
        data = f.read()
    for half in range(3, len(data) // 32768, 2):  # within each chunk, or behind its last record
        cuts.append(f'cut{half}')
        with open(os.path.join(folder, cuts[-1]), 'wb') as cut:
            cut.write(data[:half * 32768 + 3000])
    with open(os.path.join(folder, 'long'), 'rb') as f:
        data = f.read()
    for chunk in (4, 6, 8):  # where staging chunks stand for what is cut off, and where not
        cuts.append(f'long{chunk}')
        with open(os.path.join(folder, cuts[-1]), 'wb') as cut:
            cut.write(data[:chunk * 65536 + 9000])
    kinds = ['whole', 'long', 'marks', 'snapshot', '3.gtrace', 'crash']
    return [os.path.join(folder, n) for n in kinds + cuts]


def main():
    goshawk, files = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        if files[-1] == '--':
            files = record(files[:-1], folder)
        for path in files:
            compare(goshawk, path)


if __name__ == '__main__':
    main()
