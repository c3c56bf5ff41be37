"""The command line as a user meets it: words, exit codes, JSON keys, one SQLite file, same numbers for any --jobs.

usage: test_cli.py HEADROOM SOURCE_DIR
"""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from small_scenario import SMALL

HEADROOM, SOURCE = sys.argv[1], sys.argv[2]
LOBBY = os.path.join(SOURCE, "scenarios", "lobby.json")
WORKED = (os.path.join(SOURCE, "scenarios", "worked-example.json"),
          "--profile", os.path.join(SOURCE, "scenarios", "profiles", "worked-example.json"))



class CommandLine(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.small = os.path.join(self.folder.name, "small.json")
        with open(self.small, "w") as file:
            file.write(SMALL)

    def tearDown(self):
        self.folder.cleanup()

    def headroom(self, *words):
        return subprocess.run([HEADROOM, *words], cwd=self.folder.name, capture_output=True, text=True, timeout=300)

    def answer(self, *words):
        done = self.headroom(*words, "--json")
        return json.loads(done.stdout), done.returncode

    def test_help_lists_every_command_and_each_has_help_of_its_own(self):
        listing = self.headroom("--help")
        self.assertEqual(listing.returncode, 0)
        for word in ("validate", "run", "ceiling", "bound", "sweep", "calibrate", "measure", "compare"):
            self.assertIn(f"\n  {word} ", listing.stdout)
            self.assertEqual(self.headroom(word, "--help").returncode, 0)

    def test_wrong_usage_is_64_and_names_what_was_meant(self):
        wrong = self.headroom("rnu", self.small)
        self.assertEqual((wrong.returncode, wrong.stderr), (64, 'headroom: "rnu" is no command; did you mean "run"?\n'))
        self.assertEqual(self.headroom("run").returncode, 64)
        self.assertEqual(self.headroom("run", self.small, "--seed", "x").returncode, 64)
        self.assertEqual(self.headroom("run", self.small, "--set", "nothing").returncode, 64)
        self.assertEqual(self.headroom("run", self.small, "--no-such-option").returncode, 64)

    def test_accuracy_refuses_wrong_usage_and_an_index_with_a_typo(self):
        if "\n  accuracy " not in self.headroom("--help").stdout:
            self.skipTest("built without the real pair")
        for words in (("--repeats", "many"), ("--repeats", "65"), ("--subset", "slow"), ("--gate", "0.5"), ("a", "b")):
            self.assertEqual(self.headroom("accuracy", *words).returncode, 64, words)
        self.assertEqual(self.headroom("accuracy", "nowhere.json").returncode, 66)
        index = os.path.join(self.folder.name, "index.json")
        with open(index, "w") as file:
            file.write('{ "schema_version": 1,\n  "cases": [ { "scenario": "small.json", "figures": ["latancy"], "isquick": true } ] }\n')
        wrong = self.headroom("accuracy", index)
        self.assertEqual(wrong.returncode, 65)
        self.assertIn('index.json:2:54: cases[0]: "latancy" is no figure; did you mean "latency"?', wrong.stderr)
        self.assertIn('index.json:2:66: cases[0]: unknown key "isquick"; did you mean "is_quick"?', wrong.stderr)

    def test_accuracy_without_repeats_predicts_and_prints_what_is_missing(self):
        if "\n  accuracy " not in self.headroom("--help").stdout:
            self.skipTest("built without the real pair")
        with open(os.path.join(self.folder.name, "index.json"), "w") as file:
            file.write('{ "schema_version": 1, "cases": [ { "scenario": "small.json", "figures": ["memory", "descriptors"] } ] }')
        words = ("accuracy", "index.json", "--repeats", "0", "--db", "a.db", "--out", "table.md")
        first, code = self.answer(*words)
        self.assertEqual(code, 75)
        self.assertEqual([cell["missing"] for cell in first["cells"]], ["not measured"] * 2)
        with open(os.path.join(self.folder.name, "table.md")) as file:
            self.assertIn("missing: not measured", file.read())
        self.answer(*words)
        with sqlite3.connect(os.path.join(self.folder.name, "a.db")) as store:
            self.assertEqual(store.execute("SELECT count(*) FROM runs").fetchone()[0], 2)  # a second start predicts nothing again

    def test_missing_and_broken_input(self):
        self.assertEqual(self.headroom("run", "nowhere.json").returncode, 66)
        broken = os.path.join(self.folder.name, "broken.json")
        with open(broken, "w") as file:
            file.write(SMALL.replace('"open_files"', '"open_file"'))
        done = self.headroom("run", broken)
        self.assertEqual(done.returncode, 65)
        self.assertIn('did you mean "open_files"?', done.stderr)
        self.assertEqual(done.stdout, "")

    def test_a_database_that_is_none_is_refused_and_kept(self):
        path = os.path.join(self.folder.name, "notes.db")
        with open(path, "w") as file:
            file.write("my notes, not a database\n")
        self.assertEqual(self.headroom("run", self.small, "--db", path).returncode, 74)
        with open(path) as file:
            self.assertEqual(file.read(), "my notes, not a database\n")

    def test_run_answers_with_the_promised_keys_and_keeps_the_run(self):
        answer, code = self.answer("run", self.small)
        self.assertEqual(code, 0)
        for key in ("schema_version", "scenario", "source", "seed", "fingerprint", "deliveries", "deliveries_per_s",
                    "offered_deliveries_per_s", "latency_ms", "lost", "closed_slow", "verdict", "resources"):
            self.assertIn(key, answer)
        self.assertEqual(set(answer["latency_ms"]), {"p50", "p90", "p99", "p999", "max", "mean"})
        self.assertEqual(answer["source"], "simulated")
        # 2 rooms x 5 publishes/s x 20 members
        self.assertEqual(answer["offered_deliveries_per_s"], 200)
        with sqlite3.connect(os.path.join(self.folder.name, "headroom.db")) as db:
            self.assertEqual(db.execute("select kind, command, state from runs").fetchall(), [("simulated", "run", "done")])

    def test_a_load_far_above_the_ceiling_fails_with_99(self):
        answer, code = self.answer("run", self.small, "--scale", "20000")
        self.assertEqual(code, 99)
        self.assertIn(answer["verdict"], ("fails", "unstable"))

    def test_replications_give_intervals_and_are_the_same_for_any_number_of_threads(self):
        one, code = self.answer("run", self.small, "--reps", "8", "--jobs", "1")
        two, _ = self.answer("run", self.small, "--reps", "8", "--jobs", "2")
        self.assertEqual(code, 0)
        self.assertEqual({**one, "run": 0}, {**two, "run": 0})
        p99 = one["intervals"]["latency_p99_ms"]
        self.assertLess(p99["low"], p99["value"])
        self.assertEqual(p99["value"], one["latency_ms"]["p99"])
        self.assertEqual((one["replications"], one["draws"], one["more_to_tell"]), (8, 4, 0))
        longer, _ = self.answer("run", self.small, "--reps", "10")
        with sqlite3.connect(os.path.join(self.folder.name, "headroom.db")) as db:
            rows = db.execute("select parent, replication, fingerprint from runs where command = 'replication'").fetchall()
        by_run = [{r: f for parent, r, f in rows if parent == run} for run in (one["run"], longer["run"])]
        self.assertEqual(len(by_run[0]), 8)
        for number, fingerprint in by_run[0].items():  # two more change none of those before
            self.assertEqual(by_run[1][number], fingerprint)

    def test_precision_goes_on_until_it_is_reached_or_says_how_many_more(self):
        loose, code = self.answer("run", self.small, "--precision", "0.5")
        self.assertEqual(code, 0)
        self.assertLessEqual(loose["precision"]["reached"], 0.5)
        strict, code = self.answer("run", self.small, "--precision", "0.001", "--max-reps", "10")
        self.assertEqual(code, 96)
        self.assertEqual(strict["replications"], 10)
        self.assertGreater(strict["precision"]["more"], 0)
        self.assertIn("more replications would", self.headroom("run", self.small, "--precision", "0.001", "--max-reps", "10").stdout)

    def test_replications_refuse_what_has_no_meaning(self):
        wrong = self.headroom("run", self.small, "--precision", "0.1", "--metric", "latancy_p99_ms")
        self.assertEqual((wrong.returncode, wrong.stderr.splitlines()[-1]),
                         (64, 'headroom: --metric: "latancy_p99_ms" is no metric of a run; did you mean "latency_p99_ms"?'))
        self.assertEqual(self.headroom("run", self.small, "--reps", "3").returncode, 64)
        self.assertEqual(self.headroom("run", self.small, "--max-reps", "8").returncode, 64)

    def test_a_ceiling_of_the_only_rate_is_the_active_ceiling(self):
        active, _ = self.answer("ceiling", self.small)
        rate, code = self.answer("ceiling", self.small, "--vary", "traffic.rate")
        self.assertEqual(rate["vary"], "traffic.t.rate.poisson")
        # 2 rooms x 5 publishes/s x 20 members; both searches find a root to half a per cent
        self.assertAlmostEqual(rate["ceiling"]["value"] / 5 / (active["active"]["value"] / 200), 1, delta=0.02)
        self.assertEqual((rate["outcome"], rate["ceiling"]["limit"], code), ("found", "worker_cpu", 0))
        for answer in (active, rate):
            first = answer["break_order"][0]
            self.assertEqual((first["name"], first["full_at"]), ("worker_cpu", 1))
            movers = {mover["name"]: mover["elasticity"] for mover in first["moved_by"]}
            self.assertLess(movers["write"], -0.2)  # written at once: a write is most of the work
        rate_moves = {m["name"]: m["elasticity"] for m in active["break_order"][0]["moved_by"]}
        # twice the rate fits half as often, but for stolen time, whose draws do not scale with the load (0.05 without it)
        self.assertAlmostEqual(rate_moves["traffic.t.rate.poisson"], -1, delta=0.35)

    def test_an_objective_that_is_changed_is_the_one_that_is_judged_by(self):
        # a tenth more than 0.95 is no share, so it is lowered: easier, which only its own judgement shows
        lax = ("--set", "objectives.delivery.within=10ms", "--set", "objectives.delivery.share=0.95")
        answer, _ = self.answer("ceiling", self.small, *lax)
        movers = {mover["name"]: mover["elasticity"] for mover in answer["break_order"][0]["moved_by"]}
        self.assertLess(movers["objectives.delivery.share"], -0.05)  # more of them in time is harder

    def test_a_field_is_named_wrongly_or_for_several(self):
        wrong = self.headroom("ceiling", self.small, "--vary", "trafic.t.rate.poisson")
        self.assertEqual(wrong.returncode, 64)
        self.assertIn('did you mean "traffic.t.rate.poisson"?', wrong.stderr)
        wrong = self.headroom("bound", self.small, "bytes.constant", "nodes")
        self.assertEqual((wrong.returncode, wrong.stdout), (64, ""))  # nothing was searched before
        self.assertIn("may be nodes.n.count, ", wrong.stderr)

    def test_bounds_find_their_direction_and_say_when_everything_or_nothing_holds(self):
        answer, code = self.answer("bound", self.small, "open_files", "traffic.rate", "nodes.*.workers")
        files, rate, workers = answer["bounds"]
        self.assertEqual(code, 0)
        # 40 connections, 32 descriptors in reserve and 4 per worker (docs/models/memory.md)
        self.assertEqual((files["holds"], files["low"], files["fails_below"]), ("least", 76, 75))
        self.assertEqual(rate["holds"], "most")
        self.assertGreater(rate["high"], 5)
        self.assertLess(rate["fails_above"] / rate["high"], 1.0051)
        self.assertEqual((workers["holds"], workers["high"]), ("most", 32))  # (200 - 32 - 40) / 4
        everything, _ = self.answer("bound", self.small, "send_buffer")
        self.assertEqual(everything["bounds"][0]["holds"], "all")
        nothing, code = self.answer("bound", self.small, "traffic.bytes", "--set", "nodes.n.open_files=64")
        self.assertEqual((nothing["bounds"][0]["holds"], nothing["bounds"][0]["high"], code), ("nothing", None, 99))
        self.assertIn("at least 76 (now 200); below it open_files breaks", self.headroom("bound", self.small, "open_files").stdout)

    def test_replicated_runs_are_compared_pair_by_pair(self):
        long = ("run", self.small, "--reps", "8", "--set", "window.measure=20s")
        a, _ = self.answer(*long)
        b, _ = self.answer(*long, "--set", "traffic.t.bytes.constant=1000")
        answer, code = self.answer("compare", str(a["run"]), str(b["run"]))
        self.assertEqual((code, answer["pairs"], answer["independent"], answer["unpaired"]), (0, 8, 4, 0))
        self.assertEqual(answer["figures"]["written_bytes_per_s"]["verdict"], "worse")
        self.assertEqual(answer["figures"]["deliveries"]["verdict"], "no detectable change")  # the same arrivals
        # 900 bytes more per delivery, and two more in each frame's header above 125 (RFC 6455, 5.2)
        figures = answer["figures"]
        self.assertAlmostEqual(figures["written_bytes_per_s"]["difference"] / figures["deliveries_per_s"]["a"], 902, delta=5)

    def test_a_baseline_is_an_exit_code_for_pull_requests(self):
        study = os.path.join(self.folder.name, "study.json")
        with open(study, "w") as file:
            file.write('{ "name": "sizes", "scenario": "small.json", "axes": { "bytes": '
                       '{ "field": "traffic.t.bytes.constant", "values": [100, 200, 300] } } }')
        for db in ("main.db", "branch.db"):
            self.headroom("run", self.small, "--reps", "8", "--db", db)
            self.headroom("sweep", "run", study, "--db", db)
        self.headroom("run", self.small, "--reps", "8", "--db", "dearer.db", *WORKED[1:])
        same, code = self.answer("compare", "--db", "branch.db", "--baseline", "main.db")
        self.assertEqual((code, same["got_worse"]), (0, False))
        self.assertEqual([found["pairs"] for found in same["scenarios"]], [8, 3])
        self.assertIn("no detectable change in any of", self.headroom("compare", "--db", "branch.db", "--baseline", "main.db").stdout)
        worse, code = self.answer("compare", "--db", "dearer.db", "--baseline", "main.db")
        self.assertEqual((code, worse["got_worse"]), (99, True))
        self.assertEqual(self.headroom("compare", "--db", "main.db", "--baseline", "none.db").returncode, 66)
        self.assertEqual(self.headroom("compare", "other", "--db", "branch.db", "--baseline", "main.db").returncode, 66)

    def test_seed_beyond_2_to_the_53_survives(self):
        answer = self.headroom("run", self.small, "--seed", "18446744073709551615", "--json").stdout
        self.assertIn('"seed":\t18446744073709551615', answer)

    def test_same_seed_same_fingerprint_another_seed_another(self):
        first, _ = self.answer("run", self.small)
        again, _ = self.answer("run", self.small)
        other, _ = self.answer("run", self.small, "--seed", "2")
        self.assertEqual(first["fingerprint"], again["fingerprint"])
        self.assertNotEqual(first["fingerprint"], other["fingerprint"])

    def test_ceiling_does_not_depend_on_jobs_and_has_the_promised_keys(self):
        one, code_one = self.answer("ceiling", self.small, "--jobs", "1")
        two, code_two = self.answer("ceiling", self.small, "--jobs", "2")
        self.assertEqual((one, code_one), (two, code_two))
        for part in ("idle", "active"):
            for key in ("value", "low", "high", "unit", "limit"):
                self.assertIn(key, one[part])
        self.assertLess(one["active"]["low"], one["active"]["high"])
        self.assertIn("value", one["active"]["as_measured"])
        # descriptors: 200 less 32 reserved and 4 of the one worker (models/workload/admission.h)
        self.assertEqual((one["idle"]["value"], one["idle"]["limit"]), (164, "open_files"))

    def test_a_cluster_has_one_idle_ceiling_and_says_which_node_is_full(self):
        with open(self.small, "w") as file:
            file.write(SMALL.replace('"n": {', '"big": { "open_files": 1000 }, "n": { "count": 2,')
                       .replace('"window"', '"backplane": { "kind": "broadcast", "latency": "0s" }, "window"'))
        answer, _ = self.answer("ceiling", self.small)
        # Three nodes take a third each; 200 descriptors let 164 in, and the second node of that kind gets its
        # thirteenth of 40 clients as the first does: 164 x 40 / 13, rounded down.
        self.assertEqual((answer["idle"]["value"], answer["idle"]["limit"], answer["idle"]["limit_node"]),
                         (504, "open_files", "n-1"))
        self.assertIn(answer["active"].get("limit_node", answer["active"]["limit"]), ("big", "n-1", "n-2", "delivery"))

    def test_the_worked_example_needs_more_nodes_than_its_formula_says(self):
        answer, code = self.answer("run", *WORKED)
        need = answer["need"]
        # 2,000 x 150 x 0.4 = 120,000 writes/s at 40,000 a node: three that are 100 % busy
        self.assertEqual((need["product_writes_per_s"], need["node_writes_per_s"]), (120000, 40000))
        self.assertEqual((need["nodes_by_inbound"], need["nodes_by_product"], need["nodes_by_size_biased"]), (1, 3, 3))
        self.assertEqual((code, answer["broke"]), (99, "worker_cpu"))
        self.assertIn(answer["broke_node"], ("gateway-1", "gateway-2", "gateway-3"))
        self.assertEqual((need["nodes_simulated"], need["nodes_simulated_one_lost"]), (4, 5))
        _, code = self.answer("run", *WORKED, "--set", "nodes.gateway.count=4")
        self.assertEqual(code, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
