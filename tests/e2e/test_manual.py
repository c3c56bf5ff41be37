"""The manual pages say what --help says, and mandoc finds nothing wrong with them.

usage: test_manual.py HEADROOM SHARE_FOLDER
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import unittest

HEADROOM, SHARE = sys.argv[1], sys.argv[2]
PAGES = os.path.join(SHARE, "man", "man1")
OPTION = re.compile(r"^ +(?:-[\w?], +)?(--[a-z-]+)", re.M)
SKIPPED = 77
HAS_MANDOC = shutil.which("mandoc") is not None


def said(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout


def commands():
    listing = said(HEADROOM, "--help").split("\n\n")[2]
    return [line.split()[0] for line in listing.splitlines()]


def source(name):
    with open(os.path.join(PAGES, name + ".1"), encoding="utf-8") as file:
        return file.read()


class Manual(unittest.TestCase):
    def test_every_command_has_a_page_and_the_first_page_lists_it(self):
        overview = source("headroom").replace("\\-", "-")
        self.assertGreater(len(commands()), 10)
        for word in commands():
            self.assertIn(f"\n.BR headroom-{word} (1)\n", overview)
            self.assertTrue(os.path.exists(os.path.join(PAGES, f"headroom-{word}.1")), word)

    def test_a_page_has_every_option_of_help_and_no_other(self):
        programs = {f"headroom-{word}": (HEADROOM, word) for word in commands()}
        for name in ("headroom-gateway", "headroom-load"):
            programs[name] = (os.path.join(os.path.dirname(HEADROOM), name),)
        self.assertEqual(set(programs) | {"headroom"},
                         {os.path.basename(page)[:-2] for page in glob.glob(os.path.join(PAGES, "*.1"))})
        for name, words in programs.items():
            listed = set(OPTION.findall(said(*words, "--help"))) - {"--usage"}
            paged = set(re.findall(r"^(?:\\fB-\w\\fR, )?\\fB(--[a-z-]+)", source(name).replace("\\-", "-"), re.M))
            self.assertEqual(listed, paged, name)

    def test_the_first_page_has_every_exit_code_of_help(self):
        codes = re.findall(r"^ +(\d+)  (.*)$", said(HEADROOM, "--help"), re.M)
        self.assertIn(("99", "it does not"), codes)
        for code, meaning in codes:
            self.assertIn(f".TP\n.B {code}\n{meaning}\n", source("headroom"))

    @unittest.skipUnless(HAS_MANDOC, "mandoc is not installed")
    def test_mandoc_finds_nothing_wrong(self):
        pages = sorted(glob.glob(os.path.join(PAGES, "*.1")))
        lint = subprocess.run(["mandoc", "-T", "lint", *pages], capture_output=True, text=True, timeout=60)
        self.assertEqual((lint.stdout + lint.stderr, lint.returncode), ("", 0))

    @unittest.skipUnless(HAS_MANDOC, "mandoc is not installed")
    def test_an_example_keeps_its_lines(self):
        shown = said("mandoc", "-T", "ascii", os.path.join(PAGES, "headroom-sweep.1"))
        shown = re.sub(".\b", "", shown)
        self.assertRegex(shown, r"\n +sweep plan STUDY      the cells, their number")
        self.assertIn(' headroom sweep plan scenarios/studies/room-caps.json --where "size <= 100"\n', shown)


if __name__ == "__main__":
    result = unittest.main(argv=sys.argv[:1], exit=False).result
    if result.wasSuccessful() and not HAS_MANDOC:
        print("skipped: mandoc is not installed (Debian: mandoc)")
        sys.exit(SKIPPED)
    sys.exit(0 if result.wasSuccessful() else 1)
