"""refill.py - fills the paragraphs of block comments again that have a line beyond the limit.

A paragraph is a run of comment lines with one indentation; a list item ("- ...") begins a new one.
Only paragraphs that need it are touched, so tables and pictures stay as they are.
"""
import re
import textwrap

START = re.compile(r'^(\s*)(/\*|\*)( +)(- )?\S')
ITEM = re.compile(r'^\s*\* +- ')


def text_column(line):
    match = START.match(line)
    return len(match.group(1) + match.group(2) + match.group(3)) if match else -1


def continues(line, previous, column):
    return (not previous.rstrip().endswith('*/') and not ITEM.match(line) and
            re.match(r'^\s*\*', line) and not line.lstrip().startswith('*/') and
            text_column(line) == column)


def fill(paragraph, width):
    lead, star, gap, item = START.match(paragraph[0]).groups()
    margin = lead if star == '*' else lead + ' '
    text = ' '.join(re.sub(r'^\s*(/\*|\*) +', '', line).rstrip() for line in paragraph)
    # The two spaces after a full stop, and the end of the comment, stay with the word before.
    text = re.sub(r'([.:])  (?=\S)', '\\1\x01 ', text)
    text = re.sub(r'\s*\*/$', '\x02*/', text)
    lines = textwrap.wrap(text, width - len(margin) - 1 - len(gap), break_long_words=False,
                          break_on_hyphens=False, subsequent_indent='  ' if item else '')
    lines = [l.replace('\x01 ', '  ').replace('\x01', '').replace('\x02', ' ') for l in lines]
    return [(lead + star if i == 0 else margin + '*') + gap + l for i, l in enumerate(lines)]


def refill(text, width):
    lines, out, i = text.split('\n'), [], 0
    while i < len(lines):
        end = i + 1
        if START.match(lines[i]):
            column = text_column(lines[i]) + (2 if ITEM.match(lines[i]) else 0)
            while end < len(lines) and continues(lines[end], lines[end - 1], column):
                end += 1
        paragraph = lines[i:end]
        has_code = any('*/' in l and not l.rstrip().endswith('*/') for l in paragraph)
        too_long = any(len(l) > width for l in paragraph)
        out += fill(paragraph, width) if too_long and not has_code and START.match(lines[i]) \
            else paragraph
        i = end
    return '\n'.join(out)
