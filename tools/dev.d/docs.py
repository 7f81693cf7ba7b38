#!/usr/bin/env python3
"""docs.py - reference pages from the public headers.

    docs.py --build DIR           DIR/docs: man3/NAME.3 for every public name, html/index.html
    docs.py --check --build DIR   every public name has a contract, every exported one a page
    docs.py --filter HEADER       the header as Doxygen likes it (its INPUT_FILTER)

A contract is the plain comment directly above a declaration or macro; declarations that follow
without a blank line or a comment of their own share it.  A comment behind a declaration on its line
is one too.  Names that end in _ (or in _2, _N) are not public.  The man pages are written here,
from the same entries; the HTML is Doxygen's.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
from typing import NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDE = os.path.join(ROOT, 'runtime/include')
HEADERS = os.path.join(INCLUDE, 'goshawk')

FUNCTION = re.compile(r'\b(go_\w+)\((?!\*)[^;]*;\s*$', re.S)
MACRO = re.compile(r'#define ((?:go|GO_)\w*)(\([^)]*\))?')
TYPE = re.compile(r'typedef .*?\b(go_\w+);', re.S)
SECTION = re.compile(r'^/\* ---- (.*?) ----')


class Entry(NamedTuple):
    header: str     # goshawk/chan.h
    name: str
    synopsis: str   # the declaration as a program sees it
    contract: str   # plain text, '' when there is none
    first: str      # name of the entry whose contract this one shares, or its own
    line: int


def comment_text(lines):
    """The text of a block comment, without its frame; code keeps its indentation."""
    text = '\n'.join(lines)
    text = re.sub(r'^\s*/\*+ ?', '', text)
    text = re.sub(r'\s*\*/\s*$', '', text)
    return '\n'.join(re.sub(r'^ ?\* ?', '', line).rstrip() for line in text.split('\n')).strip('\n')


def chunks(text):
    """('comment' | 'code' | 'blank', first line number, [line]) of a header, at the outer level."""
    lines, i = text.split('\n'), 0
    while i < len(lines):
        begin = i
        if not lines[i].strip():
            kind = 'blank'
        elif lines[i].startswith('/*'):
            kind = 'comment'
            while '*/' not in lines[i]:
                i += 1
        elif lines[i].startswith('#'):
            kind = 'code'
            while lines[i].endswith('\\'):
                i += 1
        else:
            kind = 'code'
            depth = lines[i].count('{') - lines[i].count('}')
            while i + 1 < len(lines) and (depth > 0 or not ends(lines[i])):
                i += 1
                depth += lines[i].count('{') - lines[i].count('}')
        yield kind, begin, lines[begin:i + 1]
        i += 1


def ends(line):
    """Whether a declaration can end with this line."""
    code = re.sub(r'/\*.*\*/', '', line).strip()
    return code.endswith((';', '}')) or code in ('GO_BEGIN_DECLS_', 'GO_END_DECLS_') or not code


def declared(lines):
    """(name, synopsis) of what a piece of code declares for programs, or None."""
    text = re.sub(r'/\*.*?\*/', '', '\n'.join(lines))
    text = re.sub(r'GO_API_\s*|\s*__attribute__\(\(.*?\)\)(?=;)', '', text).strip()
    macro = MACRO.match(text)
    if macro:
        name = macro[1]
        constant = re.fullmatch(r'\(?[\w"\'.()* -]+\)?', text[macro.end():].strip() or '?')
        synopsis = '#define ' + name + (macro[2] or '')
        if not macro[2] and constant:
            synopsis += ' ' + text[macro.end():].strip()
    elif TYPE.match(text):
        name, synopsis = TYPE.match(text)[1], text
        if '{' in text:
            public = [m.rstrip() for m in text.split('\n')[1:-1] if not re.search(r'_[;,\[]', m)]
            synopsis = text.split('{')[0] + '{\n' + ''.join(m + '\n' for m in public) + \
                ('    ...\n' if not public else '') + '} ' + name + ';'
    elif text.startswith(('struct', '#', '}', 'extern', 'GO_', 'static')):
        return None
    elif FUNCTION.search(text):
        names = re.findall(r'\b(go_\w+)\(', text)
        name = next((n for n in names if n != 'go_chan'), None)
        synopsis = re.sub(r'\s+', ' ', text)
    else:
        return None
    return None if name is None or re.search(r'_[\dN]?$', name) else (name, synopsis)


def entries_of(header):
    """(essay of the header, [Entry])"""
    with open(os.path.join(INCLUDE, header), encoding='utf-8') as f:
        text = f.read()
    essay, entries = '', []
    contract, first, seen = '', '', set()
    for kind, begin, lines in chunks(text):
        if kind == 'comment':
            if begin == 0:
                essay = comment_text(lines)
            contract, first = ('', '') if SECTION.match(lines[0]) else (comment_text(lines), '')
        elif kind == 'blank':
            contract, first = '', ''
        else:
            found = declared(lines)
            if not found or found[0] in seen:
                continue
            behind = re.search(r'/\*+<? ?(.*?) ?\*/\s*$', lines[-1]) if len(lines) == 1 else None
            if behind and not contract:
                entries.append(Entry(header, *found, behind[1], found[0], begin + 1))
            else:
                first = first or found[0]
                entries.append(Entry(header, *found, contract, first, begin + 1))
            seen.add(found[0])
    return essay, entries


def all_headers():
    return ['goshawk/' + n for n in sorted(os.listdir(HEADERS)) if n.endswith('.h')]


# ---- for Doxygen ----

def filtered(path):
    """The header with its contracts as documentation comments, and nothing that is not public."""
    header = os.path.relpath(os.path.abspath(path), INCLUDE)
    essay, entries = entries_of(header)
    rest = body_of(essay)[len(brief_of(essay)):].lstrip()
    out = [f'/** @file {header}', '@brief ' + capital(brief_of(essay)), '', rest, '*/']
    for e in entries:
        shown = re.sub(r'^(?!#)(.*)\bgo_chan\((\w+)\)', r'\1go_chan_of_\2', e.synopsis)
        out += ['/** ' + (e.contract or 'No contract.') + ' */',
                shown if shown.startswith('#') else shown.rstrip(';') + ';', '']
    return '\n'.join(out)


def brief_of(essay):
    return re.split(r'(?<=\.)\s', re.sub(r'^\S+ - ', '', essay).replace('\n', ' ') + ' ')[0]


def body_of(essay):
    return capital(re.sub(r'^\S+ - ', '', essay))


def capital(text):
    return text[:1].upper() + text[1:]


DOXYFILE = '''
PROJECT_NAME = Goshawk
PROJECT_BRIEF = "goroutines for C, with a race detector and a tracer built in"
PROJECT_NUMBER = {version}
INPUT = {main} {headers}
FILE_PATTERNS = *.h
USE_MDFILE_AS_MAINPAGE = {main}
INPUT_FILTER = "{python} {script} --filter"
FILTER_PATTERNS = *.md=cat
FILTER_SOURCE_FILES = NO
STRIP_FROM_PATH = {include}
STRIP_FROM_INC_PATH = {include}
OUTPUT_DIRECTORY = {out}
GENERATE_LATEX = NO
GENERATE_HTML = YES
HTML_EXTRA_STYLESHEET = {css}
HTML_COLORSTYLE_HUE = 205
HTML_COLORSTYLE_SAT = 60
HTML_TIMESTAMP = NO
GENERATE_TREEVIEW = YES
OPTIMIZE_OUTPUT_FOR_C = YES
ENABLE_PREPROCESSING = YES
MACRO_EXPANSION = NO
EXTRACT_ALL = NO
HIDE_UNDOC_MEMBERS = NO
SHOW_INCLUDE_FILES = NO
VERBATIM_HEADERS = NO
SOURCE_BROWSER = NO
HAVE_DOT = NO
JAVADOC_AUTOBRIEF = YES
ALWAYS_DETAILED_SEC = YES
SORT_MEMBER_DOCS = NO
TYPEDEF_HIDES_STRUCT = YES
MAX_INITIALIZER_LINES = 1
WARN_IF_UNDOCUMENTED = NO
WARN_NO_PARAMDOC = NO
QUIET = YES
'''

CSS = '''
div.contents { max-width: 62em; }
.memitem, div.fragment { max-width: 62em; }
#projectname { font-weight: 600; }
'''


def main_page(headers, version):
    """The landing page: the example, the headers, every name."""
    with open(os.path.join(INCLUDE, 'goshawk.h'), encoding='utf-8') as f:
        essay = comment_text(f.read().split('*/')[0].split('\n'))
    out = ['# Goshawk %s' % version, '', body_of(essay), '',
           'Each function has its contract here and as a man page (`man -l man3/NAME.3`).', '',
           '## Headers', '', 'All of them come with `#include <goshawk.h>`, but for those that say '
           'otherwise.', '', '| header | what it is for |', '|---|---|']
    for header, (about, _) in headers.items():
        brief = cell(capital(brief_of(about)))
        out.append(f'| @ref {os.path.basename(header)} "{header}" | {brief} |')
    out += ['', '## Every name', '', '| name | |', '|---|---|']
    for e in sorted((e for _, es in headers.values() for e in es), key=lambda e: e.name):
        out.append(f'| @ref {e.name} | {cell(brief_of(e.contract))} |')
    return '\n'.join(out) + '\n'


def cell(text):
    return text.replace('|', '\\|').replace('<', '&lt;')


def html(out, headers, version):
    """Runs Doxygen; returns its complaints."""
    work = os.path.join(out, 'work')
    os.makedirs(work, exist_ok=True)
    names = {n: os.path.join(work, n) for n in ('main.md', 'style.css', 'Doxyfile')}
    texts = {'main.md': main_page(headers, version), 'style.css': CSS, 'Doxyfile': DOXYFILE.format(
        version=version, main=names['main.md'], headers=HEADERS, python=sys.executable,
        script=os.path.abspath(__file__), include=INCLUDE, out=out, css=names['style.css'])}
    for name, text in texts.items():
        with open(names[name], 'w', encoding='utf-8') as f:
            f.write(text)
    done = subprocess.run(['doxygen', names['Doxyfile']], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise SystemExit('docs: doxygen failed:\n' + done.stderr)
    # what the filter has changed to a word that Doxygen takes for a type
    html_dir = os.path.join(out, 'html')
    for name in os.listdir(html_dir):
        if name.endswith('.html'):
            path = os.path.join(html_dir, name)
            with open(path, encoding='utf-8') as f:
                text = f.read()
            with open(path, 'w', encoding='utf-8') as f:
                f.write(re.sub(r'go_chan_of_(\w+)', r'go_chan(\1)', text))
    return [w for w in done.stderr.splitlines() if 'warning' in w]


# ---- man pages ----

def roff(text):
    text = text.replace('\\', '\\e').replace('-', '\\-')
    return '\n'.join('\\&' + l if l.startswith(('.', "'")) else l for l in text.split('\n'))


def roff_paragraphs(text):
    """Prose is filled, indented text is an example."""
    out = []
    for paragraph in re.split(r'\n\s*\n', text):
        lines = paragraph.split('\n')
        if all(l.startswith('    ') for l in lines):
            out += ['.PP', '.in +4n', '.EX', roff('\n'.join(l[4:] for l in lines)), '.EE', '.in']
        else:
            out += ['.PP', roff(re.sub(r'\s+', ' ', paragraph))]
    return out


def man_page(shared, siblings, essay, version):
    """The page of the entries that share a contract."""
    first = shared[0]
    out = [f'.TH "{first.name.upper()}" 3 "" "Goshawk {version}" "Goshawk"', '.SH NAME',
           ', '.join(e.name for e in shared) + ' \\- ' + roff(brief_of(first.contract)),
           '.SH SYNOPSIS', '.nf', '.B #include <goshawk.h>' if in_umbrella(first.header)
           else f'.B #include <{first.header}>', '']
    for e in shared:
        out += ['.B ' + line if line else '' for line in roff(e.synopsis).split('\n')]
    out += ['.fi', '.SH DESCRIPTION'] + roff_paragraphs(first.contract)[1:]
    out += ['.SH NOTES'] + roff_paragraphs(body_of(essay))[1:]
    others = [e.name for e in siblings if e.first != first.first]
    if others:
        out += ['.SH SEE ALSO', ',\n'.join(f'.BR {n} (3)' + (' ,' if n != others[-1] else '')
                                          for n in others).replace(' ,,', ' ,')]
    return '\n'.join(out) + '\n'


def in_umbrella(header):
    with open(os.path.join(INCLUDE, 'goshawk.h'), encoding='utf-8') as f:
        return f'#include <{header}>' in f.read()


def man(out, headers, version):
    """Writes the pages; returns how many."""
    folder = os.path.join(out, 'man3')
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    n = 0
    for essay, entries in headers.values():
        for first in dict.fromkeys(e.first for e in entries):
            shared = [e for e in entries if e.first == first]
            for e in shared:
                page = man_page(shared, entries, essay, version) if e.name == first \
                    else f'.so man3/{first}.3\n'
                with open(os.path.join(folder, e.name + '.3'), 'w', encoding='utf-8') as f:
                    f.write(page)
                n += 1
    return n


# ---- the check ----

def exported(library):
    table = '-g' if library.endswith('.a') else '-D'
    out = subprocess.run(['nm', table, '--defined-only', library], capture_output=True, text=True,
                         check=True).stdout
    return {l.split()[-1].split('@')[0] for l in out.splitlines() if l.strip()}


def check(build, headers):
    """Prints what is missing; returns how much."""
    findings = []
    entries = [e for _, es in headers.values() for e in es]
    for e in entries:
        if len(e.contract) < 2:
            findings.append(f'runtime/include/{e.header}:{e.line}: {e.name} has no contract')
    documented = {e.name for e in entries}
    symbols = exported(os.path.join(build, 'libgoshawk.so'))
    symbols |= {s for s in exported(os.path.join(build, 'libgoshawk_trace.a'))
                if s.startswith('go_trace_expect')}
    for name in sorted(symbols):
        if name.startswith('go_') and not name.endswith('_') and name not in documented:
            if not name.startswith('go_object_was_'):
                findings.append(f'{name} is exported, but no header declares it for programs')
    functions = {e.name for e in entries if not e.synopsis.startswith(('#', 'typedef'))}
    for name in sorted(functions - symbols - {'go_main'}):
        findings.append(f'{name} is declared, but the library has no such function')
    with open(os.path.join(ROOT, 'tests/run/api_names.txt'), encoding='utf-8') as f:
        for name in f.read().split():
            if name not in documented:
                findings.append(f'{name} is promised (tests/run/api_names.txt), but has no page')
    print('\n'.join(findings))
    print(f'docs: {len(entries)} public names, {len(findings)} findings')
    return len(findings)


def main():
    parser = argparse.ArgumentParser(description='reference pages from the public headers')
    parser.add_argument('--build', default=os.path.join(ROOT, 'build'))
    parser.add_argument('--check', action='store_true')
    parser.add_argument('--filter', metavar='HEADER')
    options = parser.parse_args()
    if options.filter:
        print(filtered(options.filter))
        return 0
    headers = {h: entries_of(h) for h in all_headers()}
    if options.check:
        return 1 if check(options.build, headers) else 0
    with open(os.path.join(HEADERS, 'base.h'), encoding='utf-8') as f:
        version = re.search(r'GO_VERSION "(.*?)"', f.read())[1]
    out = os.path.join(os.path.abspath(options.build), 'docs')
    os.makedirs(out, exist_ok=True)
    pages = man(out, headers, version)
    print(f'{pages} man pages: {out}/man3   (man -l {out}/man3/go_select_n.3)')
    if shutil.which('doxygen') is None:
        print('docs: doxygen is not installed: no HTML')
        return 0
    complaints = html(out, headers, version)
    print('\n'.join(complaints) + ('\n' if complaints else '') + f'HTML: {out}/html/index.html')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
