"""`headroom gate`: for each line a pair of scenarios, the same but for what the line judges, one passing and one failing
(tests/e2e/gate); its five forms, its exit codes, and the page that its ids link to.

The measured runs that two lines ask for are stand-ins here: simulated ones that the test relabels. tests/e2e/test_pair.py has a
real one.

usage: test_gate.py HEADROOM SOURCE_DIR
"""
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

HEADROOM, SOURCE = sys.argv[1], sys.argv[2]
PAIRS = os.path.join(SOURCE, "tests", "e2e", "gate")
IDS = ("amplified-writes", "measured-ceilings", "kernel-limits", "lean-connections", "room-caps", "backpressure", "backplane-routing",
       "soft-presence", "drain-and-reconnect", "worst-fan-out")
# What else must come out differently, because it is a consequence: a load that does not hold on all nodes does not on fewer,
# and a queue without a bound is no bound for memory.
CONSEQUENCES = {"amplified-writes": {"drain-and-reconnect"}, "room-caps": {"amplified-writes", "drain-and-reconnect"},
                "backpressure": {"lean-connections"}}
WITHOUT_FIELDS = {"soft-presence"}  # nothing in a scenario says anything of it yet
PROC = {"self/limits": "Limit                     Soft Limit           Hard Limit           Units     \n"
                       "Max open files            1024                 524288               files     \n",
        "sys/fs/nr_open": "1048576\n", "sys/fs/file-max": "9223372036854775807\n", "sys/net/core/wmem_max": "212992\n",
        "sys/net/ipv4/ip_local_port_range": "32768\t60999\n", "sys/net/ipv4/tcp_mem": "90000\t120000\t180000\n"}


