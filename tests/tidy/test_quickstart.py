"""quickstart installs what is missing and nothing else, and says what it cannot do.

It runs here among stand-ins for dpkg-query, apt-get, id, cmake, ctest and headroom, which write down how they were called:
nothing is installed or built.
"""
import os
import shutil
import subprocess
import sys
import tempfile

import tree

# Each stand-in adds its name and arguments to $LOG; the rest of it is what it pretends.
STAND_INS = {
    "dpkg-query": 'for last; do :; done; grep -qx "$last" "$INSTALLED" && printf installed',
    "apt-get": 'if [ "$1" = install ]; then shift; for p; do case $p in -*) ;; *) echo "$p" >>"$INSTALLED";; esac; done; fi',
    "id": 'echo "$PRETENDED_UID"',
    "cmake": 'mkdir -p build/release/bin; cp "$BIN/headroom" build/release/bin/',
    "ctest": "exit ${CTEST_CODE:-0}",
    "headroom": "exit ${HEADROOM_CODE:-0}",
}
UNLOGGED = ("dpkg-query", "id")
TOOLS = ("seq", "timeout", "bash", "dirname", "cat", "grep", "mkdir", "cp", "date")  # the real ones that it may use


class World:
    """A checkout with nothing but quickstart in it, and a PATH of stand-ins."""

    def __init__(self, root, folder):
        self.folder = folder
        self.bin = os.path.join(folder, "bin")
        self.log = os.path.join(folder, "log")
        self.installed = os.path.join(folder, "installed")
        os.mkdir(self.bin)
        open(self.installed, "w").close()
        shutil.copy(os.path.join(root, "quickstart"), folder)
        for name, body in STAND_INS.items():
            self.stand_in(name, body)
        for tool in TOOLS:
            os.symlink(shutil.which(tool), os.path.join(self.bin, tool))

    def stand_in(self, name, body):
        path = os.path.join(self.bin, name)
        log = "" if name in UNLOGGED else f'echo "{name} $*" >>"$LOG"\n'
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/bash\n{log}{body}\n")
        os.chmod(path, 0o755)

    def run(self, *words, uid=0, **environment):
        open(self.log, "w").close()
        environment = {"PATH": self.bin, "BIN": self.bin, "LOG": self.log, "INSTALLED": self.installed,
                       "PRETENDED_UID": str(uid), **environment}
        done = subprocess.run([os.path.join(self.folder, "quickstart"), *words], env=environment,
                              text=True, capture_output=True)
        with open(self.log, encoding="utf-8") as file:
            return done.returncode, file.read().splitlines(), done.stdout + done.stderr


FINDINGS = []


def expect(holds, what, detail):
    if not holds:
        FINDINGS.append(f"quickstart:1: {what}: {detail}")


def check_install(world):
    code, calls, said = world.run()
    expect(code == 0, "a bare system as root is set up", said)
    installs = [call for call in calls if call.startswith("apt-get install")]
    expect(len(installs) == 1 and "--no-install-recommends" in installs[0] and " libgsl-dev" in installs[0],
           "installs by name, once", calls)
    expect("Missing Debian packages:" in said and "libwslay-dev" in said, "says aloud what it installs", said)
    words = [call.split()[1] for call in calls if call.startswith("headroom ")]
    expect(words == ["calibrate", "ceiling", "measure", "compare"], "the main job", calls)

    code, calls, said = world.run()
    expect(code == 0 and not any(call.startswith("apt-get") for call in calls),
           "installs nothing when nothing is missing", calls)


def check_one_missing(world):
    with open(world.installed, encoding="utf-8") as file:
        there = file.read()
    with open(world.installed, "w", encoding="utf-8") as file:
        file.write(there.replace("nettle-dev\n", ""))
    code, calls, said = world.run(uid=1000)
    expect(code == 69 and "nettle-dev" in said and not calls, "without root it says what is missing and stops", said)
    os.rename(os.path.join(world.bin, "apt-get"), os.path.join(world.bin, "hidden"))
    code, calls, said = world.run()
    expect(code == 69 and "nettle-dev" in said and not calls, "without apt it says what is missing and stops", said)
    os.rename(os.path.join(world.bin, "hidden"), os.path.join(world.bin, "apt-get"))
    code, calls, said = world.run()
    expect("apt-get install -q -y --no-install-recommends nettle-dev" in calls, "installs only what is missing", calls)


def check_failures(world):
    code, calls, said = world.run("test", CTEST_CODE="8")
    expect(code == 8, "a failed test fails it", said)
    expect(any(call.startswith("ctest --preset release --output-on-failure") for call in calls), "runs ctest", calls)
    code, calls, said = world.run(HEADROOM_CODE="75")
    expect(code == 75 and "Refused, attempt 3 of 3" in said, "a refused measurement is said and handed on", (code, said))
    code, calls, said = world.run(HEADROOM_CODE="99")
    expect(code == 0, "a load that does not hold is an answer", (code, said))
    world.stand_in("cmake", "exit 1")
    code, calls, said = world.run()
    expect(code == 70 and "could not be configured" in said, "a failed build stops it", (code, said))
    world.stand_in("apt-get", "exit 100")
    open(world.installed, "w").close()
    code, calls, said = world.run()
    expect(code == 69 and not any(call.startswith("cmake") for call in calls), "a failed installation stops it", said)


def check_other_node(world):
    open(world.installed, "w").close()
    code, calls, said = world.run("test")
    install = [call for call in calls if call.startswith("apt-get install")]
    expect(len(install) == 1 and {"nodejs", "npm"} <= set(install[0].split()), "installs Debian's npm", calls)
    open(world.installed, "w").close()
    world.stand_in("npm", "exit 1")
    code, calls, said = world.run("test")
    install = [call for call in calls if call.startswith("apt-get install")]
    expect(code == 0 and len(install) == 1 and not {"nodejs", "npm"} & set(install[0].split()),
           "leaves an npm alone that is not Debian's", calls)


def check_usage(world):
    for words in (("tset",), ("test", "now"), ("",)):
        code, calls, said = world.run(*words)
        expect(code == 64 and "usage:" in said and not calls, f"{words} is wrong usage", (code, said))
    code, calls, said = world.run("--help")
    expect(code == 0 and "usage:" in said, "--help", said)
    os.remove(os.path.join(world.bin, "dpkg-query"))
    code, calls, said = world.run()
    expect(code == 69 and "not a Debian system" in said, "another system", (code, said))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as there:
        made = World(sys.argv[1], there)
        check_install(made)
        check_one_missing(made)
        check_other_node(made)
        check_failures(made)
        check_usage(made)
    tree.report(FINDINGS, "quickstart")
