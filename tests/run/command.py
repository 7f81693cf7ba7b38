#!/usr/bin/env python3
"""command.py - the goshawk command as a user meets it.

    command.py BUILD [NAME...]

Each function named test_* is one test; the output is TAP.  A test works in a folder of its own.
"""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

BUILD = os.path.abspath(sys.argv[1])
GOSHAWK = os.path.join(BUILD, 'tools/goshawk')
COMPILERS = [cc for cc in ('gcc', 'clang') if shutil.which(cc)]

HELLO = r'''
#include <goshawk.h>
#include <stdio.h>
static void put(go_chan(int) c, int v) { go_chan_send(c, v); }
int go_main(int argc, char **argv)
{
    go_chan(int) c = go_chan_make(int, 0);
    go(put, c, 40);
    printf("got %d, %d arguments, last %s\n", go_chan_recv(c), argc, argv[argc - 1]);
    return argc + 6;
}
'''
RACED = r'''
#include <goshawk.h>
static int counter;
static void increment(go_waitgroup *wg) { counter++; go_waitgroup_done(wg); }
int go_main(int argc, char **argv)
{
    (void)argc; (void)argv;
    go_waitgroup wg = {0};
    go_waitgroup_add(&wg, 2);
    go(increment, &wg);
    go(increment, &wg);
    go_waitgroup_wait(&wg);
    return 0;
}
'''
OWN_MAIN = r'''
#include <goshawk.h>
static int body(int argc, char **argv) { (void)argv; return argc + (int)go_id(); }
int main(int argc, char **argv) { return go_run(body, argc, argv); }
'''
PART = 'int shared_value; int part(void) { return ++shared_value; }\n'
USES_PART = '''
#include <goshawk.h>
int part(void);
int go_main(int argc, char **argv) { (void)argc; (void)argv; return part(); }
'''
THREADS = r'''
#include <pthread.h>
static int hits;
static void *hit(void *p) { hits++; return p; }
int main(void)
{
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&t[i], NULL, hit, NULL) != 0)
            return 1;
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    return hits - 2;
}
'''
STARTS_EARLY = r'''
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static pthread_t early;
static void *run(void *p) { return p; }
__attribute__((constructor)) static void begin(void)
{
    int status;
    pthread_create(&early, NULL, run, NULL);
    pid_t child = fork();
    if (child == 0)
        exit(0);
    if (waitpid(child, &status, 0) != child || status != 0)
        abort();
}
int early_is_joined(void) { return pthread_join(early, NULL) == 0; }
'''
SUMS = r'''
#include <goshawk.h>
#include <string.h>
struct pair { float x, y; };
static float a[1024], b[1024];
static struct pair p[1024];
static unsigned char bytes[64];
static unsigned total;
static go_waitgroup wg;
static void fill(void)
{
    for (int i = 0; i < 1024; i++)
        a[i] = 1;
    for (int i = 0; i < 1024; i++)
        p[i] = (struct pair){2, 3};
    memset(bytes, 1, sizeof bytes);
    go_waitgroup_done(&wg);
}
static void add_vector(void)
{
    for (int i = 0; i < 1024; i++)
        b[i] += a[i] * 2;
    go_waitgroup_done(&wg);
}
static void add_bytes(void)
{
    unsigned sum = 0;
    for (int i = 0; i < 64; i++)
        sum += bytes[i];
    total = sum;
    go_waitgroup_done(&wg);
}
static void add_pairs(void)
{
    for (int i = 0; i < 1024; i++)
        b[i] = p[i].x * p[i].y;
    go_waitgroup_done(&wg);
}
int go_main(int argc, char **argv)
{
    const char *which = argc > 1 ? argv[1] : "";
    go_waitgroup_add(&wg, 2);
    go(fill);
    if (strcmp(which, "vector") == 0)
        go(add_vector);
    else if (strcmp(which, "pairs") == 0)
        go(add_pairs);
    else
        go(add_bytes);
    go_waitgroup_wait(&wg);
    return b[5] + total > 1e9f;
}
'''
PANICS = r'''
#include <goshawk.h>
static void inner(void) { go_panic("oops"); }
int go_main(int argc, char **argv) { (void)argc; (void)argv; inner(); return 0; }
'''
WAITS = r'''
#include <goshawk.h>
#include <stdio.h>
#include <unistd.h>
int go_main(int argc, char **argv)
{
    (void)argc;
    printf("%s\n", argv[0]);
    fflush(stdout);
    go_sleep(60 * GO_SECOND);
    return 0;
}
'''


