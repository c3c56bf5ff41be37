"""What the tidy tests share: the files of the tree, and how a finding is printed."""
import os
import shutil
import subprocess
import sys

SKIPPED = 77  # ctest: SKIP_RETURN_CODE


def files_of(root):
    """Paths from the root, with '/', of what git tracks or would track; of everything where there is no git."""
    paths = tracked(root)
    if paths is None:
        paths = walk(root)
    return sorted(path for path in paths if os.path.isfile(os.path.join(root, path)))


def tracked(root):
    """None where there is no git, or it does not answer."""
    if not shutil.which("git"):
        return None
    listing = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True)
    if listing.returncode != 0:
        return None
    return {path.decode() for path in listing.stdout.split(b"\0") if path}


def walk(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "build"]
        for name in names:
            if name.endswith((".db", ".db-wal", ".db-shm")):
                continue
            yield os.path.relpath(os.path.join(folder, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def report(findings, what):
    """Prints each finding ("path:line: what is wrong") and ends the test."""
    for finding in findings:
        print(finding)
    print(f"{what}: {len(findings)} wrong" if findings else f"{what}: all good")
    sys.exit(1 if findings else 0)
