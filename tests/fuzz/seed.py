"""Seeds and words for the fuzzer: every file that the tests keep, behind the byte that chooses its language, and the rows' names.

  seed.py ROOT FOLDER     fills FOLDER/seeds and FOLDER/words
"""
import glob
import os
import re
import sys

SCENARIO, PROFILE, SETTING = b"0", b"1", b"2"
SETTINGS = [b"nodes.n.workers=2", b"window.measure=2s", b"nodes.n.send_queue.policy=drop_oldest", b"seed=18446744073709551615",
            b'traffic.t.rate={"poisson": [{"for": "10s", "rate": "1/s per room"}, {"rate": "5/s per room"}]}',
            b'populations.q={"connections": 7}', b"populations.p.receive.stall.every=20s", b"rooms.r.size.constant=9"]


def is_profile(text):
    return b'"costs"' in text or b"schema_version" in text


def main(root, folder):
    seeds = os.path.join(folder, "seeds")
    os.makedirs(seeds, exist_ok=True)
    files = (glob.glob(f"{root}/scenarios/**/*.json", recursive=True) +
             glob.glob(f"{root}/tests/models/spec/broken/*.json"))
    for path in files:
        with open(path, "rb") as file:
            text = file.read()
        first = PROFILE if is_profile(text) else SCENARIO
        with open(os.path.join(seeds, os.path.basename(path)), "wb") as file:
            file.write(first + text)
    for number, setting in enumerate(SETTINGS):
        with open(os.path.join(seeds, f"setting-{number}"), "wb") as file:
            file.write(SETTING + setting)
    words = set()
    for path in glob.glob(f"{root}/models/spec/rows/*.def"):
        with open(path, encoding="utf-8") as file:
            words |= set(re.findall(r"^[A-Z]+\((?:[A-Za-z_]+, )?([a-z_]+)[,)]", file.read(), re.M))
    with open(os.path.join(folder, "words"), "w", encoding="utf-8") as file:
        file.writelines(f'"\\"{word}\\""\n' for word in sorted(words))
    print(f"{len(files) + len(SETTINGS)} seeds, {len(words)} words")


if __name__ == "__main__":
    main(*sys.argv[1:])
