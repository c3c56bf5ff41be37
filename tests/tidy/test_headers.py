"""Every header compiles alone: what it needs, it includes itself."""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

import tree

FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Wno-unused", "-Werror", "-x", "c", "-"]


def compile_alone(compiler, root, header):
    # Twice, so that a header without a guard is found as well.
    source = f'#include "{header}"\n#include "{header}"\n'
    run = subprocess.run([compiler, "-I", root, *FLAGS], input=source, text=True, capture_output=True)
    if run.returncode == 0:
        return None
    first = next((line for line in run.stderr.splitlines() if ": error:" in line), run.stderr.strip())
    return f"{header}:1: does not compile alone: {first}"


def check(compiler, root):
    headers = [path for path in tree.files_of(root) if path.endswith(".h")]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        found = pool.map(lambda header: compile_alone(compiler, root, header), headers)
    return [finding for finding in found if finding]


def self_test(compiler):
    with tempfile.TemporaryDirectory() as root:
        for name, text in {"good.h": "#ifndef G\n#define G\n#include <stdint.h>\nstruct g { int32_t x; };\n#endif\n",
                           "needy.h": "#ifndef N\n#define N\nint32_t f(void);\n#endif\n",
                           "unguarded.h": "struct u { int x; };\n"}.items():
            with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                file.write(text)
        found = [finding.split(":")[0] for finding in check(compiler, root)]
    return [] if found == ["needy.h", "unguarded.h"] else [f"self-test: found {found}"]


if __name__ == "__main__":
    if not shutil.which(sys.argv[2]):
        print(f"{sys.argv[2]} is not here")
        sys.exit(tree.SKIPPED)
    tree.report(self_test(sys.argv[2]) + check(sys.argv[2], sys.argv[1]), "headers")
