"""goshawk-gdb.py - goroutines in gdb, in live programs and in cores.

    info goroutines          number, state, what runs it or what it waits for, its function
    goroutine N [COMMAND]    COMMAND (bt when left out) in the place where goroutine N is
    goroutine all [COMMAND]  the same for each

Every program with Goshawk carries this script (section .debug_gdb_scripts); gdb loads it by itself
from places that "set auto-load safe-path" names.  Else:

    (gdb) source PREFIX/share/goshawk/goshawk-gdb.py

It needs no debug information of the library: the table go_gdb_ says where everything is (gdb.h).

A goroutine that does not run has its registers in its struct.  They are shown as the caller of the
selected thread's innermost frame, by an unwinder, so nothing is written to the program, which is
why this works on cores too: on the kernel's.  gdb's own gcore stops at the first guard page of a
stack and leaves the rest of the stacks out.
"""
import re
import struct

import gdb
import gdb.unwinder

WORDS = '''version words blocks ms reasons reasons_count not_begun
    g_state g_flags g_id g_m g_why g_park_obj g_entry g_created_pc g_created_by
    g_stack_lo g_stack_hi g_locks_thread g_name g_size
    ctx_pc ctx_sp ctx_fp ctx_saved m_id m_tid m_g m_next'''.split()
BLOCK_WORDS = 'head next base stride first colour_step count colours'.split()
FREE, READY, RUNNING, PARKED = range(4)
SYSTEM = 4  # in flags: the runtime's own
SEED = 8  # in flags: it has not run, and ends before its saved registers
CALLEE_SAVED = {
    'rip': ['rbx', 'r12', 'r13', 'r14', 'r15'],
    'pc': ['x%d' % i for i in range(19, 29)],
}
NAME_MAX = 32


# ---- memory ----

def read(addr, size):
    return gdb.selected_inferior().read_memory(addr, size).tobytes()


def words(addr, n):
    return struct.unpack('<%dQ' % n, read(addr, 8 * n))


def word(addr):
    return words(addr, 1)[0]


def text(addr):
    out = b''
    while addr and b'\0' not in out and len(out) < 100:
        out += read(addr + len(out), 1)
    return out.split(b'\0')[0].decode(errors='replace')


def symbol(addr):
    """Name of the function at addr."""
    block = gdb.execute('info symbol 0x%x' % addr, to_string=True)
    return block.split(' ')[0] if ' in section' in block else '0x%x' % addr


class Table:
    """The table go_gdb_ of the program that is being looked at."""

    def __init__(self):
        try:
            addr = int(gdb.parse_and_eval('(unsigned long)&go_gdb_'))
            self.__dict__.update(zip(WORDS, words(addr, len(WORDS))))
        except gdb.error:
            raise gdb.GdbError('no goroutines: not a program with Goshawk, or it does not run yet')
        if self.version != 1 or self.words != len(WORDS):
            raise gdb.GdbError('this script does not fit the program\'s library')
        self.block = dict(zip(BLOCK_WORDS, words(self.blocks, len(BLOCK_WORDS))))

    def structs(self):
        """Addresses of all goroutine structs."""
        b = self.block
        at = word(b['head'])
        while at:
            base, stride, first, step = (
                word(at + b[name]) for name in ('base', 'stride', 'first', 'colour_step'))
            count = struct.unpack('<I', read(at + b['count'], 4))[0]
            for i in range(count):
                yield base + i * stride + first - i % b['colours'] * step
            at = word(at + b['next'])

    def goroutines(self):
        """All that live, by id."""
        found = [Goroutine(self, addr) for addr in self.structs()]
        return sorted((g for g in found if g.state != FREE and not g.flags & SYSTEM),
                      key=lambda g: g.id)

    def reason(self, why):
        name = word(self.reasons + 8 * why) if why < self.reasons_count else 0
        return text(name) or 'waiting'


class Goroutine:
    def __init__(self, table, addr):
        raw = self.raw(table, addr)

        def at(offset, kind):
            return struct.unpack_from('<' + kind, raw, offset)[0]

        self.table, self.addr = table, addr
        self.state, self.flags = at(table.g_state, 'I'), at(table.g_flags, 'I')
        if self.state == FREE:
            return
        self.id, self.m = at(table.g_id, 'Q'), at(table.g_m, 'Q')
        self.why, self.obj = at(table.g_why, 'I'), at(table.g_park_obj, 'Q')
        self.entry, self.creator = at(table.g_entry, 'Q'), at(table.g_created_by, 'Q')
        self.locked = at(table.g_locks_thread, 'I') > 0
        name = raw[table.g_name:table.g_name + NAME_MAX]
        self.name = name.split(b'\0')[0].decode(errors='replace')
        self.pc, self.sp = at(table.ctx_pc, 'Q'), at(table.ctx_sp, 'Q')
        self.fp = at(table.ctx_fp, 'Q')
        self.saved = struct.unpack_from('<10Q', raw, table.ctx_saved)

    @staticmethod
    def raw(table, addr):
        """Its struct, with zeros for what is not there."""
        try:
            raw = read(addr, table.ctx_pc)
            if struct.unpack_from('<I', raw, table.g_flags)[0] & SEED == 0:
                return read(addr, table.g_size)
        except gdb.MemoryError:  # memory that was given back is not in cores
            raw = b''
        return raw.ljust(table.g_size, b'\0')

    def thread(self):
        """The gdb thread it runs on, or None."""
        if self.state != RUNNING or not self.m or word(self.m + self.table.m_g) != self.addr:
            return None
        tid = struct.unpack('<i', read(self.m + self.table.m_tid, 4))[0]
        for t in gdb.selected_inferior().threads():
            if t.ptid[1] == tid:
                return t
        return None

    def has_begun(self):
        return not self.flags & SEED and self.pc != self.table.not_begun

    def what(self):
        """Its state in words, as Go's dumps have it."""
        if self.state == PARKED:
            words_ = self.table.reason(self.why)
        else:
            words_ = 'running' if self.state == RUNNING else 'runnable'
        return words_ + (', locked to thread' if self.locked else '')

    def head(self):
        return 'goroutine %d [%s]%s' % (self.id, self.what(),
                                        ' "%s"' % self.name if self.name else '')


