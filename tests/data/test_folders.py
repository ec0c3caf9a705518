import os
import shutil
import struct
import tracemalloc
import zlib
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sparring.data import draw, load, pictures, views
from sparring.errors import BadInput


def picture(value: int = 0, mode: str = "L", size: tuple[int, int] = (32, 32)) -> Image.Image:
    """A plain picture of (width, height)."""
    return Image.new("L", size, value).convert(mode)


def fill(path: Path, count: int = 30, **how: object) -> Path:
    """A folder of plain grey PNGs; picture i has value i."""
    path.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        picture(i % 256, **how).save(path / f"{i:05}.png", compress_level=1)  # type: ignore[arg-type]
    return path


def only(path: Path, name: str, size: object = None) -> np.ndarray:
    """The one row that a file of a folder became."""
    data = load(path, size=size)  # type: ignore[arg-type]
    assert data.files is not None
    return data.rows[np.array([data.files.index(name)])][0]


def truncate(path: Path, keep: float = 0.5) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])


def noise(seed: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8))


def test_pictures_of_one_small_size_stay_as_they_are(tmp_path: Path) -> None:
    data = load(fill(tmp_path / "all", 30, size=(20, 30)))
    assert data.shape == (1, 30, 20)
    assert data.rows[np.arange(30)][:, 0, 0, 0].tolist() == list(range(30))
    assert data.files == tuple(f"{i:05}.png" for i in range(30))
    assert data.labels is None
    assert "as they are" in " ".join(data.notes)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(40, 50), (41, 50)], 32),
        ([(300, 200), (90, 64)], 64),
        ([(129, 129)] * 2, 64),
        ([(128, 128)] * 2, 128),
        ([(200, 9)] * 2, 32),
    ],
    ids=str,
)
def test_other_pictures_are_cropped_and_resized(tmp_path: Path, sizes: list[tuple[int, int]], expected: int) -> None:
    for i, size in enumerate(sizes):
        picture(100, size=size).save(tmp_path / f"{i}.png")
    data = load(tmp_path)
    assert data.shape == (1, expected, expected)
    assert (data.rows[np.arange(2)] == 100).all()
    assert f"{expected} x {expected}" in data.notes[1]
    assert load(tmp_path, size=(16, 24), channels=3).shape == (3, 16, 24)


def test_the_crop_is_about_the_centre(tmp_path: Path) -> None:
    wide = np.zeros((60, 180), np.uint8)
    wide[:, 60:120] = 200
    for name in "ab":
        Image.fromarray(wide).save(tmp_path / f"{name}.png")
    assert load(tmp_path, size=20).rows[np.arange(2)].min() > 180