class Skipped(Exception):
    pass


def goshawk(*args, env=None, **kw):
    return subprocess.run([GOSHAWK, *args], capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, **(env or {})), **kw)


def write(name, text):
    with open(name, 'w', encoding='utf-8') as f:
        f.write(text)


def check(condition, *facts):
    if not condition:
        raise AssertionError(' '.join(str(f) for f in facts))


def must(result, code=0):
    check(result.returncode == code, 'expected exit code', code, 'got', result)
    return result


def run_program(path, *args, code=0, env=None):
    return must(subprocess.run([path, *args], capture_output=True, text=True, timeout=60,
                               env=dict(os.environ, **(env or {}))), code)


# ---- help and wrong use ----


def test_help_names_every_command():
    text = must(goshawk('help')).stdout
    for name in ('cc', 'run', 'trace timeline', 'trace view', 'trace stat', 'trace export',
                 'trace dump', 'trace check', 'race export', 'doctor', 'version'):
        check(f'goshawk {name} ' in text, name, 'is not in', text)
        own = must(goshawk('help', *name.split())).stdout
        check(own.startswith(f'usage: goshawk {name}'), own)
        check(must(goshawk(*name.split(), '-h')).stdout == own, name, '-h')
    check(must(goshawk('-h')).stdout == text)
    check('trace check' in must(goshawk('help', 'trace')).stdout)


def test_wrong_use_is_one_line_and_2():
    write('a.c', HELLO)
    for args in ([], ['frob'], ['trace'], ['trace', 'frob'], ['help', 'frob'], ['race', 'export'],
                 ['version', 'x'], ['doctor', 'x'], ['cc'], ['run'], ['run', '-frob', 'a.c'],
                 ['run', '-seed'], ['run', '-seed', 'abc', 'a.c'], ['run', '-seed', '-1', 'a.c'],
                 ['run', '-trace'], ['run', 'a.c', 'argument'], ['run', 'nosuch.c'],
                 ['run', 'nosuch'], ['run', '-race', '/bin/true'],
                 ['cc', '-fsanitize=thread', 'a.c'], ['cc', '-race', '-fsanitize=address', 'a.c'],
                 ['trace', 'timeline'], ['trace', 'view'], ['trace', 'stat'], ['trace', 'dump'],
                 ['trace', 'check'], ['trace', 'export'], ['trace', 'stat', '-frob', 'x'],
                 ['trace', 'export', '-f', 'frob', 'x', '-o', 'y']):
        out = goshawk(*args)
        check(out.returncode == 2, args, out)
        check(out.stderr.count('\n') == 1 and out.stderr.startswith('goshawk'), args, out.stderr)
        check(out.stdout == '', args, out.stdout)


def test_version():
    check(re.match(r'goshawk version \d+\.\d+\.\d+ linux/\w+\n$', must(goshawk('version')).stdout))


def test_doctor_finds_this_build_complete():
    text = must(goshawk('doctor')).stdout
    check(re.search(r'^  ok +build\+run ', text, re.M), text)
    check(re.search(r'^  ok +build\+run -race ', text, re.M), text)


# ---- cc ----


