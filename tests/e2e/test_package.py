"""The Debian package: built by cpack, unpacked by dpkg-deb, and run from there; nothing of it is taken from the build.

usage: test_package.py BUILD_FOLDER
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = sys.argv[1]
SKIPPED = 77
TOOLS = {"cpack": "cmake", "dpkg-deb": "dpkg", "dpkg-shlibdeps": "dpkg-dev"}


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=250, **options)


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="headroom-package-")
        made = run("cpack", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", cls.folder.name, "-G", "DEB",
                   "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip", "-D", "CPACK_COMPONENTS_ALL=headroom")
        assert made.returncode == 0, made.stdout + made.stderr
        packages = [name for name in os.listdir(cls.folder.name) if name.startswith("headroom_") and name.endswith(".deb")]
        assert len(packages) == 1, packages
        cls.package = os.path.join(cls.folder.name, packages[0])
        cls.root = os.path.join(cls.folder.name, "root")
        unpacked = run("dpkg-deb", "--extract", cls.package, cls.root)
        assert unpacked.returncode == 0, unpacked.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, *parts):
        return os.path.join(self.root, "usr", *parts)

    def headroom(self, *words):
        return run(self.path("bin", "headroom"), *words, cwd=self.folder.name)

    def test_it_names_what_it_needs(self):
        fields = run("dpkg-deb", "--field", self.package).stdout
        self.assertRegex(fields, r"(?m)^Package: headroom$")
        for library in ("libc6", "libgsl", "libsqlite3-0", "libcjson1", "libwslay1", "libmnl0"):
            self.assertRegex(fields, rf"(?m)^Depends: .*\b{library}")

    def test_everything_is_under_usr_and_belongs_to_root(self):
        listing = run("dpkg-deb", "--contents", self.package).stdout.splitlines()
        self.assertGreater(len(listing), 50)
        for line in listing:
            self.assertRegex(line, r"^[-dl]\S+ root/root +\d+ \S+ \S+ \./(usr/.*)?$")

    def test_the_programs_run_from_where_they_were_unpacked(self):
        version = self.headroom("--version")
        self.assertRegex(version.stdout, r"^headroom \d+\.\d+\.\d+\n$")
        scenario = self.path("share", "headroom", "scenarios", "lobby.json")
        done = self.headroom("run", scenario, "--set", "window.measure=1s", "--json")
        self.assertIn(done.returncode, (0, 96, 99), done.stderr)
        self.assertGreater(json.loads(done.stdout)["deliveries"], 1000)
        for name in ("headroom-gateway", "headroom-load"):
            self.assertEqual(run(self.path("bin", name), "--help").returncode, 0)

    def test_every_scenario_that_is_installed_is_right(self):
        scenarios = self.path("share", "headroom", "scenarios")
        cases = [os.path.join(scenarios, "cases", name) for name in os.listdir(os.path.join(scenarios, "cases"))]
        done = self.headroom("validate", os.path.join(scenarios, "worked-example.json"), *cases)
        self.assertEqual(done.returncode, 0, done.stderr)
        profile = os.path.join(scenarios, "profiles", "worked-example.json")
        planned = self.headroom("sweep", "plan", os.path.join(scenarios, "studies", "room-caps.json"), "--profile", profile,
                                "--json")
        self.assertEqual(planned.returncode, 0, planned.stderr)

    def test_manual_completion_and_schema_are_where_they_are_looked_for(self):
        for parts in (("man", "man1", "headroom-run.1"), ("bash-completion", "completions", "headroom"),
                      ("headroom", "schema", "scenario.schema.json"), ("doc", "headroom", "copyright")):
            self.assertTrue(os.path.exists(self.path("share", *parts)), parts)

    def test_the_report_is_drawn_where_its_page_was_built(self):
        if not os.path.exists(os.path.join(BUILD, "share", "headroom", "page.html")):
            self.skipTest("built without npm")
        scenario = self.path("share", "headroom", "scenarios", "lobby.json")
        self.headroom("run", scenario, "--set", "window.measure=1s", "--db", "runs.db")
        done = self.headroom("report", "runs.db", "--out", "report.html")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    missing = [f"{tool} (Debian: {package})" for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        print("not installed: " + ", ".join(missing))
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1], verbosity=2)
