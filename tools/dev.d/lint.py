#!/usr/bin/env python3
"""lint.py - the rules of the house that a program can check.

    lint.py [--build DIR] [--fix] [--self-test]

Findings are printed as file:line: message, and the exit code is 1 if there are any.  Then follows a
table of the longest functions and files, which judges nothing.

    format    clang-format 14 leaves every C file as it is; no line beyond 100
              (--fix lets clang-format rewrite, and fills comments that are too wide again)
    arrows    what each layer may #include; libunwind and libdw only behind base
    headers   every header compiles alone, the public ones as C++ too
    atomics   a tag [name] on every ordered operation that also stands at the edge's other end, and
              a comment "relaxed: why" on every relaxed one
    units     every module has a unit test file
    build     every module and unit test is built
    words     nothing in the project speaks of anything but the project
    symbols   what the two shared libraries in --build export

Each rule is a function from sources to findings, so that --self-test can show it text that breaks
the rule and text that does not.
"""
import argparse
import collections
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

from refill import refill

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
Finding = collections.namedtuple('Finding', 'file line message')

# ---- the house ----

# Folder -> layer, longest match first.
LAYERS = [
    ('runtime/include', 'include'),
    ('runtime/base', 'base'),
    ('runtime', 'runtime'),
    ('racecheck', 'racecheck'),
    ('trace', 'trace'),
    ('tools', 'tools'),
    ('tests/unit', 'unit'),
    ('tests/random', 'unit'),
    ('tests/model', 'unit'),
    ('tests/stress', 'unit'),
    ('tests/trace', 'unit'),
    ('tests/fuzz', 'unit'),
    ('tests/sim', 'unit'),
    ('tests', 'user'),
    ('examples', 'user'),
]

# Layer -> layers whose headers it may name, besides its own.
ARROWS = {
    'include': set(),
    'base': set(),
    'runtime': {'base', 'include'},
    'racecheck': {'base'},
    'trace': {'base'},
    'tools': {'base', 'trace'},
    'unit': {'include', 'base', 'runtime', 'racecheck', 'trace', 'tools'},
    'user': {'include'},
}

# (file, header) pairs beyond the arrows.
ALSO_ALLOWED = {('runtime/hook.h', 'rc.h'), ('runtime/hook.h', 'tr.h'),
                ('trace/expect_file.c', 'goshawk/expect.h')}

# Public headers of libgoshawk_trace.a, which tests link beside the library.
READER_HEADERS = {'runtime/include/goshawk/expect.h'}

# Headers of trace/ that belong to the recorder: the tools do not see them.
RECORDER_HEADERS = {'tr.h'}

# Only these files see the libraries that base wraps.
SYMBOL_FILES = {'runtime/base/symbol' + f for f in ('.c', '_data.c', '_inner.h', '_local.c')}
WRAPPED = {
    'libunwind.h': {'runtime/base/unwind.c'},
    'elfutils/': SYMBOL_FILES,
    'dwarf.h': SYMBOL_FILES,
    'gelf.h': {'runtime/base/symbol.c'},
    'libelf.h': {'runtime/base/symbol.c'},
}

# Public headers stand on the C library alone.
LIBC_HEADERS = set('''assert.h ctype.h errno.h inttypes.h limits.h pthread.h signal.h stdalign.h
    stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h sys/socket.h
    sys/types.h sys/uio.h time.h unistd.h'''.split())

