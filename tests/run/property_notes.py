#!/usr/bin/env python3
"""The assembly promises nothing that it does not keep.

    property_notes.py COMPILER WORK_DIR STATIC_LIBRARY SHARED_LIBRARY

What is linked with ours must lose the marks for shadow stacks, indirect-branch tracking (x86-64)
and branch target identification (AArch64): a context switch changes stacks without the shadow
stack, and goes on at addresses that are no landing pads.
"""
import os
import subprocess
import sys

BITS = ('SHSTK', 'IBT', 'BTI', 'GCS')
def notes(path):
    return subprocess.run(['readelf', '-n', path], capture_output=True, text=True,
                          check=True).stdout


def switch_object(library, work):
    """The assembly's object, taken out of the library."""
    names = subprocess.run(['ar', 't', library], capture_output=True, text=True, check=True).stdout
    name, = [n for n in names.split() if 'switch_' in n and '.S.' in n]
    path = os.path.join(work, 'switch.o')
    with open(path, 'wb') as f:
        subprocess.run(['ar', 'p', library, name], stdout=f, check=True)
    return path


def main():
    compiler, work, static, shared = sys.argv[1:]
    os.makedirs(work, exist_ok=True)
    source, marked, both = (os.path.join(work, n) for n in ('p.c', 'p.o', 'both.o'))
    with open(source, 'w', encoding='utf-8') as f:
        f.write('int f(int (*g)(void)) { return g() + 1; }\n')
    machine = subprocess.run([compiler, '-dumpmachine'], capture_output=True, text=True,
                             check=True).stdout
    protect = '-fcf-protection=full' if machine.startswith('x86_64') else \
        '-mbranch-protection=standard'
    subprocess.run([compiler, protect, '-c', source, '-o', marked], check=True)
    if not any(bit in notes(marked) for bit in BITS):
        print('SKIP: the compiler marks nothing with ' + protect)
        return 77
    subprocess.run(['ld', '-r', '-o', both, marked, switch_object(static, work)], check=True)
    failures = 0
    for path in both, shared:
        promised = [bit for bit in BITS if bit in notes(path)]
        if promised:
            failures += 1
            print(f'FAIL {path} promises {" ".join(promised)}')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