def test_cc_builds_in_one_step_and_in_two():
    write('a.c', HELLO)
    for cc in COMPILERS:
        for race in ([], ['-race']):
            env = {'CC': cc}
            must(goshawk('cc', *race, '-Wall', '-Wextra', '-Werror', 'a.c', '-o', 'one', env=env))
            must(goshawk('cc', *race, '-O2', '-c', 'a.c', env=env))
            must(goshawk('cc', *race, 'a.o', '-o', 'two', env=env))
            for program in ('./one', './two'):
                out = run_program(program, 'x', code=8)
                check(out.stdout == 'got 40, 2 arguments, last x\n', out)
                libraries = run_program('/usr/bin/ldd', program).stdout
                check('libtsan' not in libraries, libraries)
            os.remove('a.o')


def test_cc_understands_compiler_arguments():
    write('a.c', HELLO)
    write('a.txt', HELLO)
    write('args', '-O1 "a.c" -o \'with space\'\n')
    for race in ([], ['-race']):
        must(goshawk('cc', *race, '@args'))
        run_program('./with space', code=7)
        must(goshawk('cc', *race, '-x', 'c', 'a.txt', '-o', 'from_txt'))
        run_program('./from_txt', code=7)
        must(goshawk('cc', *race, '-xc', '-o', 'from_stdin', '-', input=HELLO))
        run_program('./from_stdin', code=7)
        check('go_prepare_' in must(goshawk('cc', *race, '-E', 'a.c')).stdout)
        must(goshawk('cc', *race, '-S', 'a.c', '-o', 'a.s'))
        must(goshawk('cc', *race, '-fsyntax-only', 'a.c'))
        must(goshawk('cc', *race, '-MMD', '-c', 'a.c', '-o', 'a.o'))
        check('goshawk.h' in open('a.d', encoding='utf-8').read())
        must(goshawk('cc', *race, '-r', 'a.o', '-o', 'partial.o'))
    must(goshawk('cc', '--version'))
    must(goshawk('cc', '-print-search-dirs'))


def test_cc_links_a_shared_object_without_a_runtime():
    write('part.c', PART + '#include <goshawk.h>\nvoid nap(void) { go_yield(); }\n')
    write('a.c', USES_PART)
    for race in ([], ['-race']):
        must(goshawk('cc', *race, '-shared', '-fPIC', 'part.c', '-o', 'libpart.so'))
        must(goshawk('cc', *race, 'a.c', './libpart.so', '-o', 'a'))
        run_program('./a', code=1)


def test_cc_leaves_a_main_of_the_program_alone():
    write('a.c', OWN_MAIN)
    for race in ([], ['-race']):
        must(goshawk('cc', *race, 'a.c', '-o', 'a'))
        run_program('./a', 'x', code=3)


def test_cc_adds_debug_information_unless_told():
    write('part.c', PART)
    must(goshawk('cc', '-c', 'part.c'))
    check('.debug_line' in run_program('/usr/bin/readelf', '-S', 'part.o').stdout)
    must(goshawk('cc', '-g0', '-c', 'part.c'))
    check('.debug_line' not in run_program('/usr/bin/readelf', '-S', 'part.o').stdout)


def test_cc_debug_information_of_other_kinds():
    write('a.c', PANICS)
    write('r.c', RACED)
    for cc in COMPILERS:
        for flags in (['-gsplit-dwarf'], ['-gsplit-dwarf', '-gdwarf-4'], ['-gz'], ['-gdwarf-4']):
            must(goshawk('cc', *flags, 'a.c', '-o', 'a', env={'CC': cc}))
            text = run_program('./a', code=2).stderr
            check('a.c:3' in text, cc, flags, text)
            must(goshawk('cc', '-race', '-O2', *flags, 'r.c', '-o', 'r', env={'CC': cc}))
            text = run_program('./r', code=66).stderr
            check("global 'counter' of 4 bytes, r.c:3" in text, cc, flags, text)
            check('increment() r.c:4' in text, cc, flags, text)


