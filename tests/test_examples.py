"""The examples run, and print a comparison."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))


def test_the_three_examples_are_here():
    names = {"classifier_from_100_labels", "features_for_few_labels", "from_one_domain_to_another"}
    assert names <= {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_compares(path, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path), "--quick"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shares = [float(share) for share in re.findall(r"([\d.]+) %", done.stdout)]
    assert len(shares) >= 2
    assert all(0 < share <= 100 for share in shares)
    assert not list(tmp_path.iterdir()), "nothing is written"
