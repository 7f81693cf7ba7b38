#!/usr/bin/env python3
"""Makes an archive whose inner names cannot meet a program's.

    hide.py READELF OBJCOPY AR IN OUT [PREFIX]

The library's objects share functions with each other, chan_close() or text_init(), that a program
may have too: the linker would refuse the second one, or give the program's to the library.  A
symbol with hidden visibility is such a one.  It becomes _goshawk_NAME, a name that C reserves,
wherever IN's objects define it or ask for it; debuggers and reports go on to show the function's
name in the source.  Names with PREFIX are the library's own interface and stay.

Rejected: one relocatable object with the names made local.  A program would get the whole library,
and libgoshawk_trace.a, which shares objects with the others, would bring them a second time.
"""
import os
import subprocess
import sys


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, **more).stdout


def is_public(name, prefix):
    return prefix and name.removeprefix('__odr_asan.').startswith(prefix)


def hidden(readelf, archive, public):
    names = set()
    for line in run(readelf, '--wide', '--syms', archive).splitlines():
        words = line.split()  # number, value, size, type, binding, visibility, section, name
        if len(words) == 8 and words[4] in ('GLOBAL', 'WEAK') and words[5] == 'HIDDEN' and \
                words[6] != 'UND' and not is_public(words[7], public):
            names.add(words[7])
    return sorted(names)


def main():
    readelf, objcopy, ar, source, target, *public = sys.argv[1:]
    table = target + '.names'
    with open(table, 'w', encoding='ascii') as f:
        f.writelines(f'{name} _goshawk_{name}\n'
                     for name in hidden(readelf, source, public and public[0]))
    # IN may be a thin archive, which only says where its objects are.
    members = run(ar, 't', source).splitlines()
    whole = target + '.whole.a'
    if os.path.exists(whole):
        os.remove(whole)
    if os.path.exists(members[0]):
        run(ar, 'qcs', whole, *members)
    else:
        whole = source
    run(objcopy, '--redefine-syms=' + table, whole, target)
    os.remove(table)
    if whole != source:
        os.remove(whole)


if __name__ == '__main__':
    main()
