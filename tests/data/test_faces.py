import numpy as np
import pytest

from sparring.data import faces, load
from sparring.errors import BadInput


def test_faces_are_made_once_and_know_their_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("python_avatars", reason="the extra faces is not installed")
    pytest.importorskip("resvg_py", reason="the extra faces is not installed")
    data = faces.faces(24, seed=3)
    assert (len(data), data.shape, data.label_names) == (24, (3, 64, 64), ("short hair", "long hair"))
    assert set(data.attributes) == set(faces.PARTS) | set(faces.COARSE)
    for names, column in data.attributes.values():
        assert column.shape == (24,)
        assert column.max() < len(names)
    rows = data.rows[np.arange(24)]
    assert (rows[:, 0, 0] == 255).mean() > 0.9  # white behind the heads
    assert len({row.tobytes() for row in rows}) == 24
    monkeypatch.setattr(faces, "make", lambda *_: pytest.fail("made twice"))
    assert faces.faces(24, seed=3).fingerprint() == data.fingerprint()
    assert str(faces.find(24, 3)).endswith("faces-24-3.npz")


def test_what_is_labelled_is_drawn() -> None:
    """Every hair style kept shows beard, glasses, mouth and skin, so that their labels cannot lie."""
    python_avatars = pytest.importorskip("python_avatars", reason="the extra faces is not installed")
    pytest.importorskip("resvg_py", reason="the extra faces is not installed")
    plain = {column: next(iter(getattr(python_avatars, enumeration))) for column, (enumeration, _) in faces.PARTS.items()}
    plain["clothing"] = python_avatars.ClothingType.HOODIE
    other = {
        "facial_hair": python_avatars.FacialHairType.BEARD_LIGHT,
        "accessory": python_avatars.AccessoryType.ROUND,
        "mouth": python_avatars.MouthType.BIG_SMILE,
        "skin": python_avatars.SkinColor.BLACK,
    }
    for hair in python_avatars.HairType:
        if hair.name in faces.PARTS["hair"][1]:
            continue
        parts = {**plain, "hair": hair}
        face = faces._draw(python_avatars, parts)
        for column, kind in other.items():
            assert (faces._draw(python_avatars, {**parts, column: kind}) != face).any(axis=2).sum() > 20, (hair, column)
        coloured = (faces._draw(python_avatars, {**parts, "hair_color": python_avatars.HairColor.PLATINUM}) != face).any()
        assert coloured == (hair.name not in faces.COLOURLESS), hair


def test_faces_without_the_extra_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "python_avatars", None)
    with pytest.raises(BadInput, match=r"sparring\[faces\]"):
        load("faces")
    with pytest.raises(BadInput, match="at least two"):
        faces.faces(1)