# Modules whose test has another name: path -> the test that covers them.
TESTED_ELSEWHERE = {
    'racecheck/abi_access.c': 'tests/race/memory_cases.c',
    'racecheck/abi_atomic.c': 'tests/unit/test_rc_sync.c',
    'racecheck/abi_misc.c': 'tests/race/go_cases.c',
    'runtime/main.c': 'tests/run/exit_code.c',
    'racecheck/int_cxx.c': 'tests/race/cxx_program.cpp',
    'racecheck/int_exit.c': 'tests/race/pthread_cases.c',
    'racecheck/int_heap.c': 'tests/race/libc_cases.c',
    'racecheck/int_io.c': 'tests/race/libc_cases.c',
    'racecheck/int_omp.c': 'tests/race/omp_program.c',
    'racecheck/int_load.c': 'tests/race/load_program.c',
    'racecheck/int_mem.c': 'tests/race/libc_cases.c',
    'racecheck/int_pass.c': 'tests/race/thread_program.c',
    'racecheck/int_process.c': 'tests/race/net_cases.c',
    'racecheck/int_ready.c': 'tests/race/ready_cases.c',
    'racecheck/int_fill.c': 'tests/race/fill_cases.c',
    'racecheck/int_static.c': 'tests/race/static_cases.c',
    'racecheck/int_print.c': 'tests/race/text_cases.c',
    'racecheck/gate.c': 'tests/race/thread_program.c',
    'racecheck/handler.c': 'tests/race/steps_program.c',
    'racecheck/int_signal.c': 'tests/race/signal_program.c',
    'racecheck/int_sys.c': 'tests/race/sys_cases.c',
    'racecheck/int_text.c': 'tests/race/text_cases.c',
    'racecheck/int_sync.c': 'tests/race/pthread_cases.c',
    'racecheck/int_thread.c': 'tests/race/pthread_cases.c',
    'racecheck/intercept.c': 'tests/race/libc_cases.c',
    'racecheck/location.c': 'tests/unit/test_report.c',
    'racecheck/real.c': 'tests/race/libc_cases.c',
    'racecheck/story_json.c': 'tests/unit/test_report.c',
    'racecheck/story_text.c': 'tests/unit/test_report.c',
    'racecheck/trail.c': 'tests/unit/test_report.c',
    'trace/expect_file.c': 'tests/unit/test_tr_expect.c',
    'trace/expect_text.c': 'tests/unit/test_tr_expect.c',
    'trace/query_match.c': 'tests/unit/test_tr_query.c',
}

# ---- reading C ----


def git_files():
    """Every file of the project that is not ignored."""
    out = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT,
                         capture_output=True, text=True)
    files = out.stdout.split('\n') if out.returncode == 0 else walk()
    return sorted(f for f in set(files) if f and os.path.isfile(os.path.join(ROOT, f)))


def write_if_changed(path, text):
    if text != read(path):
        with open(os.path.join(ROOT, path), 'w', encoding='utf-8') as f:
            f.write(text)


def walk():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [d for d in folders if not d.startswith(('.git', 'build'))]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), ROOT)


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8', errors='replace') as f:
        return f.read()


TOKEN = re.compile(r'''//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\n|[^/"'\n]+|.''',
                   re.S)


def split_comments(text):
    """[(code, comment)] of each line; what stands in strings is blanked."""
    lines = [['', '']]
    for match in TOKEN.finditer(text):
        token = match.group()
        if token == '\n':
            lines.append(['', ''])
        elif token.startswith(('//', '/*')):
            for i, part in enumerate(token.split('\n')):
                if i:
                    lines.append(['', ''])
                lines[-1][1] += part
        elif token[0] in '"\'':
            lines[-1][0] += token[0] * 2
        else:
            lines[-1][0] += token
    return lines


def layer_of(path):
    for folder, layer in LAYERS:
        if path.startswith(folder + '/'):
            return layer
    return None


def is_c(path):
    return path.endswith(('.c', '.h'))


# ---- arrows ----

LIBC_ALSO = {'spawn.h'}  # libc's in angles, ours in quotes
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def check_arrows(sources):
    owners = collections.defaultdict(set)  # header name -> layers that have one
    for path in sources:
        if path.endswith(('.h', '.def')):
            name = path[len('runtime/include/'):] if path.startswith('runtime/include/') \
                else os.path.basename(path)
            owners[name].add(layer_of(path))
    for path, text in sources.items():
        layer = layer_of(path)
        if layer is None or not path.endswith(('.c', '.h', '.S')):
            continue
        for number, line in enumerate(text.split('\n'), 1):
            match = INCLUDE.match(line)
            if match:
                header, is_angled = match.group(2), match.group(1) == '<'
                beside = os.path.join(os.path.dirname(path), header)
                if not is_angled and beside in sources:
                    continue
                message = judge_include(path, layer, header, owners, is_angled)
                if message:
                    yield Finding(path, number, message)


