"""`headroom explain`: a number back to what it was made of, in a run, in a scenario, and beside its closed form.

usage: test_explain.py HEADROOM SOURCE_DIR
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

from small_scenario import SMALL

HEADROOM, SOURCE = sys.argv[1], sys.argv[2]
LOBBY = os.path.join(SOURCE, "scenarios", "lobby.json")
WORKED = os.path.join(SOURCE, "scenarios", "worked-example.json")
ARTICLE = ("--profile", os.path.join(SOURCE, "scenarios", "profiles", "worked-example.json"))
REFERENCE = ("--profile", os.path.join(SOURCE, "scenarios", "profiles", "reference.json"))


class Explain(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="headroom-explain-")
        with open(os.path.join(self.folder.name, "small.json"), "w", encoding="utf-8") as file:
            file.write(SMALL)

    def tearDown(self):
        self.folder.cleanup()

    def headroom(self, *words):
        return subprocess.run([HEADROOM, *words], cwd=self.folder.name, capture_output=True, text=True, timeout=300, check=False)

    def explain(self, *words, code=0):
        done = self.headroom("explain", *words, "--json", "-q")
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def figure(self, *words):
        return self.explain(*words)["figures"][0]

    def inputs(self, figure):
        return {one["name"]: one for one in figure["inputs"]}

    def test_a_percentile_of_a_stored_run_is_the_rank_of_its_samples(self):
        run = json.loads(self.headroom("run", "small.json", "--json", *REFERENCE).stdout)
        answer = self.explain("1", "latency_p99_ms")
        figure = answer["figures"][0]
        self.assertEqual((answer["schema_version"], answer["run"], answer["command"], answer["source"]), (1, 1, "run", "simulated"))
        self.assertEqual(figure["kind"], "samples")
        self.assertEqual(figure["value"], run["latency_ms"]["p99"])
        self.assertEqual(figure["worked_out"], figure["value"])  # from the histogram that the run kept
        rank = -(-99 * int(run["deliveries"]) // 100)
        self.assertIn(f"the {rank:,}-th smallest of {int(run['deliveries']):,} latencies", figure["how"][0])
        self.assertEqual(figure["unit"], "ms")

    def test_a_quotient_has_its_two_numbers_and_its_closed_form(self):
        figure = self.figure("small.json", "amplification", *REFERENCE)
        self.assertEqual((figure["kind"], figure["value"], figure["worked_out"], figure["closed_form"]), ("formula", 20, 20, 20))
        self.assertIn("offered_deliveries_per_s / offered_publishes_per_s = ", figure["how"][0])

    def test_inputs_have_their_source(self):
        few = ("--set", "populations.users.connections=1500", "--set", "window.measure=1s", "--set", "nodes.gateway.count=4")
        inputs = self.inputs(self.figure(WORKED, "writes_per_s", *ARTICLE, *few))
        self.assertEqual(inputs["write"]["source"], "assumed")  # the article calls it illustrative
        self.assertEqual(inputs["traffic.messages.rate.poisson"]["source"], "assumed")  # plan.uncertain
        self.assertIn("plan.uncertain.rate", inputs["traffic.messages.rate.poisson"]["note"])
        self.assertEqual(inputs["traffic.messages.bytes.constant"]["source"], "stated")
        self.assertEqual(inputs["nodes.gateway.turn.read"]["source"], "default")
        self.assertAlmostEqual(inputs["traffic.messages.rate.poisson"]["elasticity"], 1, delta=0.25)
        self.assertAlmostEqual(inputs["traffic.messages.active"]["elasticity"], 1, delta=0.3)  # drawn anew per publish
        self.assertEqual(inputs["populations.users.connections"]["source"], "stated")
        sources = {one["source"] for one in self.inputs(self.figure("small.json", "cpu_share", *REFERENCE)).values()}
        self.assertEqual(sources, {"measured", "published", "assumed", "stated", "default"})

    def test_a_busy_share_hangs_on_the_write_as_much_as_the_write_takes_of_it(self):
        figure = self.figure("small.json", "cpu_share", *REFERENCE)
        # 20 writes to a publish: turn, read and publish are some tenth of it
        self.assertTrue(0.7 < self.inputs(figure)["write"]["elasticity"] < 1, self.inputs(figure)["write"])
        self.assertGreater(self.inputs(figure)["write"]["relative_error"], 0)
        strength = [abs(one["elasticity"] or 0) for one in figure["inputs"]]
        self.assertEqual(strength, sorted(strength, reverse=True))

    def test_a_ceiling_stands_beside_its_closed_form_and_what_halving_a_cost_buys(self):
        figure = self.figure(LOBBY, "ceiling.active", *REFERENCE)
        self.assertAlmostEqual(figure["closed_form"] / figure["value"], 1, delta=0.05)
        inputs = self.inputs(figure)
        self.assertAlmostEqual(sum(one["time_share"] for one in figure["inputs"]), 1, delta=1e-6)
        self.assertGreater(inputs["write"]["halved_simulated"], 0.02)
        for name in ("write", "byte", "publish", "read"):
            self.assertAlmostEqual(inputs[name]["halved_simulated"], inputs[name]["halved_closed_form"], delta=0.05)
        self.assertIn("worker_cpu breaks first", figure["how"][0])

    def test_a_stored_ceiling_keeps_its_value_and_interval(self):
        found = json.loads(self.headroom("ceiling", "small.json", "--json", "--reps", "3", *REFERENCE).stdout)
        figures = self.explain("1", "ceiling.active", "ceiling.idle")["figures"]
        self.assertEqual([figures[0][key] for key in ("value", "low", "high")],
                         [found["active"][key] for key in ("value", "low", "high")])
        self.assertEqual(figures[1]["value"], found["idle"]["value"])
        self.assertEqual(figures[1]["worked_out"], found["idle"]["value"])
        self.assertIn("open_files: 200 of 200", figures[1]["how"][0])

    def test_the_room_cap_is_what_bound_finds_and_has_a_closed_form(self):
        small = ("small.json", "--set", "traffic.t.rate.poisson=8000/s in all", *REFERENCE)
        cap = self.figure(small[0], "room_cap", *small[1:])
        bound = json.loads(self.headroom("bound", small[0], "rooms.size", *small[1:], "--json", "-q").stdout)
        self.assertEqual(cap["value"], bound["bounds"][0]["high"])
        self.assertLess(cap["value"], 40)
        self.assertAlmostEqual(cap["closed_form"] / cap["value"], 1, delta=0.15)

    def test_what_leaves_the_calibration_is_warned_of_where_it_was_measured(self):
        far = ("small.json", "--set", "traffic.t.bytes.constant=100000", "--set", "nodes.n.turn.read=256KiB")
        outside = self.explain(far[0], "amplification", *far[1:], *REFERENCE)["outside_calibration"]
        self.assertEqual([(one["axis"], one["high"], one["calibrated_high"]) for one in outside], [("message_bytes", 100000, 49152)])
        self.assertEqual(self.explain("small.json", "amplification", *REFERENCE)["outside_calibration"], [])
        self.assertEqual(self.explain(far[0], "amplification", *far[1:], *ARTICLE)["outside_calibration"], [])  # nobody measured
        text = self.headroom("explain", far[0], "amplification", *far[1:], *REFERENCE).stdout
        self.assertIn("warning: outside of what was calibrated: message_bytes 100,000 to 100,000 bytes, calibrated with 64 to 49,152", text)

    def test_figures_are_listed_and_a_wrong_one_has_its_nearest(self):
        self.assertIn("room_cap", self.explain("small.json", *REFERENCE)["figures"])
        wrong = self.headroom("explain", "small.json", "cpu_shar", *REFERENCE)
        self.assertEqual((wrong.returncode, wrong.stdout), (64, ""))
        self.assertIn('headroom: "cpu_shar" is no figure of this scenario; did you mean "cpu_share"?', wrong.stderr)
        self.headroom("run", "small.json", *REFERENCE)
        self.assertIn("latency_p99_ms", self.explain("1")["figures"])
        gone = self.headroom("explain", "7", "cpu_share")
        self.assertEqual(gone.returncode, 66)
        self.assertIn("headroom.db has no run 7", gone.stderr)
        self.assertEqual(self.headroom("explain", "1", "room_cap").returncode, 64)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
