"""OpenCPU's own server, as it was measured once: it is not installed with Larder.

OpenCPU 2.2.12 with its single-user server on R 4.2.2, on loopback, on the machine on which the
engine was designed, with other load (2 cores, load average 1.5 to 7). These numbers are never
measured by `script/bench`. A ratio to them is no more than a hint: it mixes two runs, and perhaps
two machines.
"""

NAME = "OpenCPU, not of this run"
P50_S = 0.104
"""Of rnorm(3) at one client: the least of the medians of several runs (0.104 to 0.188)."""
CALLS_PER_S = {1: 10.0, 2: 5.0, 4: 6.0, 8: 12.0}
"""Of the same call, by the number of clients that ask at a time."""
CHAIN_S = {1_000: 0.892, 200_000: 1.897}
"""Median of read.csv, group_by and summarise as three calls, by the number of rows."""
