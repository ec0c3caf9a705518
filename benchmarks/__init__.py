"""Speed, side by side: what we do against the plain way of doing the same, in one process, in turns. `python -m benchmarks`."""
