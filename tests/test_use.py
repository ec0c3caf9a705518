"""Runs put to use: what is written is what the game says, however it came to be written."""

import sys

import numpy as np
import pytest
import torch

from sparring import use
from sparring.data import load
from sparring.errors import BadInput
from sparring.loop import play
from sparring.run import prepare

ROWS = 50
X = np.random.default_rng(0).integers(0, 256, (ROWS, 8, 8), dtype=np.uint8)
Y = np.arange(ROWS) % 3
OPTIONS = {"bigan": {"network": "conv", "z": 3, "average": 0.9}, "infogan": {}, "triple-gan": {}, "vae-gan": {"z": 3}}


def played(tmp_path, system="bigan"):
    run = prepare(system, load((X, Y)), out=tmp_path / "run", width=8, **OPTIONS.get(system, {}))
    batch = ((torch.from_numpy(X[:, None]).float() / 127.5 - 1)[:16], torch.from_numpy(Y)[:16])
    view = {"semi": (batch, batch[0])}.get(run.game.view, batch[0])
    for _ in play(run.game, lambda t: iter([view] * 9), 0, 3):
        pass
    return run


def read(file):
    with np.load(file) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("system", OPTIONS)
def test_codes_of_a_file_are_those_of_the_game(tmp_path, system):
    run, out = played(tmp_path, system), tmp_path / "codes.npz"
    shape = use.encode(run, (X, Y), out, batch=7)
    found = read(out)
    assert found["codes"].shape == shape
    assert found["codes"].dtype == np.float32
    np.testing.assert_allclose(found["codes"], run.game.encode(load(X).x()).numpy(), atol=1e-5)
    np.testing.assert_array_equal(found["labels"], Y)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["codes.npz"], "parts are removed, and the run was not written"


def test_bfloat16_gives_nearly_the_same_codes(tmp_path):
    run = played(tmp_path)
    for precision in ("fp32", "bf16"):
        use.encode(run, X, tmp_path / f"{precision}.npz", precision=precision)
    exact, near = (read(tmp_path / f"{precision}.npz")["codes"] for precision in ("fp32", "bf16"))
    assert 0 < np.abs(exact - near).max() < 0.05


def test_files_that_cannot_be_read_are_left_out_and_the_others_keep_their_names(tmp_path):
    from PIL import Image

    folder = tmp_path / "pictures"
    for i in range(24):
        (folder / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[i]).save(folder / "ab"[i % 2] / f"{i:02d}.png")
    (folder / "a" / "04.png").write_bytes(b"no picture")
    run, out = played(tmp_path), tmp_path / "codes.npz"
    use.encode(run, folder, out)
    found = read(out)
    names = [name[-6:-4] for name in found["files"]]
    assert "04" not in names
    assert len(names) == len(found["codes"]) == len(found["labels"]) == 23
    expected = run.game.encode(load(X).x([int(name) for name in names]))
    np.testing.assert_allclose(found["codes"], expected.numpy(), atol=1e-5)


def test_a_killed_encoding_goes_on_with_the_first_missing_part(tmp_path, monkeypatch):
    monkeypatch.setattr(use, "PART", 16)  # 50 rows are four parts
    run, out = played(tmp_path), tmp_path / "codes.npz"
    use.encode(run, X, tmp_path / "whole.npz", batch=8)
    kind, encode, rows = type(run.game), type(run.game).encode, []

    def killed(self, x):
        rows.append(len(x))
        if sum(rows) > 40:
            raise KeyboardInterrupt
        return encode(self, x)

    monkeypatch.setattr(kind, "encode", killed)
    with pytest.raises(KeyboardInterrupt):
        use.encode(run, X, out, batch=8)
    assert not out.exists()
    assert len(list((tmp_path / "codes.npz.parts").iterdir())) == 2
    rows.clear()
    use.encode(run, X, out, batch=8)
    assert sum(rows) == ROWS - 2 * 16
    np.testing.assert_array_equal(read(out)["codes"], read(tmp_path / "whole.npz")["codes"])


def test_parts_of_other_weights_are_not_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(use, "PART", 16)
    run, rows = played(tmp_path), load(X)
    before = use.encode_parts(run.game, rows, tmp_path / "parts", 8, "fp32")
    with torch.no_grad():
        next(run.game.parameters()).mul_(2)
    after = use.encode_parts(run.game, rows, tmp_path / "parts", 8, "fp32")
    assert len(after) == len(before) == 4
    assert not set(before) & set(after)


def test_parquet_holds_what_npz_holds(tmp_path, monkeypatch):
    parquet = pytest.importorskip("pyarrow.parquet")
    monkeypatch.setattr(use, "PART", 16)
    run = played(tmp_path)
    for suffix in ("npz", "parquet"):
        use.encode(run, (X, Y), tmp_path / f"codes.{suffix}")
    table, arrays = parquet.read_table(tmp_path / "codes.parquet"), read(tmp_path / "codes.npz")
    np.testing.assert_array_equal(np.array(table["codes"].to_pylist(), np.float32), arrays["codes"])
    np.testing.assert_array_equal(table["labels"].to_numpy(), arrays["labels"])


def test_bad_input_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    run = played(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for words, out, more in (
        ("need pyarrow", "codes.parquet", {}),
        (".npz or .parquet", "codes.csv", {}),
        ("missing", "no/codes.npz", {}),
        ("at least 1", "codes.npz", {"batch": 0}),
        ("fp32 or bf16", "codes.npz", {"precision": "fp8"}),
    ):
        with pytest.raises(BadInput, match=words):
            use.encode(run, X, tmp_path / out, **more)
    with pytest.raises(BadInput, match="vectors"):
        use.encode(run, np.zeros((4, 3)), tmp_path / "codes.npz")
    with pytest.raises(BadInput, match="does not encode"):
        use.encode(prepare("gan", load(X), out=tmp_path / "gan", width=8), X, tmp_path / "codes.npz")
    assert not list(tmp_path.iterdir())


def test_samples_are_drawn_by_seed_and_label(tmp_path):
    run = played(tmp_path, "triple-gan")
    for name, label in (("a", "2"), ("b", "2"), ("c", "1")):
        use.sample(run, tmp_path / f"{name}.npz", 5, seed=3, label=label)
    a, b, c = (read(tmp_path / f"{name}.npz")["images"] for name in "abc")
    assert a.shape == (5, 8, 8, 1)
    assert a.dtype == np.uint8
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    use.sample(run, tmp_path / "grid.png", 5)
    assert (tmp_path / "grid.png").stat().st_size > 100
    with pytest.raises(BadInput, match="label"):
        use.sample(run, tmp_path / "d.npz", 5, label="7")
    with pytest.raises(BadInput, match="--count"):
        use.sample(run, tmp_path / "d.npz", 0)
