"""The storms that ship: what ends and what does not, by `headroom run`; and that the real pair refuses them by name.

usage: test_storms.py HEADROOM SOURCE_DIR
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

HEADROOM, SOURCE = sys.argv[1], sys.argv[2]
COSTS = ("--profile", os.path.join(SOURCE, "scenarios", "profiles", "reference.json"))
RECONNECT = "populations.users.reconnect."


class Storms(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="headroom-storms-")

    def tearDown(self):
        self.folder.cleanup()

    def headroom(self, command, name, *words):
        settings = [word for setting in words for word in ("--set", setting)]
        return subprocess.run([HEADROOM, command, os.path.join(SOURCE, "scenarios", f"{name}.json"), *COSTS, *settings, "--json", "-q"],
                              cwd=self.folder.name, capture_output=True, text=True, timeout=200)

    def run_of(self, name, *settings, code):
        done = self.headroom("run", name, *settings)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def test_a_node_that_dies_is_got_over_as_fast_as_its_clients_notice(self):
        answer = self.run_of("reconnect-storm", code=0)
        # 10,000 of 40,000 notice after 5 to 15 s, wait up to 1 s more, and meet nodes with time to spare; 1 % of 40,000 may be missing
        self.assertEqual(answer["connections"]["peak_unreachable"], 10000)
        self.assertTrue(14 < answer["connections"]["recovery_s"] < 16, answer["connections"]["recovery_s"])
        self.assertEqual(answer["connections"]["survivors_died"], 0)

    def test_without_backoff_and_with_a_queue_longer_than_patience_a_storm_never_ends(self):
        answer = self.run_of("storm-without-end", code=99)
        metrics, connections = answer["metrics"], answer["connections"]
        self.assertEqual((answer["broke"], connections["has_recovered"], connections["recovery_s"]), ("recovery", False, None))
        # 2,000 handshakes a second, from 5 s after the reset on for nobody: 10,000 were let in before
        self.assertAlmostEqual(metrics["handshakes"] - metrics["handshakes_wasted"], 10000, delta=20)
        self.assertAlmostEqual(metrics["handshakes_wasted"], (62.5 - 15) * 2000, delta=1500)
        self.assertEqual(connections["timeline"]["connected"][-1], 10000)

    def test_the_same_storm_ends_with_a_queue_that_is_shorter_than_patience(self):
        answer = self.run_of("storm-without-end", "nodes.gateway.accept_queue=1000", code=99)
        # 40,000 x 0.99 at 2,000 a second, the queues never empty: 19.8 s
        self.assertAlmostEqual(answer["connections"]["recovery_s"], 19.8, delta=0.3)

    def test_the_same_storm_is_a_stream_with_jitter(self):
        answer = self.run_of("storm-without-end", RECONNECT + "jitter=full", RECONNECT + "base=30s", code=99)
        # uniform over 30 s, 1,333 a second of 2,000
        self.assertAlmostEqual(answer["connections"]["recovery_s"], 0.99 * 30, delta=0.3)
        self.assertEqual(answer["metrics"]["handshake_timeouts"], 0)

    def test_a_rolling_deploy_moves_everybody_and_a_sticky_balancer_leaves_a_node_empty(self):
        answer = self.run_of("rolling-deploy", code=0)
        self.assertEqual(answer["connections"]["timeline"]["connected"][-1], 12000)
        sticky = self.headroom("run", "rolling-deploy", "balancer.policy=sticky")
        self.assertIn('a "sticky" balancer and a drain', sticky.stderr)
        self.assertEqual((sticky.returncode, json.loads(sticky.stdout)["broke"]), (99, "imbalance"))

    def test_the_real_pair_refuses_faults_by_name(self):
        if "\n  measure " not in subprocess.run([HEADROOM, "--help"], capture_output=True, text=True).stdout:
            self.skipTest("built without the real pair")
        done = subprocess.run([HEADROOM, "measure", os.path.join(SOURCE, "scenarios", "reconnect-storm.json"), "-q"],
                              cwd=self.folder.name, capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertIn("faults are for the simulator only", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