def test_cc_race_without_debug_information_says_where():
    write('a.c', THREADS)
    must(goshawk('cc', '-race', '-O0', '-g0', 'a.c', '-o', 'a'))
    text = run_program('./a', code=66).stderr
    offsets = re.findall(r'^  hit\(\) \./a\+(0x[0-9a-f]+)$', text, re.M)
    check(len(offsets) >= 2, text)
    for offset in offsets:
        check(run_program('/usr/bin/addr2line', '-f', '-e', 'a', offset).stdout.startswith('hit\n'))
    text = run_program('./a', code=66, env={'GORACE': 'format=json'}).stderr
    frame = json.loads(text.splitlines()[0])['accesses'][0]['stack'][0]
    check(frame['module'] == './a' and frame['offset'] in offsets, frame, offsets)


def test_cc_race_with_link_time_optimisation():
    write('a.c', RACED)
    for cc in COMPILERS:
        env = {'CC': cc}
        must(goshawk('cc', '-race', '-O2', '-flto', 'a.c', '-o', 'one', env=env))
        must(goshawk('cc', '-race', '-O2', '-flto', '-c', 'a.c', env=env))
        must(goshawk('cc', '-race', '-flto', 'a.o', '-o', 'two', env=env))
        for program in ('./one', './two'):
            check('DATA RACE' in run_program(program, code=66).stderr, cc, program)
    if 'gcc' in COMPILERS:
        must(goshawk('cc', '-flto', '-c', 'a.c', env={'CC': 'gcc'}))
        out = goshawk('cc', '-race', 'a.o', '-o', 'a', env={'CC': 'gcc'})
        check(out.returncode == 1 and 'a.o was compiled by gcc with -flto' in out.stderr, out)


def test_cc_race_sees_loops_of_wide_vectors():
    write('a.c', SUMS)
    wide = [['-O3', '-mavx2'], ['-O3', '-march=haswell', '-ffast-math']]
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        wide = wide if re.search(r'^flags\b.* avx2\b', f.read(), re.M) else []
    for cc in COMPILERS:
        for flags in [['-O3'], *wide]:
            must(goshawk('cc', '-race', *flags, 'a.c', '-o', 'a', env={'CC': cc}))
            for which in 'vector', 'sum', 'pairs':
                text = run_program('./a', which, code=66).stderr
                check(text.count('WARNING: DATA RACE') == 1, cc, flags, which, text)


def test_cc_static():
    write('a.c', PANICS)
    for cc in COMPILERS:
        out = goshawk('cc', '-static', 'a.c', '-o', 'a', env={'CC': cc})
        check(out.returncode == 0, cc, out.stderr)
        text = run_program('./a', code=2).stderr
        check('panic: oops' in text and 'a.c:3' in text, cc, text)
        for option in ('-static', '-static-pie'):
            out = goshawk('cc', '-race', option, 'a.c', '-o', 'a', env={'CC': cc})
            check(out.returncode == 2 and out.stderr.count('\n') == 1, out)
            check(f'leave {option} out' in out.stderr, out.stderr)


def test_code_that_is_not_watched_is_told():
    write('a.c', THREADS)
    told = 'no code here was compiled for the race detector'
    must(goshawk('cc', '-c', 'a.c'))
    must(goshawk('cc', '-race', 'a.o', '-o', 'a'))
    out = run_program('./a')
    check(out.stderr.startswith('goshawk: ' + told) and out.stderr.count('\n') == 1, out.stderr)
    line = json.loads(run_program('./a', env={'GORACE': 'format=json'}).stderr)
    check(line['type'] == 'warning' and line['text'].startswith(told), line)
    must(goshawk('cc', '-race', 'a.c', '-o', 'a'))
    check(told not in run_program('./a', code=66).stderr)


def test_race_with_a_thread_of_a_library_that_is_not_watched():
    write('early.c', STARTS_EARLY)
    write('a.c', 'int early_is_joined(void);\nint main(void) { return !early_is_joined(); }\n')
    must(subprocess.run(['cc', '-shared', '-fPIC', 'early.c', '-o', 'libearly.so'], check=False))
    for cc in COMPILERS:
        must(goshawk('cc', '-race', 'a.c', './libearly.so', '-o', 'a', env={'CC': cc}))
        check(run_program('./a').stderr == '', cc)


