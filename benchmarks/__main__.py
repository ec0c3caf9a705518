"""`python -m benchmarks [--seconds S] [--out FILE]`: times everything, prints a table, writes the rows with machine and versions."""

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any, Literal

import torch
import tyro

import sparring

from . import encode, training

KEYS = ("work", "peer", "precision", "ratio", "spread", "gflop", "share_of_peak", "peak_memory_mb")


RESULTS = Path(__file__).with_name("results.json")


def main(seconds: float = 15.0, clock: Literal["wall", "cpu"] = "wall", only: str = "", out: Path = RESULTS) -> None:
    """Time our rounds and codes against the plain way of doing the same.

    Args:
        seconds: Seconds of turns for each training work; the whole takes a few minutes more.
        clock: Of the training works: seconds on the wall, or the processor's, which bear a busy machine but one thread only
            (OMP_NUM_THREADS=1).
        only: How the names of the works begin, such as "dcgan" or "encode"; all by default.
        out: Where the rows go, as JSON.
    """
    rows = training.rows(seconds, clock, only, say)
    write(rows, out)  # so that whoever stops here has these
    if "encode".startswith(only):
        rows += encode.rows()
        write(rows, out)
    print(table(json.loads(out.read_text())))


def write(rows: list[dict[str, Any]], out: Path) -> None:
    """A list of rows, each with every key of `KEYS` (null where a work has no such figure), the machine and the versions."""
    beside = {"machine": machine(), "versions": versions()}
    whole = [{**dict.fromkeys(KEYS), **row, **beside} for row in rows]
    out.write_text(json.dumps(whole, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """What decides the speed, and nothing that says whose machine it is."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {
        "processor": model,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
    }


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), "torch": torch.__version__, "sparring": sparring.__version__}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows for reading, as a Markdown table."""
    lines = [
        "| work | against | precision | times as fast | quartiles | GFLOP | of peak | MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        share = "-" if row["share_of_peak"] is None else f"{row['share_of_peak']:.0%}"
        memory = "-" if row["peak_memory_mb"] is None else f"{row['peak_memory_mb']:.0f}"
        low, high = row["spread"]
        cells = [row["work"], row["peer"], row["precision"], f"{row['ratio']:.2f}", f"{low:.2f} to {high:.2f}"]
        lines.append("| " + " | ".join([*cells, f"{row['gflop']:.3g}", share, memory]) + " |")
    return "\n".join(lines)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    tyro.cli(main)
