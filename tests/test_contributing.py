"""CONTRIBUTING.md's worked example works as it stands."""

import re
from pathlib import Path


def test_the_worked_example_keeps_the_contract():
    page = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert "check_game(" in code
    names: dict = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    assert issubclass(names["EagerLSGAN"], names["Game"])
