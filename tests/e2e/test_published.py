"""What `headroom published` says of each case. The published figures stand in scenarios/published with their sources; here
stand those that the issue gates, written again by hand, so that neither the data nor the program can move alone.

usage: test_published.py HEADROOM SOURCE_DIR
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

HEADROOM, SOURCE = sys.argv[1], sys.argv[2]


class Published(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            page = os.path.join(folder, "published.md")
            done = subprocess.run([HEADROOM, "published", "--json", "--markdown", page], capture_output=True, text=True)
            with open(page) as file:
                cls.page = file.read()
        cls.code, cls.answer = done.returncode, json.loads(done.stdout)
        cls.cases = {case["name"]: case for case in cls.answer["cases"]}

    def said(self, case):
        return [figure["headroom"] for figure in self.cases[case]["figures"]]

    def test_every_gate_holds_and_the_exit_code_says_so(self):
        off = [figure for case in self.answer["cases"] for figure in case["figures"]
               if figure["gated"] and not figure["holds"]]
        self.assertEqual((off, self.code, self.answer["holds"]), ([], 0, True))

    def test_every_case_has_a_source_and_something_to_say(self):
        self.assertGreaterEqual(len(self.cases), 17)
        for case in self.answer["cases"]:
            self.assertGreater(len(case["source"]), 10, case["name"])
            self.assertGreater(len(case["figures"]), 0, case["name"])

    def test_the_page_in_docs_is_what_the_program_writes(self):
        with open(os.path.join(SOURCE, "docs", "published.md")) as file:
            self.assertEqual(file.read(), self.page)

    def test_a_closed_loop_over_one_thread_goes_round_in_four_rooms_times_a_constant(self):
        rows = self.cases["hashrocket"]["figures"]
        gated = [row for row in rows if row["gated"]]
        self.assertEqual((len(rows), len(gated)), (113, 78))
        for row in gated:
            self.assertLess(abs(row["error"]), 0.05, row["what"])
        # One series at every size that it has, 10,000 to 25,000, one constant: 4 x 3.54 us x N.
        every = [row for row in gated if "second run" in row["what"]]
        self.assertEqual(len(every), 16)
        for i, row in enumerate(every):
            self.assertAlmostEqual(row["headroom"], 4 * 3.54e-3 * (10000 + 1000 * i), delta=0.002 * row["headroom"])

    def test_supabase_delivers_seven_a_second_and_user(self):
        self.assertEqual(self.said("supabase"), [7 * 32000, 7 * 4000, 7 * 2000])
        self.assertAlmostEqual(self.said("supabase-large")[0], 250000 * 2 * 100 / 60, places=3)
        self.assertGreater(self.said("supabase-large")[1], 150000)

    def test_a_polled_log_adds_a_uniform_wait_to_what_crosses_nodes(self):
        # A third of the deliveries stays on its node: 1/3 + 2/3 x / T = 0.95 at x = 0.925 T; two hops of 0.5 ms.
        said = self.said("sockudo")
        self.assertAlmostEqual(said[0], 0.925 * 50 + 1, delta=0.3)
        self.assertAlmostEqual(said[2], 0.925 * 5 + 1, delta=0.05)

    def test_redis_slots_and_connections_are_counted_exactly(self):
        said = self.said("redis-arithmetic")
        self.assertEqual(said[0], 25600)
        self.assertAlmostEqual(said[1], 4266.667, places=3)
        self.assertEqual(said[2:4], [1200, 200])
        self.assertEqual(said[6:], [27, 15, 22, 23, 16, 25])

    def test_discords_arithmetic_is_time_spent_one_after_the_other(self):
        for said, published in zip(self.said("discord"), (0.9, 2.1, 30, 17.5, 0.75)):
            self.assertAlmostEqual(said / published, 1, delta=0.002)

    def test_a_quota_of_arrivals_and_stay_is_a_quota_of_connections(self):
        self.assertEqual(self.said("api-gateway"), [500 * 2 * 3600])

    def test_presence_messages_are_two_n_plus_two_n_squared_or_half_of_it(self):
        self.assertEqual(self.said("ably-presence"), [2 * (200 + 200 ** 2), 2 * 200 + 200 * 201])

    def test_the_first_wall_of_phoenix_is_the_default_of_ulimit(self):
        self.assertEqual(self.said("phoenix")[0], 1024 - 36)  # models/workload/admission.h keeps 32 + 4

    def test_unsolved_cases_are_shown_and_not_gated(self):
        for case in ("whatsapp", "slack", "riot", "centrifugo-million", "centrifugo-idle", "discord-relays", "redis-knee"):
            self.assertEqual([f["what"] for f in self.cases[case]["figures"] if f["gated"]], [], case)

    def test_a_case_can_be_asked_for_by_name(self):
        done = subprocess.run([HEADROOM, "published", "discord"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertIn("a publish to 30,000 sessions", done.stdout)
        self.assertNotIn("supabase", done.stdout)
        wrong = subprocess.run([HEADROOM, "published", "myspace"], capture_output=True, text=True)
        self.assertEqual((wrong.returncode, wrong.stderr),
                         (64, 'headroom published: "myspace" is none of the published cases\n'))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