def test_cc_race_keeps_small_mem_calls_visible():
    write('a.c', '#include <string.h>\nchar a[16], b[16];\n'
                 'void f(void) { memcpy(a, b, 16); }\nvoid g(void) { memset(a, 0, 8); }\n')
    for cc in COMPILERS:
        must(goshawk('cc', '-race', '-O2', '-D_FORTIFY_SOURCE=2', '-c', 'a.c', env={'CC': cc}))
        names = run_program('/usr/bin/nm', '-u', 'a.o').stdout
        check(re.search(r'\b(__tsan_)?memcpy\b', names), cc, names)
        check(re.search(r'\b(__tsan_)?memset\b', names), cc, names)


def test_cc_of_the_wrong_variant_names_the_cause():
    write('a.c', HELLO)
    write('part.c', PART)
    write('uses.c', USES_PART)
    for cc in COMPILERS:
        env = {'CC': cc}
        must(goshawk('cc', '-race', '-c', 'a.c', '-o', 'raced.o', env=env))
        out = goshawk('cc', 'raced.o', '-o', 'a', env=env)
        check(out.returncode == 1, out)
        check('go_object_was_compiled_with_race' in out.stderr, out.stderr)
        check('raced.o was compiled with -race; link with goshawk cc -race' in out.stderr,
              out.stderr)

        must(goshawk('cc', '-c', 'a.c', '-o', 'plain.o', env=env))
        out = goshawk('cc', '-race', 'plain.o', '-o', 'a', env=env)
        check(out.returncode == 1, out)
        check('go_object_was_compiled_without_race' in out.stderr, out.stderr)
        check('plain.o was compiled without -race' in out.stderr, out.stderr)

        # An object that never saw goshawk.h has no mark; what it lacks tells.
        must(goshawk('cc', '-race', '-c', 'part.c', '-o', 'part.o', env=env))
        out = goshawk('cc', 'uses.c', 'part.o', '-o', 'a', env=env)
        check(out.returncode == 1, out)
        check('part.o was compiled with -race; link with goshawk cc -race' in out.stderr,
              out.stderr)


def test_cc_variable():
    write('a.c', HELLO)
    must(goshawk('cc', 'a.c', '-o', 'a', env={'CC': 'env LC_ALL=C gcc'}))
    must(goshawk('cc', 'a.c', '-o', 'a', env={'CC': GOSHAWK + ' cc -race'}))
    out = goshawk('cc', 'a.c', env={'CC': 'nosuchcompiler'})
    check(out.returncode == 2 and 'nosuchcompiler' in out.stderr, out)
    check(goshawk('cc', '-c', 'nosuch.c').returncode == 1)


# ---- run ----


def test_run_passes_arguments_and_exit_code():
    write('a.c', HELLO)
    out = must(goshawk('run', 'a.c', '--', 'x', '-race', '--'), 10)
    check(out.stdout == 'got 40, 4 arguments, last --\n', out)
    must(goshawk('cc', 'a.c', '-o', 'a'))
    must(goshawk('run', 'a'), 7)
    must(goshawk('run', './a', '--', 'x'), 8)
    check(must(goshawk('run', '-race', 'a.c'), 7).stderr == '')


def test_run_of_the_readme_example():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(root, 'README.md'), encoding='utf-8') as f:
        write('a.c', re.search(r'```c\n(.*?)```', f.read(), re.S).group(1))
    for race in ([], ['-race']):
        out = must(goshawk('run', *race, 'a.c'))
        check(out.stdout == '1 squared is 1\n2 squared is 4\n3 squared is 9\n', out)
        check(out.stderr == '', out)


def test_run_of_several_files():
    write('part.c', PART)
    write('uses.c', USES_PART)
    must(goshawk('run', 'uses.c', 'part.c'), 1)