def judge_include(path, layer, header, owners, is_angled):
    for wrapped, allowed in WRAPPED.items():
        if header.startswith(wrapped) and path not in allowed:
            return f'arrow: only {", ".join(sorted(allowed))} may include <{header}>'
    if is_angled and header in LIBC_ALSO:
        return None
    layers = owners.get(header)
    if layers is None:
        if not is_angled:
            return None  # generated, or the compiler will tell
        if layer == 'include' and header not in LIBC_HEADERS:
            return f'arrow: include -> libc only, not <{header}>'
        return None
    if layer in layers or (path, header) in ALSO_ALLOWED:
        return None
    if layer == 'tools' and header in RECORDER_HEADERS:
        return f'arrow: tools -> trace reader, not the recorder\'s {header}'
    if not layers & ARROWS[layer]:
        return f'arrow: {layer} -> {", ".join(sorted(ARROWS[layer])) or "libc"} only, ' \
               f'not {sorted(layers)[0]}\'s {header}'
    return None


# ---- atomics ----

ATOMIC = re.compile(r'\bat_(\w+?)_(rlx|acq_rel|acq|rel|sc)\s*\(|\bat_(fence)_(\w+)\s*\(')
RAW_ATOMIC = re.compile(r'\b__atomic_(?!signal_fence)\w+\s*\(|\b__sync_\w+\s*\(')
TAG = re.compile(r'\[([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\]')
ABOVE = 4
OUR_LAYERS = ('base', 'runtime', 'racecheck', 'trace', 'tools')


def check_atomics(sources):
    ends = collections.defaultdict(lambda: [False, False])  # tag -> [released, acquired]
    mentions = collections.defaultdict(list)  # tag -> file of each line that says it
    sites = []
    for path, text in sources.items():
        if not is_c(path) or layer_of(path) not in OUR_LAYERS:
            continue
        lines = split_comments(text)
        for code, comment in lines:
            for tag in TAG.findall(comment):
                mentions[tag].append(path)
        if path == 'runtime/base/atomic.h':
            continue
        is_raw = any('raw atomics:' in comment for _, comment in lines)
        for i, (code, _) in enumerate(lines):
            end = i  # of the statement, which may go on for some lines
            while end < min(i + ABOVE, len(lines) - 1) and \
                    not lines[end][0].rstrip().endswith((';', '{', '}')):
                end += 1
            if end + 1 < len(lines) and not lines[end + 1][0].strip():
                end += 1  # a comment of its own, below
            nearby = ' '.join(comment for _, comment in lines[max(0, i - ABOVE):end + 1])
            if RAW_ATOMIC.search(code) and not is_raw:
                yield Finding(path, i + 1, 'atomic: use atomic.h, or say "raw atomics: why" above')
            for match in ATOMIC.finditer(code):
                order = match.group(2) or match.group(4)
                yield from judge_atomic(path, i + 1, order, nearby, ends, sites)
    for path, number, tags in sites:
        if not any(has_other_end(tag, ends, mentions) for tag in tags):
            yield Finding(path, number, f'atomic: [{tags[0]}] stands at no other end of an edge')


def judge_atomic(path, number, order, nearby, ends, sites):
    if order == 'rlx':
        if 'relaxed' not in nearby:
            yield Finding(path, number, 'atomic: say "relaxed: why that is enough"')
        return
    tags = TAG.findall(nearby)
    if not tags:
        yield Finding(path, number, f'atomic: {order} without the tag [name] of its edge')
        return
    for tag in tags:
        ends[tag][0] |= order != 'acq'
        ends[tag][1] |= order != 'rel'
    if order != 'acq_rel':  # which is both ends when two threads meet at this line
        sites.append((path, number, tags))


def has_other_end(tag, ends, mentions):
    """An atomic of the other direction, or a word about it where no atomic is: another file, whose
    end is in the kernel, in assembly or in another process."""
    released, acquired = ends[tag]
    return released and acquired and len(mentions[tag]) >= 2 or len(set(mentions[tag])) >= 2


# ---- unit tests ----


def check_units(paths):
    for path in paths:
        layer = layer_of(path)
        if layer not in ('base', 'runtime', 'racecheck', 'trace') or not path.endswith('.c'):
            continue
        name = os.path.basename(path)[:-2]
        prefix = {'racecheck': 'rc_', 'trace': 'tr_'}.get(layer, '')
        candidates = {f'tests/unit/test_{name}.c', f'tests/unit/test_{prefix}{name}.c'}
        other = TESTED_ELSEWHERE.get(path)
        if other is not None:
            if other not in paths:
                yield Finding(path, 1, f'unit: {other}, which should test it, does not exist')
        elif not candidates & set(paths):
            yield Finding(path, 1, f'unit: no test file tests/unit/test_{prefix}{name}.c')


