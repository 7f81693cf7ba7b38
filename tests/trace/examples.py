#!/usr/bin/env python3
"""The trace of a program passes check, at GOMAXPROCS=1, 2 and 8: examples.py GOSHAWK PROGRAM"""
import os
import subprocess
import sys
import tempfile

goshawk, program = map(os.path.abspath, sys.argv[1:3])
with tempfile.TemporaryDirectory(prefix='goshawk-trace-') as work:
    trace = os.path.join(work, 'x.gtrace')
    for procs in ('1', '2', '8'):
        env = dict(os.environ, GOMAXPROCS=procs, GOSHAWK_TRACE=trace)
        subprocess.run([program], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=60)
        p = subprocess.run([goshawk, 'trace', 'check', trace], capture_output=True, text=True,
                           timeout=60)
        print(p.stdout + p.stderr, end='')
        if p.returncode or 'nothing lost' not in p.stdout:
            sys.exit(f'GOMAXPROCS={procs} {program}: exit {p.returncode}')
        go = subprocess.run([goshawk, 'trace', 'export', '-f', 'go', trace, '-o', trace + '.go'],
                            capture_output=True, text=True, timeout=60)
        if go.returncode:
            sys.exit(go.stderr)