def test_run_race_reports_and_exits_66():
    os.mkdir('sub')
    write('sub/raced.c', RACED)
    for cc in COMPILERS:
        out = must(goshawk('run', '-race', 'sub/raced.c', env={'CC': cc}), 66)
        check('WARNING: DATA RACE' in out.stderr, out.stderr)
        check(out.stderr.count('increment() ') >= 2 and 'raced.c:4' in out.stderr, out.stderr)
        must(goshawk('cc', '-race', 'sub/raced.c', '-o', 'raced', env={'CC': cc}))
        must(goshawk('run', '-race', 'raced'), 66)


def test_run_sets_seed_and_trace():
    write('a.c', '#include <goshawk.h>\n#include <stdio.h>\n#include <stdlib.h>\n'
                 'int go_main(int argc, char **argv) { (void)argc; (void)argv;\n'
                 '    puts(getenv("GOSHAWK_SEED")); return 0; }\n')
    out = must(goshawk('run', '-seed', '417', '-trace', 'a.gtrace', 'a.c'))
    check(out.stdout == '417\n', out)
    check(os.path.getsize('a.gtrace') > 0)
    must(goshawk('trace', 'check', 'a.gtrace'))


def test_run_reports_a_signal_as_128_plus_n():
    write('a.c', '#include <goshawk.h>\n#include <signal.h>\n'
                 'int go_main(int argc, char **argv) { (void)argc; (void)argv;\n'
                 '    raise(SIGKILL); return 0; }\n')
    out = must(goshawk('run', 'a.c'), 128 + 9)
    check(out.stderr == 'goshawk run: a: Killed\n', out.stderr)


def test_run_of_a_broken_program_fails_once():
    write('a.c', 'int go_main(int argc, char **argv) { return nosuch; }\n')
    out = must(goshawk('run', 'a.c', env={'TMPDIR': os.getcwd()}), 1)
    check("a.c:1" in out.stderr, out.stderr)
    check(os.listdir('.') == ['a.c'], os.listdir('.'))


def test_run_cleans_up_when_interrupted():
    write('a.c', WAITS)
    for sig in (signal.SIGINT, signal.SIGTERM):
        for to_group in (True, False):
            child = subprocess.Popen([GOSHAWK, 'run', 'a.c'], stdout=subprocess.PIPE, text=True,
                                     start_new_session=True,
                                     env=dict(os.environ, TMPDIR=os.getcwd()))
            program = child.stdout.readline().strip()
            check(os.path.exists(program), program)
            if to_group:
                os.killpg(child.pid, sig)
            else:
                child.send_signal(sig)
            check(child.wait(30) == 128 + sig, child.returncode)
            child.stdout.close()
            check(not glob.glob('goshawk-run-*'), os.listdir('.'))


def test_run_keeps_a_traced_program_for_its_symbols():
    write('a.c', HELLO)
    env = {'XDG_CACHE_HOME': os.path.abspath('cache'), 'TMPDIR': os.getcwd()}
    for _ in range(2):
        must(goshawk('run', '-trace', 'a.gtrace', 'a.c', env=env), 7)
    kept = glob.glob('cache/goshawk/run/*')
    check(len(kept) == 1 and os.listdir(kept[0]) == ['a'], kept)
    check(' put' in must(goshawk('trace', 'dump', 'a.gtrace')).stdout)
    os.utime(kept[0], (0, 0))
    must(goshawk('run', '-trace', 'a.gtrace', 'a.c', '--', 'x', env=env), 8)
    check(len(glob.glob('cache/goshawk/run/*')) == 1)
    write('b.c', OWN_MAIN)
    os.utime(kept[0], (0, 0))
    must(goshawk('run', '-trace', 'b.gtrace', 'b.c', env=env), 2)
    check([os.listdir(k) for k in glob.glob('cache/goshawk/run/*')] == [['b']])


# ---- installed ----