# ---- stacks ----

class Saved(gdb.unwinder.Unwinder):
    """While it has a goroutine: the innermost frame's caller is where that goroutine is."""

    def __init__(self):
        super().__init__('goshawk')
        self.g = None

    def __call__(self, frame):
        if self.g is None or frame.level() != 0:
            return None
        pc, sp, fp = ('rip', 'rsp', 'rbp') if 'x86' in frame.architecture().name() \
            else ('pc', 'sp', 'x29')
        values = {pc: self.g.pc, sp: self.g.sp, fp: self.g.fp}
        values.update(zip(CALLEE_SAVED[pc], self.g.saved))
        # Below the goroutine's frames, so that they look like its callers.
        info = frame.create_unwind_info(FrameId(self.g.sp - 64, self.g.pc))
        for name, value in values.items():
            kind = frame.read_register(name).type
            info.add_saved_register(name, gdb.Value(value).cast(kind))
        return info


class FrameId:
    def __init__(self, sp, pc):
        self.sp = gdb.Value(sp).cast(gdb.lookup_type('unsigned long').pointer())
        self.pc = gdb.Value(pc).cast(gdb.lookup_type('unsigned long').pointer())


saved = Saved()
gdb.unwinder.register_unwinder(None, saved, replace=True)


def without_first_frame(out):
    """A backtrace without frame 0, the others renumbered."""
    lines = out.splitlines(True)
    while lines and not lines[0].startswith('#1 '):
        lines.pop(0)

    def renumber(m):
        return ('#%d' % (int(m[1]) - 1)).ljust(len(m[0]))

    return ''.join(re.sub(r'^#(\d+) *', renumber, line) for line in lines)


def is_backtrace(command):
    return re.match(r'(bt|backtrace|where|info stack)\b', command) is not None


def in_saved(g, command):
    """Output of command in the place where g, which does not run, is."""
    saved.g = g
    gdb.invalidate_cached_frames()
    try:
        older = gdb.newest_frame().older()
        if older is None:
            raise gdb.GdbError('the stack of goroutine %d cannot be read' % g.id)
        older.select()
        out = gdb.execute(command, to_string=True)
    finally:
        saved.g = None
        gdb.invalidate_cached_frames()
    return without_first_frame(out) if is_backtrace(command) else out


def run_in(g, command):
    """Writes the output of command in the place where g is."""
    thread, before = g.thread(), gdb.selected_thread()
    frame = gdb.selected_frame() if before and before.is_valid() else None
    level = frame.level() if frame else 0
    try:
        if thread:
            thread.switch()
            out = gdb.execute(command, to_string=True)
        elif g.state == RUNNING:
            out = 'on its way from one thread to another\n'
        elif not g.has_begun():
            out = '#0  %s () has not begun\n' % symbol(g.entry)
        else:
            out = in_saved(g, command)
    finally:
        if before and before.is_valid():
            before.switch()
            gdb.execute('frame %d' % level, to_string=True)
    gdb.write(out)


# ---- commands ----

class InfoGoroutines(gdb.Command):
    """List the goroutines: number, state, name, thread or object, entry function."""

    def __init__(self):
        super().__init__('info goroutines', gdb.COMMAND_STATUS)

    def invoke(self, arg, from_tty):
        selected = gdb.selected_thread()
        for g in Table().goroutines():
            thread = g.thread()
            here = '*' if thread and selected and thread.num == selected.num else ' '
            where = 'thread %d' % thread.num if thread else ''
            if g.state == PARKED and g.obj:
                where = '0x%x' % g.obj
            gdb.write('%s %-6d %-28s %-16s %s%s\n' % (
                here, g.id, g.what(), where, symbol(g.entry),
                ' "%s"' % g.name if g.name else ''))


class GoroutineCommand(gdb.Command):
    """Run a command where a goroutine is: goroutine N|all [COMMAND], default bt."""

    def __init__(self):
        super().__init__('goroutine', gdb.COMMAND_STACK)

    def invoke(self, arg, from_tty):
        which, _, command = arg.strip().partition(' ')
        command = command.strip() or 'bt'
        everyone = Table().goroutines()
        if which == 'all':
            for g in everyone:
                gdb.write('%s:\n' % g.head())
                run_in(g, command)
                gdb.write('\n')
            return
        if not which.isdigit():
            raise gdb.GdbError('usage: goroutine N|all [COMMAND]')
        for g in everyone:
            if g.id == int(which):
                run_in(g, command)
                return
        raise gdb.GdbError('no goroutine %s' % which)


InfoGoroutines()
GoroutineCommand()
