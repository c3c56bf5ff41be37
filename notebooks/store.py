"""What the notebooks share: a store opened for reading, and its runs as tables with the fields that vary as columns."""
import json
import os
import sqlite3
import struct

import pandas


def connect(name):
    """The store that `notebooks/fill NAME` made: NAME.db here, or what HEADROOM_DB names."""
    path = os.environ.get("HEADROOM_DB", f"{name}.db")
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path} is not there; `notebooks/fill {name}` makes it")
    return sqlite3.connect(f"file:{os.path.abspath(path)}?mode=ro", uri=True)


def field(scenario, path):
    """The value at a dotted path of a scenario's canonical text."""
    value = json.loads(scenario)
    for key in path.split("."):
        value = value[key]
    return value


def runs(store, command, fields, metrics):
    """One row per run of a command that ended: `fields` (column: path in the scenario), `metrics`, its verdict and what broke."""
    rows = []
    query = """SELECT r.id, r.kind, r.load_scale, s.name, s.text FROM runs r JOIN scenarios s ON s.hash = r.scenario
               WHERE r.command = ? AND r.state = 'done' ORDER BY r.id"""
    for run, kind, scale, name, text in store.execute(query, (command,)):
        found = {metric: (value, words) for metric, value, words in
                 store.execute("SELECT name, value, text FROM metrics WHERE run = ?", (run,))}
        row = {"run": run, "kind": kind, "scenario": name, "scale": scale}
        row.update({column: field(text, path) for column, path in fields.items()})
        row.update({metric: found.get(metric, (None,))[0] for metric in metrics})
        row.update({words: found.get(words, (None, None))[1] for words in ("verdict", "broke")})
        rows.append(row)
    return pandas.DataFrame(rows)


def series(store, run, name):
    """(step in seconds, values) of a run's series."""
    step_ns, doubles = store.execute("SELECT step_ns, doubles FROM series WHERE run = ? AND name = ?", (run, name)).fetchone()
    return step_ns / 1e9, struct.unpack(f"<{len(doubles) // 8}d", doubles)


def size(text):
    """'64KiB' as a number of bytes."""
    units = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
    number = text.rstrip("BKMGi")
    return float(number) * units[text[len(number):]]


def seconds(text):
    """'500ms' as a number of seconds."""
    units = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}
    number = text.rstrip("nusmih")
    return float(number) * units[text[len(number):]]
