"""The scenarios that ship do what docs/scenarios.md says of them. Each is run through the command line, in a shorter window or with
fewer connections where its full size takes longer than a test may; the full sizes are in the benchmark `bench_scale`.

usage: test_scenarios.py HEADROOM SOURCE_DIR
"""
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

HEADROOM, SOURCE = sys.argv[1], sys.argv[2]
SCENARIOS = os.path.join(SOURCE, "scenarios")
SHORT = ("window.warm_up=1s", "window.measure=2s")


class Scenarios(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def headroom(self, command, file, *settings, profile="reference"):
        words = [word for setting in settings for word in ("--set", setting)]
        done = subprocess.run([HEADROOM, command, os.path.join(SCENARIOS, file), "--json", "-q", "--db", "x.db", "--profile",
                               os.path.join(SCENARIOS, "profiles", f"{profile}.json"), *words],
                              cwd=self.folder.name, capture_output=True, text=True, timeout=300)
        self.assertIn(done.returncode, (0, 99), done.stderr)
        return json.loads(done.stdout)

    def profile_with(self, costs):
        """The reference profile with other costs, as a path."""
        with open(os.path.join(SCENARIOS, "profiles", "reference.json"), encoding="utf-8") as file:
            profile = json.load(file)
        for name, value in costs.items():
            profile["costs"][name]["value"] = value
        path = os.path.join(self.folder.name, "changed.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(profile, file)
        return path.removesuffix(".json")

    def run_short(self, file, *settings):
        return self.headroom("run", file, *SHORT, *settings)

    def resource(self, answer, name):
        return next(resource for resource in answer["resources"] if resource["name"] == name)

    def test_every_scenario_that_ships_is_right_and_on_a_page(self):
        pages = ""
        for path in glob.glob(os.path.join(SOURCE, "docs", "**", "*.md"), recursive=True):
            with open(path, encoding="utf-8") as file:
                pages += file.read()
        files = [os.path.relpath(path, SOURCE) for part in ("*.json", "scale/*.json", "studies/*.json")
                 for path in glob.glob(os.path.join(SCENARIOS, part))]
        self.assertGreater(len(files), 10)
        for file in files:
            self.assertTrue(file in pages, f"{file} ships, and no page of docs/ says what it is for (docs/scenarios.md)")
            if "/studies/" not in file and not file.endswith("accuracy.json"):
                done = subprocess.run([HEADROOM, "validate", os.path.join(SOURCE, file)], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)  # a storm that never ends is warned of

    def test_a_chat_is_planned_by_the_channels_that_messages_land_in(self):
        """Who is in many large channels writes there: the mean channel of a message is some twenty times the mean channel. Its
        nodes write that; and those on trains are late for up to three seconds, which no node can help."""
        answer = self.run_short("chat.json")
        need = answer["need"]
        self.assertEqual(answer["verdict"], "holds")
        self.assertGreater(need["size_biased_writes_per_s"] / need["product_writes_per_s"], 15)
        self.assertGreater(answer["deliveries_per_s"] / need["size_biased_writes_per_s"], 0.9)  # what is simulated agrees
        self.assertLess(answer["deliveries_per_s"] / need["size_biased_writes_per_s"], 1.1)
        self.assertGreater(answer["latency_ms"]["max"], 1000)
        self.assertEqual(answer["lost"], 0)

    def test_a_feed_is_replaced_for_who_is_slow_or_who_is_slow_is_thrown_out(self):
        """Twenty seconds of two updates of 1 KB are more than socket buffers of 21 KB and a queue of 8 KiB hold."""
        conflated = self.headroom("run", "live-feed.json")
        closed = self.headroom("run", "live-feed.json", "nodes.gateway.send_queue.policy=close")
        self.assertEqual((conflated["verdict"], conflated["closed_slow"]), ("holds", 0))
        self.assertGreater(conflated["metrics"]["conflated"], 500)
        self.assertGreater(closed["closed_slow"], 100)
        self.assertEqual(closed["metrics"]["conflated"], 0)
        self.assertEqual(conflated["offered_deliveries_per_s"], 40 * 2 * 2000)
        self.assertGreater(conflated["metrics"]["closed_form_share"], 0.94)  # 19 of 20 viewers are never slow

    def test_in_a_typing_game_few_messages_of_chat_are_more_than_a_third_of_the_writes(self):
        """5,940 players, 4/s to five and 0.2/s to sixty: 118,800 and 71,280 writes."""
        answer = self.run_short("typing-game.json")
        self.assertEqual((answer["verdict"], answer["lost"]), ("holds", 0))
        self.assertAlmostEqual(answer["offered_deliveries_per_s"], 5940 * (4 * 5 + 0.2 * 60), delta=200)
        races = self.run_short("typing-game.json", "traffic.chat=null")
        self.assertAlmostEqual(1 - races["offered_deliveries_per_s"] / answer["offered_deliveries_per_s"], 0.375, places=3)

    def test_who_types_says_so_once_in_three_seconds(self):
        """A player who would say so once a second, and waits three after each: one per four seconds, to sixty."""
        answer, game = self.run_short("typing.json"), self.run_short("typing-game.json")
        self.assertAlmostEqual(answer["offered_deliveries_per_s"] - game["offered_deliveries_per_s"], 5940 / 4 * 60, delta=60)
        self.assertEqual((answer["verdict"], answer["lost"]), ("holds", 0))

    def test_a_goal_is_late_and_the_mean_of_its_minute_is_not(self):
        """15 s at 60/s, 10 at 1,800, 15 at 400, 10 at 120, 10 at 60: 26,700 in a minute, to 500 each."""
        replayed = self.headroom("run", "match.json")
        mean = self.headroom("run", "match.json", 'traffic.reactions.rate={"poisson": "445/s in all"}')
        self.assertEqual(replayed["offered_deliveries_per_s"], 26700 / 60 * 500)
        self.assertAlmostEqual(replayed["metrics"]["due"] / 500, 26700, delta=3.3 * 26700 ** 0.5)
        self.assertEqual((replayed["verdict"], mean["verdict"]), ("fails", "holds"))
        self.assertLess(replayed["metrics"]["cpu_share"], 0.7 * mean["metrics"]["cpu_share"])

    def test_retries_keep_a_backplane_overloaded(self):
        """A tenth of the publishes and of what its one Redis can do, which is what costs of ten times as much are."""
        costs = {"redis_message": 10000, "redis_copy": 15380}
        tried, once = (self.headroom("run", "backplane-retries.json", "traffic.chat.rate.poisson=2.4/s per user", f"backplane.retries={retries}",
                                     profile=self.profile_with(costs))
                       for retries in (3, 0))
        self.assertGreater(tried["metrics"]["backplane_sendings"], 3)
        self.assertGreater(tried["metrics"]["late_share"], 0.6)
        self.assertEqual(once["metrics"]["backplane_sendings"], 1)
        self.assertLess(once["metrics"]["late_share"], 0.12)
        self.assertEqual((tried["lost"], once["lost"]), (0, 0))

    def test_a_broadcast_to_sixty_thousand_is_late_on_one_node_and_not_on_twelve(self):
        twelve = self.run_short("broadcast-event.json")
        one = self.run_short("broadcast-event.json", "nodes.gateway.count=1", "nodes.gateway.open_files=70000")
        self.assertEqual((twelve["verdict"], one["verdict"]), ("holds", "fails"))
        self.assertEqual(twelve["offered_deliveries_per_s"], 0.5 * 60000 + 0.2 * 1200 * 50)
        # A twelfth of the writes, each as long: the last of them comes twelve times as soon, hops aside.
        self.assertGreater(one["latency_ms"]["max"] / twelve["latency_ms"]["max"], 8)
        self.assertEqual(twelve["metrics"]["due"], one["metrics"]["due"])  # the same messages

    def test_a_channel_of_fifty_thousand_is_late_with_one_owner_and_not_with_ten(self):
        ten, one = self.run_short("channel.json"), self.run_short("channel.json", "rooms.channel.shards=1")
        self.assertEqual((ten["verdict"], one["verdict"], one["broke"]), ("holds", "fails", "worker_cpu"))
        self.assertEqual(ten["offered_deliveries_per_s"], 20 * 50000)
        self.assertEqual((ten["metrics"]["backplane_copies"], one["metrics"]["backplane_copies"]), (9, 0))
        self.assertEqual(ten["metrics"]["due"], one["metrics"]["due"])  # the same messages
        held = {resource["node"]: resource["used"] for resource in ten["resources_by_node"] if resource["name"] == "open_files"}
        self.assertEqual(set(held.values()), {5000 + 36})

    def test_members_who_get_counts_leave_room_for_those_who_read(self):
        """Poisson, 20/s, told after 10 s: a count per member in 10.05 s, 6 in a minute, of 201 messages at most."""
        passive = self.headroom("run", "passive.json")
        crowded = self.run_short("channel.json", "nodes.gateway.count=5", "rooms.channel.shards=5")
        self.assertEqual((passive["verdict"], passive["lost"], crowded["verdict"]), ("holds", 0, "fails"))
        self.assertEqual(passive["metrics"]["unread_counts"], 6 * 45000)
        self.assertEqual(passive["deliveries"], passive["metrics"]["due"])
        often = self.headroom("run", "passive.json", "rooms.list.unread.every=50ms", "window.measure=10s")
        self.assertEqual(often["verdict"], "fails")

    def test_who_is_present_costs_more_than_the_chat_until_changes_are_collected(self):
        """2,000 members with a change per 3 s each. On one node every change is told to a room of a hundred; on three what the others
        say comes together. A list of 84 lines and a line of 43 bytes, or 10 for who went. Exact: two letters for each of three legs,
        and one to ask for two changes in three."""
        def of(*settings):
            return self.run_short("presence.json", *settings)["metrics"]
        collected, told, lists = of(), of("presence.debounce=0s"), of("presence.debounce=0s", "presence.mode=full")
        alone, exact = of("presence.debounce=0s", "nodes.gateway.count=1"), of("presence.mode=exact")
        self.assertAlmostEqual(told["presence_changes_per_s"], 2000 / 3, delta=80)
        self.assertAlmostEqual(alone["presence_messages_per_s"] / alone["presence_changes_per_s"], 100, delta=1)
        self.assertLess(told["presence_messages_per_s"], 0.5 * alone["presence_messages_per_s"])
        self.assertLess(collected["presence_messages_per_s"], 0.2 * told["presence_messages_per_s"])
        self.assertGreater(lists["presence_bytes_per_s"], 30 * told["presence_bytes_per_s"])
        self.assertAlmostEqual(exact["presence_letters_per_s"] / exact["presence_changes_per_s"], 6 + 2 / 3, delta=0.2)
        self.assertLess(exact["presence_stale_share"], 0.1)
        self.assertGreater(told["presence_stale_share"], 0.9)

    def test_ten_thousand_clients_are_not_much_and_a_descriptor_limit_is_the_first_wall(self):
        answer = self.run_short("c10k.json")
        self.assertEqual(answer["verdict"], "holds")
        self.assertEqual(answer["offered_deliveries_per_s"], 10000)
        self.assertEqual((answer["breaks"][0]["name"], answer["breaks"][0]["at"]), ("open_files", 20000 - 36))
        untuned = self.run_short("c10k.json", "nodes.gateway.open_files=1024")
        self.assertEqual((untuned["verdict"], untuned["broke"], untuned["metrics"]["connections"]), ("fails", "open_files", 988))

    def test_what_a_connection_costs_is_told_row_by_row(self):
        answer = self.run_short("c10k.json", "nodes.gateway.session=2KiB")
        rows = {row["name"]: row for row in answer["connection_costs"]}
        self.assertEqual(len(rows), 10)
        self.assertEqual((rows["session state"]["idle_bytes"], rows["session state"]["fixed"]), (2048, "no"))
        self.assertEqual((rows["socket and its buffers"]["where"], rows["file descriptor"]["fixed"]), ("kernel", "yes"))
        self.assertTrue(rows["socket and its buffers"]["source"].startswith("measured"))
        self.assertTrue(rows["process, goroutine or task"]["source"].startswith("assumed"))
        self.assertGreater(rows["backlog in its send queue"]["most_bytes"], 1 << 20)
        idle = 10000 * sum(row["idle_bytes"] for row in rows.values())
        self.assertAlmostEqual(idle / self.resource(answer, "memory")["used"], 1, places=6)

    def test_ten_million_are_a_matter_of_limits_that_somebody_wrote_down(self):
        """A tenth of it on a tenth of the machine; 32 + 4 x 64 descriptors are kept."""
        answer = self.headroom("run", "c10m.json", "populations.clients.connections=1000000", "nodes.gateway.open_files=1010000",
                               "nodes.gateway.memory=9830MiB", "nodes.gateway.nic=1Gbit/s", "nodes.gateway.kernel.nr_open=1048576",
                               "nodes.gateway.kernel.file_max=1258291")
        self.assertEqual(answer["verdict"], "holds")
        self.assertEqual([resource["name"] for resource in answer["breaks"][:4]], ["open_files", "nr_open", "file_max", "memory"])
        self.assertEqual([resource["at"] for resource in answer["breaks"][:3]], [1010000 - 288, 1048576 - 288, 1258291 - 288])

    def test_two_million_hold_with_one_percent_talking_and_not_with_five(self):
        answers = [self.run_short("idle-2m.json", f"populations.talking.connections={talking}",
                                  f"populations.idle.connections={2000000 - talking}") for talking in (200, 10000, 100000)]
        self.assertEqual([answer["verdict"] for answer in answers[:2]], ["holds"] * 2)
        self.assertIn(answers[2]["verdict"], ("fails", "unstable"))
        self.assertEqual(answers[2]["broke"], "worker_cpu")
        for answer in answers:  # the connections are the same, and so is what they hold
            self.assertEqual(answer["metrics"]["connections"], 2000000)
            self.assertEqual(self.resource(answer, "memory")["used"], self.resource(answers[0], "memory")["used"])

    def test_the_study_of_the_active_share_goes_from_nobody_to_five_percent(self):
        with open(os.path.join(SCENARIOS, "studies", "idle-to-active.json")) as file:
            axes = json.loads("".join(line for line in file if not line.startswith("//")))["axes"]
        self.assertEqual({talking + idle for talking, idle in zip(axes["talking"]["values"], axes["idle"]["values"])}, {2000000})
        self.assertEqual(max(axes["talking"]["values"]) / 2000000, 0.05)

    def test_five_million_deliveries_a_second_are_counted_in_closed_form(self):
        for file in ("scale/million.json", "scale/million-scattered.json"):
            answer = self.headroom("run", file, "window.measure=1s", "window.warm_up=100ms")
            self.assertEqual((answer["verdict"], answer["offered_deliveries_per_s"]), ("holds", 5e6), file)
            self.assertGreater(answer["metrics"]["closed_form_share"], 0.999)

    def test_five_million_connections_spread_over_a_hundred_nodes(self):
        """A twentieth of them, as many nodes: a room of 100 is on M (1 - (1 - 1/M)^100) = 63.4 of them where all weigh the same; a
        ring's shares are uneven, which makes it fewer. Every publish goes to those but its own."""
        answer = self.headroom("run", "scale/five-million.json", "populations.users.connections=250000", "window.measure=10s")
        self.assertEqual((answer["verdict"], answer["lost"]), ("holds", 0))
        self.assertAlmostEqual(answer["metrics"]["backplane_copies"], 62, delta=1.5)
        self.assertEqual(len({resource["node"] for resource in answer["resources_by_node"]}), 100)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