# ---- the build ----


def check_built(sources):
    """A module that no meson.build names would rot unseen."""
    names = set()
    for path, text in sources.items():
        if path.endswith('meson.build'):
            names |= set(re.findall(r"'([^'\n]+)'", text))
    names = {os.path.basename(n) for n in names}
    for path in sources:
        name = os.path.basename(path)
        if path.startswith('tests/unit/test_') and path.endswith('.c'):
            name = name[5:-2]
        elif layer_of(path) not in OUR_LAYERS or not path.endswith('.c'):
            continue
        if name not in names:
            yield Finding(path, 1, 'build: no meson.build names it')


STANDIN = 'tests/unit/standin/criterion/'
CRITERION = re.compile(r'\bcr_[a-z]\w*(?=\()')


def check_standin(sources):
    """What tests use of Criterion must be there where the stand-in takes its place."""
    there = {name for path, text in sources.items() if path.startswith(STANDIN)
             for name in CRITERION.findall(text)}
    for path, text in sources.items():
        if not (is_c(path) and path.startswith('tests/unit/')):
            continue
        for number, (code, _) in enumerate(split_comments(text), 1):
            for name in CRITERION.findall(code):
                if name not in there:
                    yield Finding(path, number, f'test: {STANDIN} has no {name}')


# ---- words, lines ----

# Brackets keep this file from finding itself.
WORDS = [
    (re.compile(r'/wor[k]/|/hom[e]/\w|/roo[t]/'), 'a path of one machine'),
    (re.compile(r'\b(?:this|our|my) sessio[n]\b|\bsub-?agen[t]s?\b|\bAI agen[t]|\bLL[M]\b', re.I),
     'not about the project'),
    (re.compile(r'://(?:de[b]|securit[y]|registr[y]|prox[y])\.'), 'a package host'),
    (re.compile(r'\b(?:TOD[O]|FIXM[E]|XX[X])\b'), 'a marker of unfinished work'),
]
SLEEP = re.compile(r'\b(?:usleep|nanosleep|sleep)\s*\(')
WIDTH_MAX = 100


def check_words(sources):
    for path, text in sources.items():
        if '\0' in text: # a picture
            continue
        lines = text.split('\n')
        for number, line in enumerate(lines, 1):
            for pattern, what in WORDS:
                match = pattern.search(line)
                if match:
                    yield Finding(path, number, f'word: "{match.group()}": {what}')
            if line != line.rstrip() and '/golden/' not in str(path):
                yield Finding(path, number, 'line: white space at its end')
            if path.endswith(('.c', '.h', '.S', '.py', '.build')) or path == 'tools/dev':
                if len(line) > WIDTH_MAX:
                    yield Finding(path, number, f'line: {len(line)} columns, over {WIDTH_MAX}')
        if text and not text.endswith('\n'):
            yield Finding(path, len(lines), 'line: the last one has no end')


def check_sleeps(sources):
    """Order in a test is forced, never slept for."""
    for path, text in sources.items():
        if is_c(path) and path.startswith('tests/') and not path.startswith('tests/bench/'):
            for number, (code, comment) in enumerate(split_comments(text), 1):
                if SLEEP.search(code) and 'sleeps:' not in comment:
                    yield Finding(path, number, 'test: force the order, or say "sleeps: why" here')


# ---- with the tools: format, headers, symbols ----


def run(argv, **kw):
    return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, **kw)


def pool_map(function, items):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return [f for found in pool.map(function, items) for f in found]


def find_clang_format():
    for name in ('clang-format-14', 'clang-format'):
        if shutil.which(name) and ' 14.' in run([name, '--version']).stdout:
            return name
    return None


def check_format(paths, fix):
    tool = find_clang_format()
    if tool is None:
        return [Finding('tools/dev.d/lint.py', 1, 'format: clang-format 14 is not installed')]
    paths = [p for p in paths if is_c(p)]
    if fix:
        run([tool, '-i'] + paths)
        for path in paths:
            write_if_changed(path, refill(read(path), WIDTH_MAX))
    return pool_map(lambda p: format_of(tool, p), paths)


