"""Every notebook runs from its first cell to its last over a store that its own command made, and opens with its outputs in place.

usage: test_notebooks.py HEADROOM ROOT
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HEADROOM, ROOT = sys.argv[1], sys.argv[2]
FOLDER = os.path.join(ROOT, "notebooks")
NBCONVERT = shutil.which("jupyter-nbconvert")
# What fills the store here, where the notebook's own command would put real load on the machine for minutes.
FILLED_BY = {"calibration-and-accuracy": "predictions"}
BYTES_MAX = 200_000


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def code_of(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def kinds(cell):
    """What a cell puts out: pictures, tables, words."""
    return sorted({kind for output in cell["outputs"] for kind in output.get("data", {}) if kind.startswith(("image/", "text/html"))})


class Notebooks(unittest.TestCase):
    def execute(self, name):
        with tempfile.TemporaryDirectory(prefix="headroom-notebooks-") as there:
            env = {**os.environ, "HEADROOM": HEADROOM, "HEADROOM_DB": os.path.join(there, "filled.db"), "HOME": there}
            filled = subprocess.run([os.path.join(FOLDER, "fill"), FILLED_BY.get(name, name), env["HEADROOM_DB"]],
                                    env=env, capture_output=True, text=True, timeout=200)
            self.assertEqual(filled.returncode, 0, filled.stderr)
            for path in (f"{name}.ipynb", "store.py"):
                shutil.copy(os.path.join(FOLDER, path), there)
            done = subprocess.run([NBCONVERT, "--to", "notebook", "--execute", "--output", "done.ipynb", f"{name}.ipynb"],
                                  cwd=there, env=env, capture_output=True, text=True, timeout=200)
            self.assertEqual(done.returncode, 0, done.stderr[-3000:])
            return read(os.path.join(there, "done.ipynb"))

    def check(self, name):
        committed = read(os.path.join(FOLDER, f"{name}.ipynb"))
        self.assertIn(f"`notebooks/fill {name}`", "".join(committed["cells"][0]["source"]))
        self.assertLess(os.path.getsize(os.path.join(FOLDER, f"{name}.ipynb")), BYTES_MAX)
        for cell in code_of(committed):
            self.assertTrue(cell["outputs"], "a cell without output: " + "".join(cell["source"])[:80])
        done = code_of(self.execute(name))
        self.assertEqual(len(done), len(code_of(committed)))
        if name not in FILLED_BY:
            self.assertEqual([kinds(cell) for cell in done], [kinds(cell) for cell in code_of(committed)])

    def test_a_store_that_is_not_there_is_named_with_what_makes_it(self):
        done = subprocess.run([sys.executable, "-c", "import sys; sys.modules['pandas'] = sys; import store; store.connect('x')"],
                              cwd=FOLDER, capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        self.assertIn("x.db is not there; `notebooks/fill x` makes it", done.stderr)


for path in sorted(glob.glob(os.path.join(FOLDER, "*.ipynb"))):
    stem = os.path.splitext(os.path.basename(path))[0]
    setattr(Notebooks, "test_" + stem.replace("-", "_"), lambda self, stem=stem: self.check(stem))

if __name__ == "__main__":
    if NBCONVERT is None:
        print("skipped: no jupyter-nbconvert here (Debian: jupyter-nbconvert python3-ipykernel python3-pandas python3-matplotlib)")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
