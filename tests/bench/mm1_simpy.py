"""M/M/1 at rho 0.9 in SimPy: the yardstick of a general-purpose simulator. Prints ns per event and the mean sojourn.

An event is an arrival or an end of service, as in bench_engine; SimPy's own bookkeeping events are not counted, since what
they do is what those two cost there.
"""

import random
import sys
import time

try:
    import simpy
except ImportError:
    sys.exit("SimPy is not installed (Debian: python3-simpy3)")

JOBS = 200_000
ARRIVALS_PER_S = 0.9
sojourns = []


def job(env, server):
    arrived = env.now
    with server.request() as turn:
        yield turn
        yield env.timeout(random.expovariate(1.0))
    sojourns.append(env.now - arrived)


def arrivals(env, server):
    for _ in range(JOBS):
        yield env.timeout(random.expovariate(ARRIVALS_PER_S))
        env.process(job(env, server))


random.seed(1)
env = simpy.Environment()
env.process(arrivals(env, simpy.Resource(env, capacity=1)))
start = time.process_time()
env.run()
elapsed = time.process_time() - start
print(f"{elapsed * 1e9 / (2 * JOBS):.1f} {sum(sojourns) / JOBS:.3f}")
