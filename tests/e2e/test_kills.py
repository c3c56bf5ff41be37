"""Sweeps that are killed: kill -9 at random moments, gone on with each time, until so many kills have been survived.

What was seen committed is there after the kill, to the byte; the file is sound; and the study ends with the fingerprint and the rows of
one that nobody disturbed. What a kill leaves is looked at in a copy, so that the next start finds the log as the kill left it and
recovers it by itself.

usage: test_kills.py HEADROOM [KILLS [SEED]]     default: 6 kills of a sweep, and a quarter as many of merges
"""
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
import unittest

from sweep_case import RUNS, SweepCase

KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 6
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 2385
SweepCase.HEADROOM = sys.argv[1]
REPS = str(2 * KILLS)  # so that a sweep is about over when its kills are
ALL = 2 * KILLS * RUNS
RESULTS = {"metrics": "name, value, low, high, unit, text", "resources": "name, used, most, unit", "histograms": "name, unit, image",
           "series": "name, unit, step_ns, doubles"}


def committed(store):
    """What an open store has: {run: (address, state, fingerprint)}."""
    if store.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'runs'").fetchone()[0] == 0:
        return {}
    return {row[0]: row[1:] for row in store.execute("SELECT id, address, state, fingerprint FROM runs")}


def digest(store, run):
    parts = hashlib.sha256()
    for table, columns in RESULTS.items():
        for row in store.execute(f"SELECT {columns} FROM {table} WHERE run = ? ORDER BY name", (run,)):
            parts.update(repr(row).encode())
    return parts.hexdigest()


def ends_in_a_commit(log):
    """Whether a write-ahead log ends where a transaction does (sqlite.org/fileformat2.html#walformat)."""
    with open(log, "rb") as file:
        header = file.read(32)
        if len(header) < 32:
            return True
        page_bytes, salts, whole = struct.unpack(">I", header[8:12])[0], header[16:24], True
        while True:
            frame = file.read(24 + page_bytes)
            if len(frame) < 24 + page_bytes or frame[8:16] != salts:
                return whole and len(frame) in (0, 24 + page_bytes)
            whole = frame[4:8] != bytes(4)  # the database's size after a commit, else 0


