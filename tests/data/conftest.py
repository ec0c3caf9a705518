from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No data of this machine, no cache, no network."""
    monkeypatch.delenv("SPARRING_DATA", raising=False)
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))

    def fetch(*_: object) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr("sparring.data.named.fetch", fetch)
