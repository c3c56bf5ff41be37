"""`headroom sweep` as a user meets it: planned, run, stopped, resumed, shared out and merged, always with one fingerprint.

usage: test_sweep.py HEADROOM     test_kills.py has what is killed
"""
import glob
import json
import os
import signal
import subprocess
import sys
import time
import unittest

from sweep_case import CELLS, RUNS, STUDY, SweepCase

SweepCase.HEADROOM = sys.argv[1]


class Sweep(SweepCase):
    def test_a_plan_has_the_cells_their_number_and_a_measured_time_and_then_nothing_is_lost(self):
        plan = self.answer("plan", "study.json")
        self.assertEqual((plan["cells_count"], plan["left_out"], plan["runs_count"]), (CELLS, 2, RUNS))
        self.assertEqual(plan["cells"][0]["values"], {"size": 2, "rate": "1/s per room"})
        self.assertEqual(plan["cells"][-1]["values"], {"size": 20, "rate": "25/s per room"})
        self.assertEqual(plan["expected_s"]["from_runs"], 3)  # probes, which are kept
        self.assertGreater(plan["expected_s"]["value"], 0)
        self.assertEqual(plan["runs_missing"], RUNS - 3)
        self.assertEqual(self.answer("run", "study.json")["fingerprint"], self.whole())
        self.assertEqual(self.rows("SELECT count(*) FROM runs"), [(RUNS,)])
        again = self.answer("plan", "study.json")
        self.assertEqual((again["runs_missing"], again["expected_s"]["from_runs"]), (0, RUNS))
        text = self.sweep("plan", "study.json", "--where", "size = 5", "--db", "other.db").stdout
        self.assertIn("caps: 3 cells (9 more are left out by constraints) x 2 seeds x 1 replications = 6 runs", text)
        self.assertIn("expected time: ", text)

    def test_every_study_that_ships_can_be_planned(self):
        studies = glob.glob(os.path.join(os.path.dirname(__file__), "..", "..", "scenarios", "studies", "*.json"))
        self.assertGreater(len(studies), 0)
        for study in studies:
            self.assertGreater(self.answer("plan", study)["runs_count"], 0)

    def test_a_study_of_ceilings_has_one_in_each_cell_and_runs_beside_it_are_others(self):
        self.write("ceilings.json", STUDY.replace('"name"', '"quantity": "ceiling", "name"').replace("[1, 18446744073709551615]", "[1]"))
        study = self.answer("run", "ceilings.json", "--reps", "2")
        self.assertEqual((study["quantity"], study["runs_missing"], study["runs_count"]), ("ceiling", 0, RUNS))
        by_rate = {}
        for cell in study["cells"]:
            found = cell["metrics"]["ceiling.active"]
            self.assertEqual(cell["verdicts"]["holds"], 2)
            self.assertTrue(found["low"] < found["value"] < found["high"])
            by_rate.setdefault(cell["values"]["rate"], []).append(found["value"])
        for ceilings in by_rate.values():  # written at once, a larger room spends less on reading
            self.assertEqual(ceilings, sorted(ceilings))
        # every rate scaled together, so what a cell asks for does not matter
        large = [c["metrics"]["ceiling.active"]["value"] for c in study["cells"] if c["values"]["size"] == 20]
        self.assertAlmostEqual(max(large) / min(large), 1, delta=0.02)
        alone = subprocess.run([self.HEADROOM, "explain", "small.json", "ceiling.active", "--json", "-q", "--seed", "1", "--set",
                                "rooms.r.size.constant=20", "--set", "traffic.t.rate.poisson=5/s per room"],
                               cwd=self.folder.name, capture_output=True, text=True, timeout=60, check=False)
        stored = self.rows("SELECT m.value FROM metrics m JOIN runs r ON r.id = m.run WHERE m.name = 'ceiling.active' AND "
                           "r.command = 'ceiling_cell' AND r.replication = 0")
        self.assertIn((json.loads(alone.stdout)["figures"][0]["value"],), stored)
        self.assertIn("ceiling.scale", self.sweep("show", "ceilings.json", "--reps", "2").stdout)
        again = self.answer("run", "ceilings.json", "--reps", "2")
        self.assertEqual(again["fingerprint"], study["fingerprint"])
        self.assertEqual(self.rows("SELECT count(*) FROM runs"), [(RUNS,)])  # none twice
        self.answer("run", "study.json", "--seed", "1")
        self.assertEqual(self.rows("SELECT count(*) FROM runs"), [(RUNS + CELLS,)])  # a run is no ceiling

    def test_mistakes_are_said_with_their_place_in_the_study_and_nothing_runs(self):
        self.write("study.json", STUDY.replace("rooms.r.size", "rooms.rr.size").replace('"25/s', '"25/h'))
        wrong = self.sweep("run", "study.json")
        self.assertEqual(wrong.returncode, 65)
        self.assertIn('study.json:5:24: rooms: "rr" is not an entry here; did you mean "r"?; in the cell size=2 ', wrong.stderr)
        self.write("study.json", STUDY.replace("[2, 5, 10, 20]", "[2, 5, 10, 50]"))
        wrong = self.sweep("plan", "study.json")
        self.assertEqual(wrong.returncode, 65)
        self.assertIn("study.json:5:70: rooms.r.size: a room of 50 members", wrong.stderr)
        self.assertEqual(wrong.stderr.count("a room of 50"), 1)  # once, not once per cell
        self.assertFalse(os.path.exists(self.path("headroom.db")))
        self.assertEqual(self.sweep("run", "nowhere.json").returncode, 66)
        self.assertEqual(self.sweep("rnu", "study.json").returncode, 64)
        self.assertEqual(self.sweep("run", "study.json", "more.json").returncode, 64)
        self.assertEqual(self.sweep("run", "study.json", "--shard", "5/4").returncode, 64)
        self.assertEqual(self.sweep("plan", "study.json", "--where", "siez = 1").returncode, 65)

    def test_a_cell_is_the_run_of_the_same_settings_and_seed(self):
        study = self.answer("run", "study.json")
        run = subprocess.run([self.HEADROOM, "run", "small.json", "--set", "rooms.r.size.constant=10", "--set",
                              "traffic.t.rate.poisson=5/s per room", "--seed", "18446744073709551615", "--json"],
                             cwd=self.folder.name, capture_output=True, text=True, timeout=60, check=False)
        alone = json.loads(run.stdout)
        cell = [c for c in study["cells"] if c["values"] == {"size": 10, "rate": "5/s per room"}][0]
        self.assertEqual(cell["runs"][1]["fingerprint"], alone["fingerprint"])
        both = self.rows("SELECT DISTINCT m.value FROM metrics m JOIN runs r ON r.id = m.run WHERE m.name = 'latency_p99_ms'"
                         f" AND r.fingerprint = '{alone['fingerprint']}'")
        self.assertEqual(both, [(alone["latency_ms"]["p99"],)])

    def test_the_fingerprint_is_the_same_for_any_number_of_threads(self):
        self.assertEqual(self.answer("run", "study.json", "--jobs", "3")["fingerprint"], self.whole())

    def test_added_repetitions_and_seeds_cost_only_themselves(self):
        first = self.answer("run", "study.json")
        more = self.answer("run", "study.json", "--reps", "3")
        self.assertEqual(self.rows("SELECT count(*) FROM runs"), [(3 * RUNS,)])
        for old, new in zip(first["cells"], more["cells"]):
            self.assertEqual(old["runs"][0], new["runs"][0])
        replications = [run["fingerprint"] for run in more["cells"][0]["runs"][:3]]
        self.assertEqual(len(set(replications)), 3)
        rate = more["cells"][5]["metrics"]["deliveries_per_s"]
        self.assertLess(rate["low"], rate["high"])
        self.answer("run", "study.json", "--seed", "7")
        self.assertEqual(self.rows("SELECT count(*) FROM runs"), [(3 * RUNS + CELLS,)])

    def test_what_is_missing_is_printed_as_missing_and_has_no_mean(self):
        self.answer("run", "study.json", "--where", "size != 10")
        shown = self.answer("show", "study.json")
        self.assertIsNone(shown["fingerprint"])
        for cell in shown["cells"]:
            is_missing = cell["values"]["size"] == 10
            self.assertEqual(cell["missing"], 2 if is_missing else 0)
            self.assertEqual(cell["metrics"] is None, is_missing)
        text = self.sweep("show", "study.json").stdout
        self.assertEqual(text.count("missing: 2 of 2 runs"), 3)
        self.assertIn("fingerprint: none, 6 runs are missing", text)
        self.answer("run", "study.json", "--seed", "1")
        self.assertIn("missing: 1 of 2 runs", self.sweep("show", "study.json").stdout)  # half a cell is none

    def test_runs_of_other_code_are_left_aside_aloud(self):
        whole = self.answer("run", "study.json")["fingerprint"]
        self.forge_code("headroom.db")
        done = self.sweep("run", "study.json")
        self.assertIn("headroom.db also has 20 runs of cells of \"small\" by other code (0.1.0 forged)", done.stderr)
        self.assertIn(f"fingerprint: {whole}", done.stdout)  # of what came out, not of who made it
        self.assertEqual(self.rows("SELECT count(*) FROM runs"), [(2 * RUNS,)])

    def forge_code(self, db):
        """As if another program had made the runs: its code's hash is in each address."""
        import sqlite3
        store = sqlite3.connect(self.path(db))
        store.executescript("PRAGMA foreign_keys = OFF; UPDATE code SET hash = 'abadcafe00000000', text = 'forged';"
                            "UPDATE runs SET code = 'abadcafe00000000', address = 'z' || substr(address, 2);")
        store.close()

    def test_shares_merge_into_the_whole_and_again_into_nothing_new(self):
        whole = self.whole()
        files = []
        for k in range(1, 5):
            share = self.answer("run", "study.json", "--shard", f"{k}/4", "--db", "all.db")
            self.assertEqual(share["shard"], {"number": k, "count": 4, "runs": RUNS // 4, "missing": 0})
            files.append(f"all.{k}-of-4.db")
        merged = self.answer("merge", *files[:3], "--db", "all.db")
        self.assertEqual((merged["taken"], merged["known"]), (15, 0))
        self.assertEqual(self.answer("show", "study.json", "--db", "all.db")["runs_missing"], 5)
        merged = self.answer("merge", *files, "--db", "all.db")
        self.assertEqual((merged["taken"], merged["known"]), (5, 15))
        self.assertEqual(self.answer("merge", *files, "--db", "all.db")["taken"], 0)
        self.assertEqual(self.answer("show", "study.json", "--db", "all.db")["fingerprint"], whole)
        os.remove(self.path(files[0]))
        self.answer("run", "study.json", "--shard", "1/4", "--db", "all.db")  # the merged file has its runs
        self.assertEqual(self.rows("SELECT count(*) FROM runs", files[0]), [(0,)])

    def test_a_merge_refuses_runs_of_other_code(self):
        self.answer("run", "study.json", "--shard", "1/2", "--db", "all.db")
        self.answer("run", "study.json", "--shard", "2/2", "--db", "all.db")
        self.forge_code("all.2-of-2.db")
        wrong = self.sweep("merge", "all.1-of-2.db", "all.2-of-2.db", "--db", "all.db")
        self.assertEqual(wrong.returncode, 65)
        self.assertIn("all.2-of-2.db has runs of other code (0.1.0 forged): runs of different code are not mixed", wrong.stderr)
        self.assertEqual(self.rows("SELECT count(*) FROM runs", "all.db"), [(RUNS // 2,)])

    def test_k_and_n_come_from_slurm_when_it_is_there(self):
        task = {"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_STEP": "2"}
        share = self.answer("run", "study.json", env=task)
        self.assertEqual((share["shard"]["number"], share["shard"]["count"], share["db"]), (3, 4, "headroom.3-of-4.db"))
        share = self.answer("run", "study.json", env={"SLURM_PROCID": "1", "SLURM_NTASKS": "2"})
        self.assertEqual((share["shard"]["number"], share["shard"]["count"]), (2, 2))
        share = self.answer("run", "study.json", "--shard", "1/2", env=task)
        self.assertEqual((share["shard"]["number"], share["shard"]["count"]), (1, 2))  # what is said goes first
        alone = {**task, "SLURM_ARRAY_TASK_COUNT": "1"}
        self.assertEqual(self.sweep("run", "study.json", env=alone).returncode, 64)  # not a whole array

    def test_submit_without_sbatch_is_one_line_and_the_local_pool(self):
        whole = self.whole()
        done = self.sweep("submit", "study.json", "--quiet", env={"PATH": "/nowhere"})
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, "headroom: there is no sbatch here: the study runs on this machine\n")
        self.assertIn(f"fingerprint: {whole}", done.stdout)

    def start(self, *words):
        return subprocess.Popen([self.HEADROOM, "sweep", *words], cwd=self.folder.name, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)

    def wait_for_runs(self, count):
        for _ in range(2000):
            if os.path.exists(self.path("headroom.db")):
                try:
                    if self.rows("SELECT count(*) FROM runs")[0][0] >= count:
                        return
                except Exception:  # pylint: disable=broad-except   # the tables are not made yet
                    pass
            time.sleep(0.005)
        self.fail("no run was kept")

    def test_a_signal_keeps_what_is_done_and_a_resume_ends_with_the_same_fingerprint(self):
        whole = self.answer("run", "study.json", "--reps", "20", "--db", "whole.db")["fingerprint"]
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = self.start("run", "study.json", "--reps", "20", "--json")
            already = self.rows("SELECT count(*) FROM runs")[0][0] if code == 143 else 0
            self.wait_for_runs(already + 10)
            process.send_signal(number)
            stdout, _ = process.communicate(timeout=60)
            self.assertEqual(process.returncode, code)
            kept = self.rows("SELECT count(*) FROM runs")[0][0]
            self.assertEqual(json.loads(stdout)["runs_missing"], 20 * RUNS - kept)
            self.assertGreater(json.loads(stdout)["runs_missing"], 0)
        self.assertEqual(self.answer("resume", "study.json", "--reps", "20")["fingerprint"], whole)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