class Kills(SweepCase):
    def setUp(self):
        super().setUp()
        self.draw = random.Random(SEED)
        self.kills = self.in_a_commit = self.before_any = 0
        self.known = {}  # by run: all that was seen committed, and its digest

    def start(self, *words):
        return subprocess.Popen([self.HEADROOM, "sweep", *words], cwd=self.folder.name, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def timed(self, *words):
        begun = time.monotonic()
        answer = self.answer(*words)
        return answer, time.monotonic() - begun

    def look(self, db):
        """What another process sees of the store at this moment."""
        if not os.path.exists(self.path(db)):
            return {}
        store = sqlite3.connect(self.path(db), timeout=30)
        try:
            return committed(store)
        finally:
            store.close()

    def wait_for(self, process, db, count):
        """Until so many runs are committed, or the process has ended."""
        while process.poll() is None and len(self.look(db)) < count:
            time.sleep(0.004)

    def kill(self, db, words, count=0, delay_s=0.0):
        """When so many runs are committed, and a moment later. Returns what was seen committed right before the kill."""
        process = self.start(*words)
        self.wait_for(process, db, count)
        time.sleep(delay_s)
        seen = self.look(db) if process.poll() is None else {}
        process.kill()
        stderr = process.communicate(timeout=60)[1].decode()
        self.assertIn(process.returncode, (0, -signal.SIGKILL), stderr)
        is_killed = process.returncode == -signal.SIGKILL
        self.kills += is_killed
        if is_killed and self.kills % 10 == 0:
            print(self.kills, end=" ", file=sys.stderr, flush=True)
        return seen

    def check_what_is_left(self, db, seen):
        """Returns the number of runs."""
        if not os.path.exists(self.path(db)):
            self.assertEqual(seen, {})
            return 0
        for ending in ("", "-wal"):
            if os.path.exists(self.path("copy.db" + ending)):
                os.remove(self.path("copy.db" + ending))
            if os.path.exists(self.path(db + ending)):
                shutil.copy(self.path(db + ending), self.path("copy.db" + ending))
        if os.path.exists(self.path("copy.db-wal")):
            self.in_a_commit += not ends_in_a_commit(self.path("copy.db-wal"))
        store = sqlite3.connect(self.path("copy.db"))
        try:
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(store.execute("PRAGMA foreign_key_check").fetchall(), [])
            now = committed(store)
            self.before_any += len(now) == len(self.known)
            self.compare(store, now, seen)
            return len(now)
        finally:
            store.close()

    def compare(self, store, now, seen):
        self.assertEqual({state for _, state, _ in now.values()} - {"done"}, set())
        self.assertEqual(len({address for address, _, _ in now.values()}), len(now))
        for run, (row, was) in self.known.items():
            self.assertEqual(now.get(run), row)
        for run, row in seen.items():
            self.assertEqual(now.get(run), row)
        for run in now.keys() - self.known.keys():
            self.known[run] = (now[run], digest(store, run))

    def forget(self, db):
        for ending in ("", "-wal", "-shm"):
            if os.path.exists(self.path(db + ending)):
                os.remove(self.path(db + ending))
        self.known = {}

    def check_it_is_that_of(self, whole, db):
        """The store at the end: what was ever seen is as it was, and every row is that of the undisturbed one."""
        store = sqlite3.connect(self.path(db))
        try:
            for run, (row, was) in self.known.items():
                self.assertEqual(digest(store, run), was)
            store.execute("ATTACH ? AS whole", (self.path(whole),))
            for table, columns in RESULTS.items():
                rows = f"SELECT address, {columns} FROM %s.{table} JOIN %s.runs ON id = run"
                ours, theirs = rows % ("main", "main"), rows % ("whole", "whole")
                for sql in (f"{ours} EXCEPT {theirs}", f"{theirs} EXCEPT {ours}"):
                    self.assertEqual(store.execute(f"SELECT count(*) FROM ({sql})").fetchone(), (0,), table)
            self.assertEqual(store.execute("SELECT count(*), count(DISTINCT address) FROM runs").fetchone(), (ALL, ALL))
        finally:
            store.close()

    def test_a_sweep_that_is_killed_at_any_moment_loses_nothing_and_ends_with_the_same_fingerprint(self):
        words = ("run", "study.json", "--reps", REPS)
        whole, whole_s = self.timed(*words, "--db", "whole.db")
        again, survived = 0, 0
        while self.kills < KILLS:
            more = self.draw.choice((0, 1, 1, 1)) * self.draw.randrange(2 * ALL // KILLS)  # 0: while it starts
            seen = self.kill("headroom.db", words, len(self.known) + more, self.draw.uniform(0, 0.05))
            survived += len(seen)
            if self.check_what_is_left("headroom.db", seen) == ALL:  # done before the kills were: from the start again
                self.assertEqual(self.answer("show", "study.json", "--reps", REPS)["fingerprint"], whole["fingerprint"])
                self.check_it_is_that_of("whole.db", "headroom.db")
                self.forget("headroom.db")
                again += 1
                self.assertLess(again, KILLS)
        left = ALL - len(self.known)
        self.assertEqual(self.answer("resume", "study.json", "--reps", REPS)["fingerprint"], whole["fingerprint"])
        self.check_it_is_that_of("whole.db", "headroom.db")
        print(f"\n  seed {SEED}: {self.kills} kills of a sweep of {ALL} runs ({whole_s:.1f} s undisturbed), {self.before_any} before it had "
              f"committed anything new, {self.in_a_commit} in the middle of a commit; begun again {again} times, {left} runs left for the "
              f"last resume; {survived} times a run was seen committed right before a kill, and each was there after it")

    def test_shares_and_merges_that_are_killed_end_with_the_same_fingerprint(self):
        whole = self.answer("run", "study.json", "--reps", REPS, "--db", "whole.db")["fingerprint"]
        shares = ["all.1-of-2.db", "all.2-of-2.db"]
        for number, share in enumerate(shares, 1):
            words = ("run", "study.json", "--reps", REPS, "--db", "all.db", "--shard", f"{number}/2")
            self.check_what_is_left(share, self.kill(share, words, self.draw.randrange(ALL // 2), self.draw.uniform(0, 0.05)))
            self.answer(*words)
            self.assertEqual(self.check_what_is_left(share, {}), ALL // 2)
            self.known = {}
        self.kills = self.in_a_commit = 0
        merge_s = self.timed("merge", *shares, "--db", "trial.db")[1]
        for _ in range(max(1, KILLS // 4)):
            seen = self.kill("all.db", ("merge", *shares, "--db", "all.db"), delay_s=self.draw.uniform(0, merge_s))
            self.assertIn(self.check_what_is_left("all.db", seen), (0, ALL // 2, ALL))  # all of a file, or nothing
            if self.known:
                self.answer("merge", *shares, "--db", "all.db")
                self.assertEqual(self.answer("show", "study.json", "--reps", REPS, "--db", "all.db")["fingerprint"], whole)
                self.check_it_is_that_of("whole.db", "all.db")
                self.forget("all.db")
        self.answer("merge", *shares, "--db", "all.db")
        self.assertEqual(self.answer("show", "study.json", "--reps", REPS, "--db", "all.db")["fingerprint"], whole)
        self.check_it_is_that_of("whole.db", "all.db")
        print(f"\n  seed {SEED}: {self.kills} kills of a merge of {ALL} runs ({merge_s:.2f} s undisturbed), {self.in_a_commit} in the middle "
              f"of a commit")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
