"""What no file of the tree may hold: places of somebody's machine, registry hosts, notes to self, and too many lines."""
import re
import sys

import tree

LINES_MAX = 600
CODE = (".c", ".h", ".py", ".cmake", "CMakeLists.txt", "quickstart", ".ci/run")
NOT_OURS = ("LICENSE",)

# In pieces, so that this file does not find itself.
RULES = [
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b"), "a note to self; do it or write down why not"),
    (re.compile(r"(?<![\w.$}])/(wor" r"k|hom" r"e|roo" r"t|Use" r"rs)/"), "a place of one machine"),
    (re.compile(r"(?<![\w.$}])/tm" r"p/(?!headroom)\w"), "a place of one machine; a test's own begins with headroom"),
    (re.compile(r"\bfar" r"m-\w"), "a tool of one machine"),
    (re.compile(r"\b(pypi\.or" r"g|registry\.npmjs\.or" r"g|crates\.i" r"o|proxy\.golang\.or" r"g|"
                r"deb\.debian\.or" r"g|rubygems\.or" r"g|docker\.i" r"o|ghcr\.i" r"o)\b"), "a registry's host"),
]


def wrong_lines(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, why in RULES:
            match = pattern.search(line)
            if match:
                yield f"{path}:{number}: {match.group(0)}: {why}"


def check_file(path, text):
    findings = list(wrong_lines(path, text))
    lines = text.count("\n")
    if path.endswith(CODE) and lines > LINES_MAX:
        findings.append(f"{path}:{LINES_MAX + 1}: {lines} lines; a module has at most {LINES_MAX}")
    return findings


def self_test():
    breaches = ["// TO" "DO later", "see /wor" "k/main", "in /tm" "p/x.db", "far" "m-3", "https://pypi.or" "g/simple",
                'open("/hom' 'e/me/x")']
    innocent = ["/tmp/headroom-XXXXXX", "models/workload/plan.h", "$ROOT/work/x", "GET /healthz", "the farm - 3"]
    findings = [f"self-test: not found: {text}" for text in breaches if not check_file("a.c", text)]
    findings += [f"self-test: found: {text}" for text in innocent if check_file("a.c", text)]
    if not check_file("a.c", "x\n" * (LINES_MAX + 1)) or check_file("a.c", "x\n" * LINES_MAX):
        findings.append("self-test: the longest file")
    return findings


def check(root):
    findings = []
    for path in tree.files_of(root):
        if path not in NOT_OURS:
            findings += check_file(path, tree.read(root, path))
    return findings


if __name__ == "__main__":
    tree.report(self_test() + check(sys.argv[1]), "names")