def test_every_kind_of_picture_a_folder_may_hold(tmp_path: Path) -> None:
    fill(tmp_path, 40, mode="RGB")
    (tmp_path / "text.png").write_text("not a picture")
    noise(0).save(tmp_path / "short.jpg")
    truncate(tmp_path / "short.jpg")
    picture(90, size=(1, 1)).save(tmp_path / "one.png")
    Image.fromarray(np.full((32, 32), 0x80FF, np.uint16)).save(tmp_path / "deep.png")
    Image.new("RGBA", (32, 32), (10, 20, 30, 0)).save(tmp_path / "clear.png")
    Image.new("RGBA", (32, 32), (10, 20, 30, 255)).save(tmp_path / "solid.png")
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(tmp_path / "print.jpg", quality=95)
    frames = [picture(v) for v in (250, 1, 2)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    turned = Image.fromarray(np.repeat([[0], [255]], 16, 0).repeat(32, 1).astype(np.uint8))  # black above white
    exif = Image.Exif()
    exif[0x0112] = 3
    turned.save(tmp_path / "turned.jpg", exif=exif)
    (tmp_path / ".hidden.png").write_text("")
    (tmp_path / "notes.txt").write_text("")

    data = load(tmp_path, size=32)
    assert data.shape == (3, 32, 32)
    assert sorted(name for name, _ in data.skipped) == ["short.jpg", "text.png"]
    assert all(reason for _, reason in data.skipped)
    assert len(data) == 47
    assert (only(tmp_path, "one.png", 32) == 90).all()
    assert (only(tmp_path, "deep.png", 32) == 0x80).all()
    assert (only(tmp_path, "clear.png", 32) == 255).all()
    assert (only(tmp_path, "solid.png", 32) == [10, 20, 30]).all()
    red = only(tmp_path, "print.jpg", 32)
    assert red[..., 0].min() > 200
    assert red[..., 1:].max() < 60
    assert (only(tmp_path, "moving.gif", 32) == 250).all()
    upside = only(tmp_path, "turned.jpg", 32)
    assert upside[:12].min() > 200
    assert upside[-12:].max() < 50
    notes = " ".join(data.notes)
    for word in ("Alpha", "CMYK", "16-bit", "first", "Rotations", "2 hidden", "enlarged", "three equal channels"):
        assert word in notes


def test_grey_files_of_any_kind_make_a_grey_folder(tmp_path: Path) -> None:
    fill(tmp_path, 2)
    picture(50, "1").save(tmp_path / "bits.png")
    picture(50).save(tmp_path / "table.gif")
    Image.new("LA", (32, 32), (50, 128)).save(tmp_path / "alpha.png")
    data = load(tmp_path)
    assert data.shape[0] == 1
    assert (only(tmp_path, "table.gif") == 50).all()
    assert abs(only(tmp_path, "alpha.png").astype(int) - 152).max() <= 1
    picture(50, "RGB").save(tmp_path / "colour.png")
    assert load(tmp_path).shape[0] == 3
    assert load(tmp_path, channels=1).shape[0] == 1


def test_a_bomb_is_skipped(tmp_path: Path) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    fill(tmp_path, 20)
    for name, side in (("large.png", 10_100), ("larger.png", 60_000)):
        header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
        body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    data = load(tmp_path)
    assert [name for name, _ in data.skipped] == ["large.png", "larger.png"]
    assert all("100,000,000" in reason for _, reason in data.skipped)


def test_a_postscript_file_is_never_interpreted(tmp_path: Path) -> None:
    fill(tmp_path, 20)
    (tmp_path / "script.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n%%EndComments\nshowpage\n")
    assert load(tmp_path).skipped == [("script.png", "not a picture, whatever its name says")]


def test_folders_that_cannot_be_data(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file or folder"):
        load(tmp_path / "missing")
    with pytest.raises(BadInput, match="no file or folder"):
        load(str(tmp_path / "missing"))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadInput, match="no pictures"):
        load(empty)
    with pytest.raises(BadInput, match="1 readable of 1"):
        load(fill(tmp_path / "one", 1))
    with pytest.raises(BadInput, match="single picture"):
        load(tmp_path / "one" / "00000.png")
    for bad, count in ((2, 20), (3, 29)):
        path = fill(tmp_path / f"{bad}", count - bad)
        for i in range(bad):
            (path / f"bad{i}.png").write_text("nothing")
        if 10 * bad > count:
            with pytest.raises(BadInput, match=r"3 of 29 pictures cannot be read, first bad0.png"):
                load(path)
        else:
            assert len(load(path).skipped) == bad
    for i, name in enumerate("ab"):
        (empty / f"{name}.png").write_text("nothing" * i)
    with pytest.raises(BadInput, match="0 readable of 2"):
        load(empty)


def test_sub_folders_are_labels(tmp_path: Path) -> None:
    for label in ("10", "9", "2"):
        fill(tmp_path / label, 3)
    data = load(tmp_path)
    assert data.label_names == ("2", "9", "10")
    assert data.files is not None
    assert [data.label_names[y] for y in data.y()] == [name.split(os.sep)[0] for name in data.files]
    fill(tmp_path, 2)
    assert sorted(load(tmp_path).y().tolist()) == [-1, -1, 0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_link_that_leads_back_ends_somewhere(tmp_path: Path) -> None:
    fill(tmp_path / "a", 3)
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert len(load(tmp_path)) == 3


def test_a_table_of_labels(tmp_path: Path) -> None:
    fill(tmp_path, 4)
    table = tmp_path / "labels.csv"
    table.write_text("file,kind,colour\n00000.png,cat,red\n./00002.png,dog,\n00003.png,,blue\ngone.png,dog,red\n")
    data = load(tmp_path)
    assert (data.y().tolist(), data.label_names) == ([0, -1, 1, -1], ("cat", "dog"))
    names, colours = data.attributes["colour"]
    assert (names, colours.tolist()) == (("blue", "red"), [1, -1, -1, 0])
    assert "gone.png" in " ".join(data.notes)
    table.write_text("\ufeff00000.png,cat\n00001.png,dog\n")
    assert load(tmp_path).y().tolist() == [0, 1, -1, -1]
    for bad in ("", "00000.png\n", "00000.png,cat\n00001.png\n", "elsewhere.png,cat\n", "\x00,\x00\n"):
        table.write_text(bad)
        with pytest.raises(BadInput, match=r"labels\.csv"):
            load(tmp_path)
    table.write_bytes(b"\xff\xfe\x00,\n")
    with pytest.raises(BadInput, match=r"labels\.csv"):
        load(tmp_path)


def test_given_labels_win(tmp_path: Path) -> None:
    assert load(fill(tmp_path, 3), labels=["b", "a", "b"]).y().tolist() == [1, 0, 1]
    with pytest.raises(BadInput, match="2 labels for 3 rows"):
        load(tmp_path, labels=[0, 1])


def test_a_folder_read_as_drawn_gives_the_same_rows(tmp_path: Path) -> None:
    for label in "ab":
        fill(tmp_path / label, 30, mode="RGB")
    whole, drawn = load(tmp_path), load(tmp_path, cache_bytes=1000)
    assert "Read as they are drawn" in " ".join(drawn.notes)
    assert drawn.shape == whole.shape
    assert drawn.fingerprint() == whole.fingerprint()
    for split in ("train", "test"):
        assert load(tmp_path, split=split, cache_bytes=1000).x().equal(load(tmp_path, split=split).x())


def test_a_large_folder_costs_a_batch_and_its_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = fill(tmp_path / "few", 1000, mode="RGB"), fill(tmp_path / "many", 4000, mode="RGB")
    decoded = []
    read = pictures.read
    monkeypatch.setattr(pictures, "read", lambda *a: (decoded.append(1), read(*a))[1])
    peaks = []
    for path in (few, many, few, many):  # the first pass fills caches of the interpreter
        tracemalloc.start()
        data = load(path, cache_bytes=2**20)
        assert not decoded
        for x in islice(draw(views.pictures, data, 64, 0, 0, 0), 5):
            assert x.shape == (64, 3, 32, 32)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(decoded) == 5 * 64
        decoded.clear()
    # 3,000 more files of 3,072 bytes decoded would be 9 MB; their names are 60 bytes each, listed a few times.
    assert peaks[3] - peaks[2] < 3000 * 500
    assert peaks[3] < 4 * 2**20


def test_a_file_found_broken_is_replaced_named_and_drawn_alike_later(tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / label).mkdir()
        for i in range(30):
            noise(i).save(tmp_path / label / f"{i:02}.jpg")
    broken = [tmp_path / "a" / "03.jpg", tmp_path / "b" / "07.jpg"]
    for file in broken:
        truncate(file)

    def batches(data: object, round: int) -> list[tuple[list[float], list[int]]]:
        return [(x.mean((1, 2, 3)).tolist(), y.tolist()) for x, y in islice(draw(views.labelled, data, 24, 0, 0, round), 4)]

    data = load(tmp_path, cache_bytes=1)
    assert data.skipped == []
    first = [batches(data, round) for round in range(3)]
    assert sorted(data.skipped)[0][0] == os.path.join("a", "03.jpg")
    assert len(data.skipped) == 2
    # A run resumed at round 2 knows nothing of what was found broken before.
    assert batches(load(tmp_path, cache_bytes=1), 2) == first[2]
    # Labels belong to the rows that replaced the broken ones.
    labels = dict(zip(load(tmp_path).x().mean((1, 2, 3)).tolist(), load(tmp_path).y().tolist(), strict=True))
    means = [(m, y) for rounds in first for xs, ys in rounds for m, y in zip(xs, ys, strict=True)]
    assert sum(any(abs(m - k) < 1e-6 for k in labels) for m, _ in means) == len(means)
    # In order, they are left out.
    assert sum(len(x) for _, x in data.batches(16)) == 58
    assert len(load(tmp_path)) == 58
    with pytest.raises(BadInput, match=r"03\.jpg cannot be read"):
        data.x()


def test_too_many_found_broken_end_the_run(tmp_path: Path) -> None:
    for i in range(30):
        noise(i).save(tmp_path / f"{i:02}.jpg")
        if i % 6 == 0:
            truncate(tmp_path / f"{i:02}.jpg")
    data = load(tmp_path, cache_bytes=1)
    with pytest.raises(BadInput, match="More than 10 %"):
        for _ in islice(draw(views.pictures, data, 10, 0, 0, 0), 20):
            pass


def test_a_folder_emptied_while_it_is_read_is_bad_input(tmp_path: Path) -> None:
    data = load(fill(tmp_path / "gone", 20), cache_bytes=1)
    shutil.rmtree(tmp_path / "gone")
    with pytest.raises(BadInput, match="gone"):
        next(draw(views.pictures, data, 4, 0, 0, 0))


def encoded() -> dict[str, bytes]:
    import io

    out = {}
    for suffix, kind in (
        ("png", "PNG"),
        ("jpg", "JPEG"),
        ("gif", "GIF"),
        ("bmp", "BMP"),
        ("tif", "TIFF"),
        ("webp", "WEBP"),
        ("ppm", "PPM"),
    ):
        stream = io.BytesIO()
        noise(1, (20, 12)).save(stream, kind)
        out[suffix] = stream.getvalue()
    return out


@pytest.mark.parametrize("suffix", sorted(encoded()))
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
def test_a_mutated_picture_is_read_or_skipped(tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    good = encoded()[suffix]
    if not (tmp_path / "00000.png").exists():
        fill(tmp_path, 12)
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, min(len(changed) - 1, 120)))] = data.draw(st.integers(0, 255))
    del changed[data.draw(st.integers(1, len(changed))) :]
    (tmp_path / f"changed.{suffix}").write_bytes(changed)
    for cache_bytes in (2**30, 1):
        loaded = load(tmp_path, cache_bytes=cache_bytes)
        assert len(loaded) + len(loaded.skipped) == 13
    try:
        next(draw(views.pictures, loaded, 13, 0, 0, 0))
    except BadInput as error:
        assert "10 %" in str(error)  # noqa: PT017
