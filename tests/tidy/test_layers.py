"""Every #include obeys the tables in docs/ARCHITECTURE.md: downwards only, paths from the root, own header first.

The tables are read from the page, so that the page cannot say one thing and the tree another. Before the tree, made-up
trees are checked that each break one rule: a test of rules that finds nothing must be known to find something.
"""
import os
import re
import sys
import tempfile

import tree

PAGE = "docs/ARCHITECTURE.md"
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]*) \|$", re.M)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def table_after(page, head):
    """Rows of the table whose head line is given, as {first cell: [names]}."""
    start = page.find(head)
    if start < 0:
        return {}
    table = page[start:].split("\n\n")[0]
    return {name: re.findall(r"`([^`]+)`", cell) or [cell.strip()] for name, cell in ROW.findall(table)}


def row_of(path, rows):
    """The deepest folder with a row that holds the file; None: there is none."""
    folder = os.path.dirname(path)
    while folder and folder not in rows:
        folder = os.path.dirname(folder)
    return folder or None


def is_within(path, folder):
    return path == folder or path.startswith(folder + "/")


def wrong_own(path, included, rows, paths):
    own = row_of(path, rows)
    if included not in paths:
        return f'"{included}" is not a path from the root'
    theirs = row_of(included, rows)
    if theirs == own or rows[own] == ["everything"]:
        return None
    if theirs in rows[own] or included in rows[own]:
        return None
    return f'{own} may not include "{included}"; it may include {", ".join(rows[own])}'


def wrong_foreign(path, header, foreign):
    if header not in foreign or any(is_within(path, place) for place in foreign[header]):
        return None
    return f'<{header}> has its place in {", ".join(foreign[header])}'


def wrong_first(path, includes, paths):
    own_header = path[:-2] + ".h"
    if not path.endswith(".c") or own_header not in paths or not includes:
        return None
    if os.path.dirname(includes[0][2]) == os.path.dirname(path):  # its own, or one of the folder that brings it
        return None
    return f'{path}:{includes[0][0]}: its own header, "{own_header}", comes first'


def includes_of(text):
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            found.append((number, match.group(1), match.group(2)))
    return found


def check(root):
    page = tree.read(root, PAGE)
    rows = table_after(page, "| folder | may include |")
    foreign = table_after(page, "| header from outside | only in |")
    if not rows or not foreign:
        return [f"{PAGE}: the tables of layers were not found"]
    paths = set(tree.files_of(root))
    findings = []
    for path in sorted(paths):
        if not path.endswith((".c", ".h", ".def")):
            continue
        if row_of(path, rows) is None:
            findings.append(f"{path}:1: {os.path.dirname(path) or 'the root'} has no row in {PAGE}")
            continue
        includes = includes_of(tree.read(root, path))
        for number, kind, name in includes:
            wrong = (wrong_own(path, name, rows, paths) if kind == '"'
                     else wrong_foreign(path, name, foreign))
            if wrong:
                findings.append(f"{path}:{number}: {wrong}")
        first = wrong_first(path, includes, paths)
        if first:
            findings.append(first)
    return findings


MADE_UP_PAGE = """
| folder | may include |
|---|---|
| `low` | nothing |
| `high` | `low` `side/side.h` |
| `side` | `low` |
| `top` | everything |

| header from outside | only in |
|---|---|
| `sqlite3.h` | `side` |
"""

GOOD_TREE = {
    PAGE: MADE_UP_PAGE,
    "low/a.h": "#include <stdint.h>\n",
    "low/a.c": '#include "low/a.h"\n',
    "high/rows/x.def": "",
    "high/b.c": '#include "low/a.h"\n#include "side/side.h"\n#include "high/rows/x.def"\n',
    "side/side.h": '#include "low/a.h"\n#include <sqlite3.h>\n',
    "side/inner.h": "",
    "top/c.c": '#include "high/rows/x.def"\n#include "side/inner.h"\n',
}

BREACHES = [
    ("low/a.h", '#include "high/rows/x.def"\n', "low/a.h:1: low may not include"),
    ("high/b.c", '\n#include "side/inner.h"\n', "high/b.c:2: high may not include"),
    ("side/side.h", '#  include "high/rows/x.def"\n', "side/side.h:1: side may not include"),
    ("high/b.c", '#include "b.h"\n', 'high/b.c:1: "b.h" is not a path from the root'),
    ("low/a.c", "#include <sqlite3.h>\n", "low/a.c:1: <sqlite3.h> has its place in side"),
    ("low/a.c", '#include <stdint.h>\n#include "low/a.h"\n', 'low/a.c:1: its own header, "low/a.h", comes first'),
    ("new/d.c", "", "new/d.c:1: new has no row"),
]


def check_made_up(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return check(root)


def self_test():
    findings = [f"self-test: a good tree: {finding}" for finding in check_made_up(GOOD_TREE)]
    for path, text, expected in BREACHES:
        found = check_made_up({**GOOD_TREE, path: text})
        if not any(finding.startswith(expected) for finding in found):
            findings.append(f"self-test: {expected!r} was not found, but {found}")
    return findings


if __name__ == "__main__":
    tree.report(self_test() + check(sys.argv[1]), "layers")
