"""The rules that `headroom plan --prometheus` writes, judged by Prometheus' own promtool; and their tests, which must fail when
a rule is spoilt.

Needs promtool of the Debian package prometheus. Without it it is skipped, aloud.

usage: test_rules.py HEADROOM SOURCE_DIR
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SKIPPED = 77
HEADROOM, SOURCE = sys.argv[1], sys.argv[2]
WORKED = os.path.join(SOURCE, "scenarios", "worked-example.json")
COSTS = ("--profile", os.path.join(SOURCE, "scenarios", "profiles", "worked-example.json"))
TWO_NODES = ("--set", "traffic.messages.rate.poisson=800/s in all", "--set", "window.measure=2s")
LOSING = ("--set", "objectives.lost_share=0.02")


class Rules(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="headroom-rules-")
        with open(self.path("certain.json"), "w", encoding="utf-8") as file:
            json.dump({"extends": WORKED, "plan": {"uncertain": {"rate": None, "size": None, "active": None}}}, file)

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def plan(self, *words):
        subprocess.run([HEADROOM, "plan", "certain.json", *COSTS, *TWO_NODES, *words, "-q", "--reps", "1", "--prometheus", "rules.yml"], cwd=self.folder.name,
                       check=True, capture_output=True, timeout=300)

    def promtool(self, *words):
        return subprocess.run(["promtool", *words], cwd=self.folder.name, capture_output=True, text=True, timeout=60)

    def assert_good(self):
        checked = self.promtool("check", "rules", "rules.yml")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        tested = self.promtool("test", "rules", "rules.test.yml")
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)

    def test_promtool_accepts_rules_and_their_tests(self):
        for words in ((), LOSING):
            self.plan(*words)
            self.assert_good()

    def test_each_rule_that_is_spoilt_fails_its_tests(self):
        self.plan()
        with open(self.path("rules.yml"), encoding="utf-8") as file:
            rules = file.read()
        alerts = re.findall(r"(- alert: \w+\n        expr: '[^']+) ([<>]) ([^']+)'", rules)
        self.assertEqual(len(alerts), 8)
        for before, sign, limit in alerts:
            spoilt = rules.replace(f"{before} {sign} {limit}'", f"{before} {'<' if sign == '>' else '>'} {limit}'")
            self.assertNotEqual(spoilt, rules)
            with open(self.path("rules.yml"), "w", encoding="utf-8") as file:
                file.write(spoilt)
            self.assertNotEqual(self.promtool("test", "rules", "rules.test.yml").returncode, 0, before)


if __name__ == "__main__":
    if not shutil.which("promtool"):
        print("not installed: promtool, of the Debian package prometheus")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1], verbosity=2)
