#!/usr/bin/env python3
"""embed.py - puts the page's sources together and writes them as a C file.

    embed.py OUT.c page.html page.css FILE.js...

The page is cut at @DATA@: the command writes page_head, the trace's data, page_tail.  A script
that holds "</script" would end itself early, so it is refused here."""
import re
import sys


def array(name, text):
    data = text.encode()
    rows = [data[i:i + 24] for i in range(0, len(data), 24)]
    body = "\n".join("    " + "".join("%d," % b for b in row) for row in rows)
    return "const unsigned char %s[] = {\n%s\n};\nconst size_t %s_len = sizeof(%s);\n" % (
        name, body, name, name)


def main():
    out, html, css, *scripts = sys.argv[1:]
    read = lambda path: open(path, encoding="utf-8").read()
    script = "\n".join(read(path) for path in scripts)
    if re.search(r"</script|<!--", script, re.I):
        sys.exit("embed.py: a script holds </script or <!--")
    page = read(html).replace("@STYLE@", read(css).rstrip()).replace("@SCRIPT@", script.rstrip())
    head, tail = page.split("@DATA@")
    with open(out, "w", encoding="utf-8") as f:
        f.write("/* Made by embed.py from the page's sources. */\n#include \"page.h\"\n\n")
        f.write(array("page_head", head) + "\n" + array("page_tail", tail))


main()
