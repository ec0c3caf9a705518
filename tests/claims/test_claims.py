"""The runner of claims: medians, spreads, what a failed band, a failed run and missing data look like, and the tables."""

import json
import sys
import types
from importlib import import_module
from pathlib import Path

import pytest

from sparring import claims
from sparring.claims import Claim, Row, at_least, at_most, median, run, to_json, to_markdown, write_tables
from sparring.errors import BadInput, RunFailed

KEYS = ["system", "claim", "band", "ours", "spread", "seeds", "baseline", "holds", "command"]


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A system whose figure is its seed."""
    module = types.ModuleType("toy_claims")
    module.measure = lambda seed: {"error": float(seed), "other": 9.0}  # type: ignore[attr-defined]
    module.CLAIMS = (  # type: ignore[attr-defined]
        Claim("toy", "the error", "<= 2", median("error"), at_most(2), median("other")),
        Claim("toy", "the best error | of all", ">= 5", lambda ms: min(m["error"] for m in ms), at_least(5), "none"),
    )
    monkeypatch.setitem(sys.modules, "toy_claims", module)
    monkeypatch.setitem(claims.EVIDENCE, "toy", "toy_claims")
    return module


def rows(seeds: tuple[int, ...] = (1, 2, 7)) -> list[Row]:
    return run(["toy"], seeds, progress=lambda line: None)


def test_rows(toy: types.ModuleType) -> None:
    first, second = rows()
    assert list(first) == KEYS
    assert (first["ours"], first["spread"], first["holds"], first["baseline"]) == (2, (1, 7), True, 9)
    assert (second["ours"], second["holds"], second["baseline"]) == (1, False, "none")
    assert first["seeds"] == [1, 2, 7]
    assert first["command"] == "sparring claims toy --seeds 3"


def test_missing_data_is_skipped_with_its_reason(toy: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(data: tuple[str, ...]) -> None:
        if data:
            raise BadInput(f"{data[0]} is not here: do this.")

    monkeypatch.setattr(claims, "_require", missing)
    toy.DATA = ("mnist",)  # type: ignore[attr-defined]
    said: list[str] = []
    row = run(["toy"], (0,), progress=said.append)[0]
    assert row["holds"] is None
    assert row["ours"] == "mnist is not here: do this."
    assert "skipped" in said[0]
    assert "not measured" in to_markdown([row])


def test_a_seed_that_diverges_fails_the_claim(toy: types.ModuleType) -> None:
    def diverge(seed: int) -> dict[str, float]:
        raise RunFailed("NaN in round 3")

    toy.measure = diverge  # type: ignore[attr-defined]
    assert [row["holds"] for row in rows()] == [False, False]
    assert "NaN in round 3" in str(rows()[0]["ours"])


def test_tables(toy: types.ModuleType, tmp_path: Path) -> None:
    measured = rows()
    assert [path.name for path in write_tables(measured, tmp_path)] == ["toy.json", "toy.md"]
    stored = json.loads((tmp_path / "toy.json").read_text())
    assert stored[0] == {**measured[0], "spread": [1, 7]}
    text = (tmp_path / "toy.md").read_text()
    assert "| the error | <= 2 | 2 | 1 to 7 | 9 | yes |" in text
    assert "of all | >= 5 | 1 | 1 to 7 | none | **no** |" in text.replace("\\|", "|")
    measured[0]["ours"] = float("nan")
    assert json.loads(to_json(measured))[0]["ours"] is None


def test_bad_input(toy: types.ModuleType) -> None:
    with pytest.raises(BadInput, match="did you mean 'toy'"):
        run(["tox"])
    with pytest.raises(BadInput, match="at least one seed"):
        run(["toy"], ())


@pytest.mark.parametrize("system", sorted(claims.EVIDENCE))
def test_every_module_keeps_the_contract(system: str) -> None:
    module = import_module(claims.EVIDENCE[system])
    assert callable(module.measure)
    assert module.CLAIMS
    assert all(isinstance(claim, Claim) and claim.system == system for claim in module.CLAIMS)
    assert all(isinstance(name, str) for name in getattr(module, "DATA", ()))
