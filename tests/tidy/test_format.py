"""clang-format has nothing to say about any C file."""
import re
import shutil
import subprocess
import sys

import tree

FINDING = re.compile(r"^(.*?:\d+):\d+: (?:error|warning): code should be clang-formatted", re.M)


def check(root):
    sources = [path for path in tree.files_of(root) if path.endswith((".c", ".h"))]
    findings = []
    for first in range(0, len(sources), 50):
        run = subprocess.run(["clang-format", "--dry-run", "-Werror", *sources[first:first + 50]],
                             cwd=root, text=True, capture_output=True)
        if run.returncode == 0:
            continue
        places = FINDING.findall(run.stderr)
        seen = {}
        for place in places:  # the first line of each file, and how many more
            path, line = place.rsplit(":", 1)
            seen.setdefault(path, []).append(line)
        findings += [f"{path}:{lines[0]}: not formatted here and in {len(lines) - 1} more places; "
                     f"clang-format -i {path}" for path, lines in seen.items()]
        if not places:
            findings.append(run.stderr.strip())
    return findings


if __name__ == "__main__":
    if not shutil.which("clang-format"):
        print("clang-format is not here")
        sys.exit(tree.SKIPPED)
    tree.report(check(sys.argv[1]), "format")
