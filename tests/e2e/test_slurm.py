"""`headroom sweep submit` on a real Slurm of one node, which the test starts and stops itself.

Needs root and the Debian packages slurm-wlm, slurm-wlm-basic-plugins and munge. Without them it is skipped, aloud.

usage: test_slurm.py HEADROOM
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from sweep_case import RUNS, SweepCase

SKIPPED = 77
SweepCase.HEADROOM = sys.argv[1]


def missing():
    programs = [name for name in ("slurmctld", "slurmd", "sbatch", "sinfo", "munged", "munge", "runuser") if not shutil.which(name)]
    if programs:
        return "not installed: " + ", ".join(programs)
    return "" if os.geteuid() == 0 else "it takes root to start Slurm's daemons"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(is_there, seconds):
    ends = time.monotonic() + seconds
    while not is_there():
        if time.monotonic() > ends:
            return False
        time.sleep(0.2)
    return True


def succeeds(*words):
    return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=False).returncode == 0


class Slurm:
    """One controller and one node on loopback, with everything they write in a folder of their own."""
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="headroom-slurm-")
        self.processes = []

    def start(self):
        place = self.folder.name
        for name in ("state", "spool"):
            os.mkdir(f"{place}/{name}")
        with open(f"{place}/slurm.conf", "w", encoding="utf-8") as file:
            file.write(f"""ClusterName=local
SlurmctldHost=localhost(127.0.0.1)
AuthType=auth/munge
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
ReturnToService=2
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd.log
AccountingStorageType=accounting_storage/none
MpiDefault=none
NodeName=localhost NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
""")
        with open(f"{place}/cgroup.conf", "w", encoding="utf-8") as file:
            file.write("CgroupPlugin=cgroup/v1\n")
        os.environ["SLURM_CONF"] = f"{place}/slurm.conf"
        if not succeeds("munge", "-n"):
            os.makedirs("/run/munge", exist_ok=True)
            shutil.chown("/run/munge", "munge", "munge")
            self.run("runuser", "-u", "munge", "--", shutil.which("munged"), "--foreground")
            if not until(lambda: succeeds("munge", "-n"), 20):
                return False
        self.run("slurmctld", "-D", "-f", os.environ["SLURM_CONF"])
        self.run("slurmd", "-D", "-f", os.environ["SLURM_CONF"], "-N", "localhost")
        return until(lambda: "idle" in subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True, timeout=60,
                                                      check=False).stdout, 40)

    def run(self, *words):
        self.processes.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True))

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.folder.cleanup()


class Submit(SweepCase):
    @classmethod
    def setUpClass(cls):
        cls.slurm = Slurm()
        if not cls.slurm.start():
            cls.slurm.stop()
            raise unittest.SkipTest("Slurm is installed but did not start here")

    @classmethod
    def tearDownClass(cls):
        cls.slurm.stop()

    def test_a_job_array_of_four_ends_with_the_fingerprint_of_one_process(self):
        whole = self.whole()
        done = self.sweep("submit", "study.json", "--tasks", "4", "--wait", "--db", "array.db")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"fingerprint: {whole}", done.stdout)
        counts = [self.rows("SELECT count(*) FROM runs", f"array.{k}-of-4.db")[0][0] for k in range(1, 5)]
        # the three probes that told the time are in the main file: nobody ran them again
        self.assertEqual(sum(counts), RUNS - 3)
        self.assertGreater(min(counts), 0)

    def test_without_wait_it_returns_and_says_what_to_merge(self):
        whole = self.whole()
        done = self.answer("submit", "study.json", "--tasks", "2", "--where", "size > 1", "--db", "later.db")
        self.assertEqual(done["tasks"], 2)
        self.assertTrue(until(lambda: not subprocess.run(["squeue", "-h", "-j", str(done["job"])], capture_output=True, text=True,
                                                         timeout=60, check=False).stdout.strip(), 60))
        self.answer("merge", "later.1-of-2.db", "later.2-of-2.db", "--db", "later.db")
        self.assertEqual(self.answer("show", "study.json", "--db", "later.db")["fingerprint"], whole)

    def test_the_exit_code_of_a_task_is_kept_and_its_runs_are_missing(self):
        os.mkdir(self.path("broken.2-of-2.db"))  # what the second task cannot write to
        done = self.sweep("submit", "study.json", "--tasks", "2", "--wait", "--db", "broken.db")
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertIn("a task of the job ended with exit code 74", done.stderr)
        # every second run is the second task's, and of the three probes (0, 9, 19) it would have had 9 and 19
        self.assertEqual(self.answer("show", "study.json", "--db", "broken.db")["runs_missing"], RUNS // 2 - 2)


if __name__ == "__main__":
    why = missing()
    if why:
        print(f"SKIPPED: no Slurm to submit to: {why} (apt-get install --no-install-recommends slurm-wlm slurm-wlm-basic-plugins munge)")
        sys.exit(SKIPPED)
    program = unittest.main(argv=sys.argv[:1], verbosity=2, exit=False)
    if program.result.skipped:
        print(f"SKIPPED: {program.result.skipped[0][1]}")
        sys.exit(SKIPPED)
    sys.exit(0 if program.result.wasSuccessful() else 1)
