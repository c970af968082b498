"""Runs a command some times, one after the other; prints the median of its wall time in ms and of its peak memory in
bytes, by what the kernel says of the process that ended (wait4), as JSON."""

import json
import os
import statistics
import subprocess
import sys
import time

times, command = int(sys.argv[1]), sys.argv[2:]
walls, peaks = [], []
for _ in range(times):
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    walls.append((time.perf_counter() - started) * 1000)
    peaks.append(usage.ru_maxrss * 1024)
    if status != 0:
        sys.exit(f"{command[0]} ended with status {status}")
print(json.dumps({"wall_ms": statistics.median(walls), "peak_bytes": statistics.median(peaks)}))
