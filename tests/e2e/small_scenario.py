"""A scenario that takes milliseconds to run, for tests of what is done with runs."""

SMALL = """{
  "name": "small",
  "populations": { "p": { "connections": 40 } },
  "rooms": { "r": { "size": { "constant": 20 }, "members": ["p"] } },
  "traffic": { "t": { "from": "p", "to": "r", "rate": { "poisson": "5/s per room" }, "bytes": { "constant": 100 } } },
  "nodes": { "n": { "open_files": 200, "fan_out": "write_at_once" } },
  "window": { "measure": "2s" }
}"""