def format_of(tool, path):
    out = run([tool, '--dry-run', '--ferror-limit=3', path]).stderr
    numbers = re.findall(r'^\S+?:(\d+):\d+: (?:warning|error): code should be clang-formatted', out,
                         re.M)
    return [Finding(path, int(n), 'format: clang-format wants it otherwise') for n in numbers[:3]]


INCLUDE_DIRS = {
    'include': ['runtime/include'],
    'base': ['runtime/base'],
    'runtime': ['runtime', 'runtime/arch', 'runtime/base', 'runtime/include', 'racecheck', 'trace'],
    'racecheck': ['racecheck', 'runtime/base'],
    'trace': ['trace', 'runtime/base'],
    'tools': ['tools', 'trace', 'runtime/base'],
}


def header_commands(path):
    layer = layer_of(path)
    base = ['-fsyntax-only', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-Wno-unused-function']
    base += ['-I' + d for d in INCLUDE_DIRS[layer]]
    if layer == 'include':
        for cc in ('gcc', 'clang'):
            yield [cc, '-x', 'c', '-std=gnu11'] + base
            yield [cc, '-x', 'c', '-std=gnu11', '-fsanitize=thread'] + base
        for std in ('c++11', 'c++20'):
            yield ['clang', '-x', 'c++', '-std=gnu++' + std[3:]] + base
    else:
        for race in ('0', '1') if layer == 'runtime' else ('0',):
            yield ['gcc', '-x', 'c', '-std=gnu11', '-DGO_RACE=' + race] + base


def check_header(path):
    findings = []
    with tempfile.NamedTemporaryFile('w', suffix='.c') as f:
        f.write(f'#include "{os.path.join(ROOT, path)}"\nint header_test;\n')
        f.flush()
        for command in header_commands(path):
            if shutil.which(command[0]) is None:
                continue
            out = run(command + [f.name])
            if out.returncode:
                first = next((l for l in out.stderr.split('\n') if 'error' in l), out.stderr)
                language = command[2] + (' -race' if '-fsanitize=thread' in command else '')
                findings.append(Finding(path, 1, f'header: not alone ({command[0]}, {language}): '
                                        f'{first.strip()[-160:]}'))
    return findings


def check_headers(paths):
    return pool_map(check_header, [p for p in paths if p.endswith('.h') and
                                   layer_of(p) in INCLUDE_DIRS])


PUBLIC = re.compile(r'^(go_|goshawk_|__tsan_)')
RACE_ONLY = re.compile(r'^(Annotate\w+|WTFAnnotate\w+|ThreadSanitizerQuery|RunningOnValgrind|'
                       r'ValgrindSlowdown|__cxa_guard_\w+|_Zn[wa]\w+|_Zd[la]\w+|'
                       r'_ZNSt13__future_base\w+|GOMP_\w+|omp_\w+)$')
DECLARATION = re.compile(r'\bGO_API_\b[^;{]*?\b(?!go_chan\b)(go_\w+)\s*\(', re.S)


def exported(library):
    out = run(['nm', '-D', '--defined-only', library]).stdout
    return {line.split()[-1].split('@')[0] for line in out.splitlines() if line.strip()}


def libc_names():
    names = set()
    out = run(['ldd', shutil.which('env') or '/usr/bin/env']).stdout
    folder = re.search(r'=> (\S+)/libc\.so', out)
    for name in ('libc.so.6', 'libpthread.so.0', 'libdl.so.2', 'libm.so.6'):
        if folder and os.path.exists(f'{folder.group(1)}/{name}'):
            names |= exported(f'{folder.group(1)}/{name}')
    return names


def judge_symbols(library, names, is_race, libc):
    for name in sorted(names):
        if not PUBLIC.match(name) and not (is_race and (name in libc or RACE_ONLY.match(name))):
            yield Finding(library, 1, f'symbol: exports {name}')


def check_symbols(build, sources):
    declared = {m.group(1): path for path, text in sources.items()
                if layer_of(path) == 'include' and path not in READER_HEADERS
                for m in DECLARATION.finditer('\n'.join(c for c, _ in split_comments(text)))}
    libc = libc_names()
    for name in ('libgoshawk.so', 'libgoshawk_race.so'):
        library = os.path.join(build, name)
        if not os.path.exists(library):
            yield Finding(library, 1, 'symbol: the library is not there')
            continue
        names = exported(library)
        yield from judge_symbols(name, names, 'race' in name, libc)
        for function, path in sorted(declared.items()):
            if function not in names:
                yield Finding(path, 1, f'symbol: {name} does not export {function}')
        if 'race' not in name:
            undefined = run(['nm', '-D', '--undefined-only', library]).stdout
            for symbol in re.findall(r'\b(?:__tsan_|rc_)\w+', undefined):
                yield Finding(name, 1, f'symbol: the plain library asks for {symbol}')


# ---- the table ----


def longest(paths):
    c_files = [p for p in paths if p.endswith(('.c', '.h'))]
    print('\nlongest functions')
    ctags = shutil.which('ctags')
    if ctags:
        out = run([ctags, '-L', '-', '--languages=C', '--kinds-C=f', '--fields=+ne', '-f', '-'],
                  input='\n'.join(c_files)).stdout
        rows = []
        for line in out.splitlines():
            start, end = re.search(r'\tline:(\d+)', line), re.search(r'\tend:(\d+)', line)
            if start and end:
                name, path = line.split('\t')[:2]
                count = int(end.group(1)) - int(start.group(1)) + 1
                rows.append((count, path, start.group(1), name))
        for count, path, start, name in sorted(rows, reverse=True)[:10]:
            print(f'  {count:4} lines  {path}:{start}  {name}')
    print('longest files')
    sized = sorted(((read(p).count('\n'), p) for p in paths
                    if p.endswith(('.c', '.h', '.S', '.py', '.js', '.def'))), reverse=True)
    for count, path in sized[:10]:
        print(f'  {count:4} lines  {path}')


# ---- self-test ----

SELF_TESTS = [
    # (rule, path, text, number of findings)
    (check_arrows, {'racecheck/a.c': '#include "g.h"\n', 'runtime/g.h': ''}, 1),
    (check_arrows, {'racecheck/a.c': '#include "list.h"\n', 'runtime/base/list.h': ''}, 0),
    (check_arrows, {'runtime/a.c': '#include "rc.h"\n', 'racecheck/rc.h': ''}, 1),
    (check_arrows, {'runtime/hook.h': '#include "rc.h"\n', 'racecheck/rc.h': ''}, 0),
    (check_arrows, {'runtime/base/a.c': '#include "g.h"\n', 'runtime/g.h': ''}, 1),
    (check_arrows, {'runtime/a.c': '#include <libunwind.h>\n'}, 1),
    (check_arrows, {'runtime/include/goshawk/a.h': '#include <linux/futex.h>\n'}, 1),
    (check_arrows, {'runtime/include/goshawk/a.h': '#include <stdint.h>\n'}, 0),
    (check_arrows, {'examples/a.c': '#include <goshawk.h>\n', 'runtime/include/goshawk.h': ''}, 0),
    (check_arrows, {'examples/a.c': '#include "g.h"\n', 'runtime/g.h': ''}, 1),
    (check_arrows, {'tests/run/a.c': '#include "run.h"\n', 'tests/run/run.h': ''}, 0),
    (check_arrows, {'tools/a.c': '#include "tr.h"\n', 'trace/tr.h': ''}, 1),
    (check_arrows, {'tools/a.c': '#include "reader.h"\n', 'trace/reader.h': ''}, 0),
    (check_atomics, {'runtime/a.c': 'x = at_load_rlx(&y);\n'}, 1),
    (check_atomics, {'runtime/a.c': 'x = at_load_rlx(&y); /* relaxed: a hint */\n'}, 0),
    (check_atomics, {'runtime/a.c': 'at_store_rel(&y, 1);\n'}, 1),
    (check_atomics, {'runtime/a.c': 'at_store_rel(&y, 1); /* [park] one end only */\n'}, 1),
    (check_atomics, {'runtime/a.c': '/* [park] out */\nat_store_rel(&y, 1);\n\n\n\n\n'
                                    'x = at_load_acq(&y); /* [park] in */\n'}, 0),
    (check_atomics, {'runtime/a.c': '/* [park] */\nat_store_rel(&y, 1);\n\n\n\n\n'
                                    'at_xchg_rel(&y, 1); /* [park] two releases */\n'}, 2),
    (check_atomics, {'runtime/a.c': '/* [park] far */\n\n\n\n\n\nat_store_rel(&y, 1);\n'}, 1),
    (check_atomics, {'runtime/a.c': 'puts("at_store_rel(&y, 1)"); /* at_load_rlx(&x) */\n'}, 0),
    (check_atomics, {'runtime/a.c': 'at_fence_sc();\n'}, 1),
    (check_atomics, {'runtime/a.c': '__atomic_load_n(&y, 0);\n'}, 1),
    (check_atomics, {'runtime/a.c': '/* raw atomics: for fun */\n__atomic_load_n(&y, 0);\n'}, 0),
    (check_atomics, {'runtime/a.c': 'at_sub_acq_rel(&n, 1); /* [last] frees */\n'}, 0),
    (check_words, {'README.md': 'see /wor' + 'k/x\n'}, 1),
    (check_words, {'README.md': 'see work\n'}, 0),
    (check_words, {'a.c': 'int x; \n'}, 1),
    (check_words, {'a.c': 'x' * 101 + '\n'}, 1),
    (check_words, {'a.c': 'int x;'}, 1),
    (check_words, {'a.c': '/* TOD' + 'O later */\n'}, 1),
    (check_sleeps, {'tests/run/a.c': 'usleep(10);\n'}, 1),
    (check_sleeps, {'tests/run/a.c': 'sleep(1); /* sleeps: a watchdog, orders nothing */\n'}, 0),
    (check_sleeps, {'tests/run/a.c': 'go_sleep(10); /* sleep(1) */\n'}, 0),
    (check_units, {'runtime/a.c': ''}, 1),
    (check_units, {'runtime/a.c': '', 'tests/unit/test_a.c': ''}, 0),
    (check_units, {'trace/a.c': '', 'tests/unit/test_tr_a.c': ''}, 0),
    (check_built, {'trace/a.c': '', 'trace/meson.build': "files('a.c')\n"}, 0),
    (check_built, {'trace/a.c': '', 'trace/meson.build': "files('b.c')\n"}, 1),
    (check_built, {'tests/unit/test_a.c': '', 'tests/unit/meson.build': "['a']\n"}, 0),
    (check_built, {'tests/unit/test_a.c': '', 'tests/unit/meson.build': "['b']\n"}, 1),
    (check_standin, {'tests/unit/a.c': 'cr_a(x);\n', STANDIN + 'b.h': '#define cr_a(x)\n'}, 0),
    (check_standin, {'tests/unit/a.c': 'cr_ab(x);\n', STANDIN + 'b.h': '#define cr_a(x)\n'}, 1),
]


def self_test():
    failed = 0
    for rule, sources, expected in SELF_TESTS:
        found = list(rule(sources))
        if len(found) != expected:
            failed += 1
            print(f'FAIL {rule.__name__} on {sources}: expected {expected}, found {found}')
    wide = '/* one two three\n * four\n *\n *   a  table  wide\n */\nint x;\n'
    failed += refill(wide, 12) != '/* one two\n * three\n * four\n *\n *   a\n *   table\n' \
        ' *   wide\n */\nint x;\n'
    failed += refill(wide, 80) != wide
    bad = list(judge_symbols('l', {'go_x', 'malloc', 'rt_x'}, False, {'malloc'}))
    good = list(judge_symbols('l', {'go_x', 'malloc', 'AnnotateRWLockCreate'}, True, {'malloc'}))
    failed += (len(bad), len(good)) != (2, 0)
    print(f'self-test: {len(SELF_TESTS) + 3 - failed} rules held, {failed} failed')
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description='checks the rules of the house')
    parser.add_argument('--build', help='also check the libraries in this build directory')
    parser.add_argument('--fix', action='store_true', help='let clang-format rewrite')
    parser.add_argument('--self-test', action='store_true')
    options = parser.parse_args()
    if options.self_test:
        return self_test()

    paths = git_files()
    findings = check_format(paths, options.fix)
    sources = {p: read(p) for p in paths}
    for check in (check_arrows, check_atomics, check_words, check_sleeps, check_built,
                  check_standin):
        findings += check(sources)
    findings += check_units(paths)
    findings += check_headers(paths)
    if options.build:
        findings += check_symbols(options.build, sources)
    for finding in sorted(findings):
        print(f'{finding.file}:{finding.line}: {finding.message}')
    longest(paths)
    print(f'\nlint: {len(paths)} files, {len(findings)} findings')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
