"""What the tests of `headroom sweep` share: a small scenario, a study over it, and the program in a folder of its own."""
import json
import os
import sqlite3
import subprocess
import tempfile
import unittest

from small_scenario import SMALL

# 4 sizes x 3 rates less the 2 that the constraint takes x 2 seeds = 20 runs a replication
STUDY = """{
  "name": "caps",
  "scenario": "small.json",
  "axes": {
    "size": { "field": "rooms.r.size.constant", "values": [2, 5, 10, 20] },
    "rate": { "field": "traffic.t.rate.poisson", "from": "1/s per room", "to": "25/s per room", "steps": 3, "spacing": "log" }
  },
  "where": "size > 2 or rate < '5/s per room'",
  "seeds": [1, 18446744073709551615]
}"""
CELLS, RUNS = 10, 20


class SweepCase(unittest.TestCase):
    HEADROOM = None  # set by whoever runs the tests

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="headroom-sweep-")
        self.write("small.json", SMALL)
        self.write("study.json", STUDY)

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def sweep(self, *words, env=None):
        return subprocess.run([self.HEADROOM, "sweep", *words], cwd=self.folder.name, capture_output=True, text=True,
                              timeout=300, env={**os.environ, **(env or {})})

    def answer(self, *words, code=0, env=None):
        done = self.sweep(*words, "--json", env=env)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def rows(self, sql, db="headroom.db"):
        store = sqlite3.connect(self.path(db))
        try:
            return store.execute(sql).fetchall()
        finally:
            store.close()

    def whole(self):
        """The fingerprint of the whole study, from one process and one thread."""
        return self.answer("run", "study.json", "--jobs", "1", "--db", "whole.db")["fingerprint"]
