"""Completion as a user meets it: an interactive bash on a terminal, in which keys are typed.

What the word `headroom` then does is print its arguments, one in each pair of brackets. Keys: TAB completes, and
Meta-* inserts everything that could follow.

usage: test_completion.py HEADROOM SHARE_FOLDER
"""
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
import unittest

HEADROOM, SHARE = sys.argv[1], sys.argv[2]
SCRIPT = os.path.join(SHARE, "bash-completion", "completions", "headroom")
ALL = "\033*"
SECONDS = 30


class Bash:
    """One bash, which reads keys from a terminal."""

    def __init__(self, folder):
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            environment = {"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "", "HISTFILE": "", "INPUTRC": "/dev/null"}
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
        self.type("stty cols 10000 -echo\n")
        for name in ("headroom", "headroom-gateway", "headroom-load"):
            self.type(name + "() { printf '<%s>' \"$@\"; printf '<end>\\n'; }\n")
        self.type(f"source '{SCRIPT}'; headroom started\n")
        self.until("<end>")

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def until(self, end):
        seen = ""
        deadline = time.monotonic() + SECONDS
        while not re.search(re.escape(end) + r"\r?\n", seen):
            ready = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))[0]
            if not ready:
                raise AssertionError(f"bash answered nothing more: {seen!r}")
            seen += os.read(self.terminal, 65536).decode()
        return seen

    def arguments(self, keys):
        """What the line's program was called with, after the keys and Enter."""
        self.type(keys + "\n")
        answer = re.search(r"((?:<[^<>]*>)*)<end>\r?\n", self.until("<end>"))
        return re.findall(r"<([^<>]*)>", answer.group(1))

    def end(self):
        self.type("\003\nexit\n")
        os.close(self.terminal)
        os.waitpid(self.child, 0)


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        for name in ("lobby.json", "loud room.json", "notes.txt", "runs.db"):
            open(os.path.join(cls.folder.name, name), "w").close()
        os.mkdir(os.path.join(cls.folder.name, "studies"))
        open(os.path.join(cls.folder.name, "studies", "caps.json"), "w").close()
        cls.bash = Bash(cls.folder.name)

    @classmethod
    def tearDownClass(cls):
        cls.bash.end()
        cls.folder.cleanup()

    def line(self, keys, expected):
        self.assertEqual(self.bash.arguments(keys), expected, keys)

    def test_a_command_is_completed_from_its_first_letters(self):
        self.line("headroom ceil\t", ["ceiling"])
        self.line("headroom --ver\t", ["--version"])

    def test_all_commands_of_help_are_offered(self):
        listing = subprocess.run([HEADROOM, "--help"], capture_output=True, text=True).stdout.split("\n\n")[2]
        expected = [line.split()[0] for line in listing.splitlines()]
        self.assertEqual(sorted(self.bash.arguments("headroom " + ALL)), sorted(expected + ["--help", "--version"]))

    def test_options_are_those_of_the_command(self):
        self.line("headroom published --" + ALL, ["published", "--help", "--json", "--markdown="])
        self.line("headroom validate --q\t", ["validate", "--quiet"])

    def test_an_option_that_wants_a_value_stays_open(self):
        self.line("headroom run --see\t7", ["run", "--seed=7"])
        self.line("headroom run --js\tlobby.json", ["run", "--json", "lobby.json"])

    def test_values_are_words_metrics_files_and_folders(self):
        self.line("headroom calibrate --mode=" + ALL, ["calibrate", "--mode=full", "quick"])
        self.line("headroom calibrate --mode f\t", ["calibrate", "--mode", "full"])
        self.line("headroom run --metric=latency_p9\t9_\t", ["run", "--metric=latency_p99_ms"])
        self.line("headroom run --db=ru\t", ["run", "--db=runs.db"])
        self.line("headroom run --db no\t", ["run", "--db", "notes.txt"])
        self.line("headroom gate --proc=s\t", ["gate", "--proc=studies/"])
        self.line("headroom run --seed=lob\t", ["run", "--seed=lob"])

    def test_arguments_are_files_that_end_as_they_should(self):
        self.line("headroom run lob\t", ["run", "lobby.json"])
        self.line("headroom run lou\t", ["run", "loud room.json"])
        self.line("headroom run stu\tca\t", ["run", "studies/caps.json"])
        self.line("headroom report r\t", ["report", "runs.db"])
        self.line("headroom validate lobby.json l" + ALL, ["validate", "lobby.json", "lobby.json", "loud room.json"])
        self.line("headroom-load lob\t", ["lobby.json"])

    def test_a_file_of_another_ending_is_offered_where_no_other_is(self):
        self.line("headroom run no\t", ["run", "notes.txt"])

    def test_verbs_come_first_and_options_do_not_count(self):
        self.line("headroom sweep pl\t", ["sweep", "plan"])
        self.line("headroom sweep --db=runs.db su\t", ["sweep", "--db=runs.db", "submit"])
        self.line("headroom sweep --db runs.db run lob\t", ["sweep", "--db", "runs.db", "run", "lobby.json"])
        self.line("headroom db " + ALL, ["db", "check", "profile", "scenario", "sql", "views"])

    def test_programs_of_the_pair_have_their_options(self):
        self.line("headroom-gateway --turn-r\t16KiB", ["--turn-read=16KiB"])
        self.line("headroom-load --proc\t2", ["--processes=2"])

    def test_each_verb_is_one_that_the_command_knows(self):
        for command in ("sweep", "db"):
            for verb in self.bash.arguments(f"headroom {command} " + ALL)[1:]:
                with tempfile.TemporaryDirectory() as folder:
                    done = subprocess.run([HEADROOM, command, verb, "nowhere", "--db", "nowhere.db"], cwd=folder,
                                          capture_output=True, text=True, timeout=60)
                self.assertIn(done.returncode, (0, 64, 65, 66), (command, verb, done.stderr))
                self.assertNotIn("is nothing that", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