class Gate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="headroom-gate-")
        for name, text in PROC.items():
            self.write("proc/" + name, text)

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def headroom(self, *words):
        return subprocess.run([HEADROOM, *words], cwd=self.folder.name, capture_output=True, text=True, timeout=120)

    def gate(self, scenario, *words, tuning=True):
        written = ("--tuning", "tuning.conf") if tuning else ()
        done = self.headroom("gate", scenario, "-q", "--proc", "proc", *written, *words)
        self.assertIn(done.returncode, (0, 96, 99), done.stderr)
        return done

    def lines(self, scenario, *words, **more):
        answer = json.loads(self.gate(scenario, "--json", *words, **more).stdout)
        return {line["id"]: line for line in answer["lines"]}

    def pretend_measured(self, scenario, verdict="holds"):
        """A run of the scenario in the store that says it was measured: a ceiling of 5,000 to 6,000 deliveries/s, 1,000 connections."""
        self.assertIn(self.headroom("run", scenario, "-q").returncode, (0, 99))
        store = sqlite3.connect(self.path("headroom.db"))
        with store:
            run, = store.execute("SELECT max(id) FROM runs").fetchone()
            store.execute("UPDATE runs SET kind = 'measured', command = 'measure', state = 'running' WHERE id = ?", (run,))
            store.execute("UPDATE metrics SET text = ? WHERE run = ? AND name = 'verdict'", (verdict, run))
            for name, value, low, high in (("ceiling.active", 5500, 5000, 6000), ("ceiling.idle", 1000, 1000, 1000)):
                store.execute("INSERT INTO metrics (run, name, value, low, high, unit) VALUES (?, ?, ?, ?, ?, '')", (run, name, value, low, high))
            store.execute("UPDATE runs SET state = 'done' WHERE id = ?", (run,))
        store.close()

    def pair(self, name):
        """The lines of both scenarios of a pair, both measured where the line asks for it."""
        sides = []
        for side in ("pass", "fail"):
            scenario = os.path.join(PAIRS, f"{name}.{side}.json")
            if name in ("measured-ceilings", "worst-fan-out"):
                self.pretend_measured(scenario)
            sides.append(self.lines(scenario))
        return sides

    def test_each_line_has_a_pair_that_differs_in_nothing_else(self):
        for name in set(IDS) - WITHOUT_FIELDS:
            with self.subTest(name):
                passing, failing = self.pair(name)
                self.assertEqual((passing[name]["result"], failing[name]["result"]), ("pass", "fail"), (passing[name], failing[name]))
                self.assertNotEqual(failing[name]["field"], "")
                for other in set(IDS) - {name} - CONSEQUENCES.get(name, set()):
                    self.assertEqual(passing[other]["result"], failing[other]["result"], (other, passing[other], failing[other]))

    def test_the_field_to_change_is_the_one_that_differs(self):
        changed = {"amplified-writes": "nodes.gateway.count", "kernel-limits": "ulimit -n", "lean-connections": "nodes.gateway.send_queue.limit",
                   "room-caps": "rooms.channels.size", "backpressure": "nodes.gateway.send_queue.policy",
                   "backplane-routing": "backplane.kind", "drain-and-reconnect": "balancer.policy"}
        for name, field in changed.items():
            self.assertEqual(self.lines(os.path.join(PAIRS, f"{name}.fail.json"))[name]["field"], field)

    def test_what_nobody_measured_is_not_measured_and_a_measurement_of_another_scenario_is_none(self):
        scenario = os.path.join(PAIRS, "worst-fan-out.pass.json")
        self.pretend_measured(scenario)
        self.assertEqual(self.lines(scenario)["worst-fan-out"]["result"], "pass")
        other = self.lines(scenario, "--set", "traffic.chat.rate.poisson=61/s in all")
        self.assertEqual([other[name]["result"] for name in ("measured-ceilings", "worst-fan-out")], ["not measured"] * 2)
        self.pretend_measured(scenario, verdict="unstable")  # the newest counts
        self.assertEqual(self.lines(scenario)["worst-fan-out"]["result"], "fail")

    def test_the_tuning_record_says_what_was_found_and_what_is_needed(self):
        scenario = os.path.join(PAIRS, "kernel-limits.pass.json")
        lines = self.lines(scenario, tuning=False)
        self.assertEqual(lines["kernel-limits"]["result"], "not measured")  # enough, but nobody has written it down
        self.assertFalse(os.path.exists(self.path("tuning.conf")))
        self.write("proc/sys/net/ipv4/ip_local_port_range", "60900\t60999\n")
        self.assertEqual(self.lines(scenario)["kernel-limits"]["result"], "pass")  # who only passes packets on needs no port
        line = self.lines(scenario, "--set", "balancer.kind=l4_proxy")["kernel-limits"]
        self.assertEqual((line["result"], line["field"]), ("fail", "net.ipv4.ip_local_port_range"))
        many = self.lines(scenario, "--set", "balancer.kind=l4_proxy", "--set", "balancer.addresses=2")
        self.assertEqual(many["kernel-limits"]["result"], "pass")  # 100 of 100
        self.lines(scenario, "--set", "balancer.kind=l4_proxy")
        record = self.read("tuning.conf")
        self.assertIn("# fs.nr_open: found 1,048,576, needed 20000", record)
        self.assertIn("fs.nr_open = 1048576\n", record)
        # 200 connections on a node: 60,800 to 60,999
        self.assertIn("net.ipv4.ip_local_port_range = 60800 60999\n", record)
        granted = self.lines(scenario, "--set", "nodes.gateway.kernel.wmem_max=1MiB")["kernel-limits"]
        self.assertEqual((granted["result"], granted["field"]), ("fail", "net.core.wmem_max"))  # the host has 212,992
        os.remove(self.path("proc/sys/fs/nr_open"))
        self.write("proc/sys/net/ipv4/ip_local_port_range", PROC["sys/net/ipv4/ip_local_port_range"])
        self.assertEqual(self.lines(scenario)["kernel-limits"]["evidence"], "fs.nr_open could not be read")

    def test_junit_and_markdown_have_every_line_and_link_to_the_page(self):
        done = self.gate(os.path.join(PAIRS, "drain-and-reconnect.fail.json"), "--junit", "gate.xml", "--markdown", "gate.md")
        suite = xml.etree.ElementTree.fromstring(self.read("gate.xml"))
        self.assertEqual([case.get("name") for case in suite], list(IDS))
        self.assertEqual(sum(case.find("failure") is not None for case in suite), int(suite.get("failures")))
        self.assertEqual(sum(case.find("skipped") is not None for case in suite), int(suite.get("skipped")))
        self.assertIsNotNone(suite.find("testcase[@name='drain-and-reconnect']/failure"))
        for name in IDS:
            self.assertIn(f"| [{name}](docs/gate.md#{name}) |", self.read("gate.md"))
            self.assertRegex(done.stdout, rf"\n  (pass|fail|not measured) +{name} ")

    def test_the_page_has_every_line_under_its_id(self):
        with open(os.path.join(SOURCE, "docs", "gate.md"), encoding="utf-8") as file:
            page = file.read()
        lines = self.lines(os.path.join(PAIRS, "base.json"))
        self.assertEqual(re.findall(r'<a id="([^"]+)"></a>', page), list(IDS))
        self.assertEqual(list(lines), list(IDS))
        for line in lines.values():
            self.assertIn(f"## {line['id']}\n\n{line['asks']}", page)

    def test_exit_codes_are_those_of_a_check(self):
        scenario = os.path.join(PAIRS, "one-node.json")
        self.assertEqual(self.gate(scenario).returncode, 99)  # one node has nowhere to drain to
        two = ("--set", "nodes.gateway.count=2", "--set", "backplane.kind=registry")
        lines = self.lines(scenario, *two)
        self.assertNotIn("fail", [line["result"] for line in lines.values()], lines)
        self.assertEqual(self.gate(scenario, *two).returncode, 96)
        self.assertEqual(self.headroom("gate", "nowhere.json").returncode, 66)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
