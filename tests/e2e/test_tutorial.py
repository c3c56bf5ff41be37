"""Pages do what they say: each command in a page's console blocks is run, in order, in one fresh folder beside a copy of
scenarios/, and what it prints and its exit code are compared with what the page shows ("..." stands for anything).

A command of a package that is not installed (promtool) is left out, aloud, and the test then counts as skipped.

usage: test_tutorial.py HEADROOM SOURCE_DIR PAGE...
"""
import doctest
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SKIPPED = 77
HEADROOM, SOURCE, PAGES = sys.argv[1], sys.argv[2], sys.argv[3:]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
EXIT_CODE = re.compile(r"\(exit code (\d+)\)\n\Z")
MISSING = set()


def commands_of(page):
    """(command, expected output, expected exit code) of each console block, in order."""
    found = []
    for block in BLOCK.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            code = EXIT_CODE.search(output)
            found.append((command, EXIT_CODE.sub("", output), int(code.group(1)) if code else 0))
    return found


class Pages(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="headroom-tutorial-")
        shutil.copytree(os.path.join(SOURCE, "scenarios"), os.path.join(self.folder.name, "scenarios"))
        self.environment = {**os.environ, "PATH": os.path.dirname(HEADROOM) + os.pathsep + os.environ["PATH"]}

    def tearDown(self):
        self.folder.cleanup()

    def test_each_command_prints_what_the_page_shows(self):
        for page in PAGES:
            with open(os.path.join(SOURCE, page), encoding="utf-8") as file:
                commands = commands_of(file.read())
            self.assertGreater(len(commands), 2, page)
            self.check(commands)

    def check(self, commands):
        for command, expected, code in commands:
            program = command.split()[0]
            if program != "headroom" and not shutil.which(program):
                MISSING.add(program)
                continue
            done = subprocess.run(command, shell=True, cwd=self.folder.name, env=self.environment, capture_output=True, text=True,
                                  timeout=120, check=False)
            self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}{done.stderr}")
            right = doctest.OutputChecker().check_output(expected, done.stdout, doctest.ELLIPSIS)
            self.assertTrue(right, f"{command}\n--- the page\n{expected}--- the program\n{done.stdout}")

    def test_what_the_page_says_otherwise_would_be_found(self):
        page = "```console\n$ true\nnothing\n(exit code 3)\n$ false\n```\n"
        self.assertEqual(commands_of(page), [("true", "nothing\n", 3), ("false", "", 0)])
        self.assertFalse(doctest.OutputChecker().check_output("a\n...\nc\n", "a\nb\nd\n", doctest.ELLIPSIS))


if __name__ == "__main__":
    result = unittest.main(argv=sys.argv[:1], verbosity=2, exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    if MISSING:
        print("everything else ran; not installed:", ", ".join(sorted(MISSING)))
        sys.exit(SKIPPED)
