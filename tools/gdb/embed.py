#!/usr/bin/env python3
"""embed.py - goshawk-gdb.py as assembly, for runtime/gdb.c.

    embed.py SCRIPT OUTPUT

Section .debug_gdb_scripts, entry of kind 4: a name, a newline, the text, a zero byte.  Such a
section is not loaded into memory.
"""
import json
import sys


def ascii_line(line):
    return '.ascii "' + line.replace('\\', '\\\\').replace('"', '\\"') + '\\n"\n'


def main():
    lines = open(sys.argv[1], encoding='ascii').read().splitlines()
    parts = ['.pushsection ".debug_gdb_scripts", "MS", %progbits, 1\n', '.byte 4\n',
             ascii_line('goshawk-gdb.py')]
    parts += [ascii_line(line) for line in lines]
    parts += ['.byte 0\n', '.popsection\n']
    with open(sys.argv[2], 'w', encoding='ascii') as out:
        out.write('/* made by embed.py */\n__asm__(')
        out.write('\n'.join(json.dumps(p) for p in parts))
        out.write(');\n')


main()
