/* The peer of the fan-out benchmarks: a plain heap with one event per delivery. */
#ifndef HEADROOM_TESTS_BENCH_HEAP_PEER_H
#define HEADROOM_TESTS_BENCH_HEAP_PEER_H

/* Processor time of this process. */
double heap_peer_cpu_s(void);

/* Deliveries per second of processor time: a room of 1,000 at a time, its deliveries go in, 4 us
 * apart, and come out among those of the others. What a simulator without ranges does at least:
 * schedule a delivery, take it out in order, count its latency. */
double heap_peer_run(void);

#endif