def test_installed_elsewhere():
    if not shutil.which('meson') or not shutil.which('pkg-config'):
        raise Skipped('meson or pkg-config is missing')
    out = subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir',
                          os.path.abspath('dest')], capture_output=True, text=True, check=False)
    must(out)
    command = glob.glob('dest/**/bin/goshawk', recursive=True)[0]
    prefix = os.path.abspath(os.path.dirname(os.path.dirname(command)))
    write('a.c', HELLO)
    for race in ([], ['-race']):
        subprocess.run([command, 'cc', *race, 'a.c', '-o', 'a'], check=True)
        run_program('./a', code=7)
    told = run_program(command, 'doctor').stdout
    check(re.search(r'^  ok +goshawk.h +' + re.escape(prefix), told, re.M), told)

    folder = os.path.dirname(glob.glob('dest/**/goshawk.pc', recursive=True)[0])
    for name in ('goshawk', 'goshawk-race'):
        flags = [subprocess.run(['pkg-config', '--define-variable=prefix=' + prefix, kind, name],
                                env=dict(os.environ, PKG_CONFIG_PATH=folder), text=True,
                                capture_output=True, check=True).stdout.split()
                 for kind in ('--cflags', '--libs')]
        for cc in COMPILERS:
            write('raced.c', RACED)
            must(subprocess.run([cc, '-g', *flags[0], 'raced.c', '-o', 'one', *flags[1]],
                                capture_output=True, text=True, check=False))
            must(subprocess.run([cc, '-g', *flags[0], '-c', 'raced.c'], capture_output=True,
                                text=True, check=False))
            must(subprocess.run([cc, 'raced.o', '-o', 'two', *flags[1]], capture_output=True,
                                text=True, check=False))
            for program in ('./one', './two'):
                run_program(program, code=66 if 'race' in name else 0)
    reader_installed(command, prefix, folder)


def reader_installed(command, prefix, folder):
    """Somebody else's program with the installed reader library, in C and in C++."""
    flags = [subprocess.run(['pkg-config', '--define-variable=prefix=' + prefix, kind,
                             'goshawk-trace'], env=dict(os.environ, PKG_CONFIG_PATH=folder),
                            text=True, capture_output=True, check=True).stdout.split()
             for kind in ('--cflags', '--libs')]
    subprocess.run([command, 'run', '-trace', 'a.gtrace', 'a.c'], check=False)
    told = run_program(command, 'trace', 'check', 'a.gtrace').stdout
    events = re.search(r'(\d+) events', told)[1]
    here = os.path.dirname(os.path.abspath(__file__))
    source = os.path.join(here, '../trace/third_party.c')
    languages = [[cc, '-x', 'c', '-std=c11'] for cc in COMPILERS]
    if shutil.which('g++'):
        languages.append(['g++', '-x', 'c++', '-std=c++11'])
    for language in languages:
        must(subprocess.run([*language, '-Wall', '-Wextra', '-Wpedantic', '-Werror', *flags[0],
                             source, '-x', 'none', '-o', 'reader', *flags[1]],
                            capture_output=True, text=True, check=False))
        out = run_program('./reader', 'a.gtrace').stdout
        check(re.fullmatch(events + r' events, [1-9]\d* created, ran [1-9]\d* ns\n', out), out)


def main():
    tests = {n[5:]: f for n, f in globals().items() if n.startswith('test_')}
    wanted = sys.argv[2:] or list(tests)
    print(f'1..{len(wanted)}')
    home, failed = os.getcwd(), 0
    os.environ.pop('CC', None)
    for number, name in enumerate(wanted, 1):
        with tempfile.TemporaryDirectory(prefix='goshawk-test-') as folder:
            os.chdir(folder)
            try:
                tests[name]()
                print(f'ok {number} {name}', flush=True)
            except Skipped as why:
                print(f'ok {number} {name} # SKIP {why}', flush=True)
            except Exception:  # the next test is to run whatever this one met
                failed += 1
                print(f'not ok {number} {name}')
                for line in traceback.format_exc().splitlines():
                    print(f'# {line}', flush=True)
            os.chdir(home)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
