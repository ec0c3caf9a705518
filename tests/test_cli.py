"""The command line: every verb, its exit status, and one sentence where something is wrong."""

import gzip
import json
import os
import signal
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import sparring
from sparring import cli
from sparring import run as runs
from sparring.games import SYSTEMS

TOY = ["--width", "4", "--batch", "8"]


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """No data of this machine, no cache, no network, and a place of its own."""
    monkeypatch.delenv("SPARRING_DATA", raising=False)
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with one trained InfoGAN and the labelled pictures it saw."""
    path = tmp_path_factory.mktemp("home")
    rng = np.random.default_rng(0)
    np.savez(path / "toy.npz", images=rng.integers(0, 256, (60, 8, 8), dtype=np.uint8), labels=np.arange(60) % 3)
    run = sparring.train("infogan", path / "toy.npz", rounds=2, batch=8, out=path / "run", quiet=True, width=4, q_hidden=8)
    assert run.round == 2
    return path


def sparring_says(capsys, *arguments):
    """(exit status, stdout, stderr) of one command."""
    status = cli.main([str(a) for a in arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


def refused(capsys, *arguments, status=2):
    """The one sentence of a command that fails."""
    found, _, error = sparring_says(capsys, *arguments)
    lines = [line for line in error.splitlines() if not line.startswith(("round ", "note: ", "Doctor: "))]
    assert found == status, error
    assert len(lines) == 1, error
    assert lines[0].startswith("sparring: ")
    assert "Traceback" not in error
    assert "fault of sparring" not in error
    return lines[0]


# ── train ────────────────────────────────────────────────────────────────────────────────
def pictures(folder, n=24):
    """Pictures of many sizes and kinds, and one file that is none."""
    rng = np.random.default_rng(0)
    (folder / "cats").mkdir(parents=True)
    (folder / "dogs").mkdir()
    for i in range(n):
        h, w = 9 + i % 3, 12 + i % 2
        image = Image.fromarray(rng.integers(0, 256, (h, w, 4), dtype=np.uint8), "RGBA").convert(("RGB", "RGBA", "L")[i % 3])
        image.save(folder / ("cats", "dogs")[i % 2] / f"{i:02d}.png")
    (folder / "cats" / "notes.png").write_text("not a picture")
    return folder


def test_a_folder_of_pictures_and_nothing_else(tmp_path, capsys):
    folder = pictures(tmp_path / "pets")
    status, told, _ = sparring_says(capsys, "train", "infogan", folder, "--rounds", "2", *TOY)
    assert status == 0
    plan, _, results = told.partition("Run: runs/infogan-pets-1\n")
    assert "pets: 19 pictures of " in plan
    assert "3 channels, 2 labels" in plan
    assert "skipped cats/notes.png: not a picture, whatever its name says" in plan
    assert "24 pictures in" in plan
    assert "pictures of at least 8 pixels a side get convolutions" in plan
    assert "generator: " in plan
    assert "discriminator: " in plan
    assert "parameters" in plan
    assert "Time: about " in plan
    assert "Memory: about " in plan
    assert "batches of 8, fp32, seed 0" in plan
    assert results.rstrip().endswith("Report: runs/infogan-pets-1/report.html")
    assert (tmp_path / "runs" / "infogan-pets-1" / "report.html").stat().st_size > 1000
    assert json.loads((tmp_path / "runs" / "infogan-pets-1" / "run.json").read_text())["rounds"] == 2
    assert sparring_says(capsys, "encode", "runs/infogan-pets-1", folder, "--out", "codes.npz")[0] == 0
    with np.load("codes.npz") as codes:
        assert len(codes["codes"]) == len(codes["labels"]) == len(codes["files"]) == 24
        assert sorted(codes["files"])[0].startswith("cats")


@pytest.mark.parametrize("n", [2, 5])
def test_a_handful_of_pictures_ends_with_a_report_and_says_which_scores_it_is_too_few_for(tmp_path, capsys, n):
    folder = tmp_path / "few"
    folder.mkdir()
    for i in range(n):
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    status, told, error = sparring_says(capsys, "train", "gan", folder, "--rounds", "1", "--size", "8", *TOY)
    assert status == 0
    assert "Report: runs/gan-few-1/report.html" in told
    assert "note: no scores of samples: " in error


def idx(path, array):
    with gzip.open(path, "wb") as file:
        file.write(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.mark.parametrize("kind", ["npy", "npz", "idx"])
def test_arrays_in_files(tmp_path, capsys, kind):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (30, 8, 8), dtype=np.uint8)
    if kind == "npy":
        np.save("toy.npy", rng.normal(size=(30, 3)))
        file, expected = "toy.npy", "toy: 24 vectors of 3, no labels"
    elif kind == "npz":
        np.savez("toy.npz", images=x, labels=np.arange(30) % 2)
        file, expected = "toy.npz", "toy: 24 pictures of 8x8, 1 channel, 2 labels"
    else:
        file = "toy-images-idx3-ubyte.gz"
        idx(tmp_path / file, x)
        expected = "24 pictures of 8x8, 1 channel, no labels"
    status, told, _ = sparring_says(capsys, "train", "gan", file, "--rounds", "1", "--out", "run", *TOY)
    assert status == 0
    assert expected in told
    assert told.rstrip().endswith("Report: run/report.html")


def test_options_reach_the_run(home, capsys):
    arguments = [
        "--objective",
        "minimax",
        "--average",
        "0.9",
        "--betas",
        "0",
        "0.9",
        "--spectral",
        "--seed",
        "3",
        "--precision",
        "bf16",
    ]
    status, told, _ = sparring_says(capsys, "train", "gan", home / "toy.npz", "--rounds", "1", "--out", "run", *TOY, *arguments)
    assert status == 0
    assert "bf16, seed 3" in told
    config = json.loads((runs.Path("run") / "run.json").read_text())
    assert config["seed"] == 3
    assert config["precision"] == "bf16"
    options = config["options"]
    assert (options["objective"], options["average"], options["betas"], options["spectral"]) == ("minimax", 0.9, [0.0, 0.9], True)


def test_two_domains(home, tmp_path, capsys):
    arguments = ["train", "dann", home / "toy.npz", home / "toy.npz", "--rounds", "1", "--out", "run", *TOY]
    status, told, _ = sparring_says(capsys, *arguments)
    assert status == 0
    assert told.count("Data: toy") == 2
    assert sparring.load("run").round == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trian"], "There is no verb 'trian'; did you mean 'train'?"),
        (["train", "gna", "TOY"], "There is no system 'gna'; did you mean 'gan'?"),
        (["train", "gan"], "Say what to train on"),
        (["train", "gan", "digts"], "There is no data set 'digts'; did you mean 'digits'?"),
        (["train", "gan", "no/such/folder"], "There is no file or folder no/such/folder"),
        (["train", "gan", "TOY", "--roundz", "3"], "There is no option 'roundz'; did you mean 'rounds'?"),
        (["train", "gan", "TOY", "--rounds", "many"], "--rounds"),
        (["train", "gan", "TOY", "--rounds", "0"], "--rounds is a whole number of at least 1, not 0"),
        (["train", "gan", "TOY", "--batch", "1"], "--batch is a whole number of at least 2, not 1"),
        (["train", "gan", "TOY", "--seed", "-1"], "--seed is a whole number of at least 0, not -1"),
        (["train", "gan", "TOY", "--device", "gpu"], "--device: 'gpu' is none that can be used here"),
        (["train", "gan", "TOY", "--precision", "fp64"], "Invalid choice 'fp64'"),
        (["train", "gan", "TOY", "--objective", "minmax"], "Invalid choice 'minmax'"),
        (["train", "gan", "TOY", "--lr", "-1"], "No GAN can be made with lr=-1.0: "),
        (["train", "gan", "TOY", "--hidden", "-3"], "No GAN can be made with hidden=-3: "),
        (["train", "gan", "TOY", "--lr", "nan"], "Option --lr takes float, not nan"),
        (["train", "infogan", "TOY", "--uniform", "-2"], "A trial round of infogan with these options fails"),
        (["train", "gan", "TOY", "--size", "0"], "a size is one whole number of pixels"),
        (["train", "gan", "TOY", "--packing", "3", "--batch", "8"], "--packing 3 does not divide the batch of 8"),
        (["train", "gan", "TOY", "TOY"], "gan plays on one data set, not on 2"),
        (["train", "dann", "TOY"], "dann goes from one data set to another: give two"),
        (["train", "gan", "TOY", "--out", "HOME"], "exists already; give another --out"),
        (["train", "gan", "TOY", "--rounds", "1", "--out", "TOY/run"], "cannot be written"),
        (["train", "triple-gan", "ring", "--rounds", "--help-me"], "There is no option 'help-me'"),
        (["resume", "nothing"], "There is no run at nothing"),
        (["resume", "HOME"], "run.json is missing"),
        (["resume"], "run"),
        (["resume", "RUN", "--rounds", "0"], "--rounds is a whole number of at least 1, not 0"),
        (["sample", "RUN"], "out"),
        (["sample", "RUN", "--out", "x.gif"], "--out must end in .png or .npz, not 'x.gif'"),
        (["sample", "RUN", "--out", "nowhere/x.png"], "the folder nowhere is missing or cannot be written"),
        (["sample", "RUN", "--out", "x.png", "--count", "0"], "--count must be at least 1, not 0"),
        (["sample", "RUN", "--out", "x.png", "--seed", str(2**80)], "--seed is a whole number from 0"),
        (["sample", "RUN", "--out", "x.png", "--label", "1"], "infogan takes no --label"),
        (["encode", "RUN", "TOY", "--out", "x.npy"], "--out must end in .npz"),
        (["encode", "RUN", "TOY", "--out", "x.npz", "--batch", "0"], "--batch must be at least 1, not 0"),
        (["encode", "RUN", "ring", "--out", "x.npz"], "vectors"),
        (["encode", "RUN", "nothing", "--out", "x.npz"], "nothing"),
        (["evaluate", "RUN", "nothing"], "nothing"),
        (["evaluate", "nothing"], "There is no run at nothing"),
        (["report", "nothing"], "There is no run at nothing"),
        (["data", "digts"], "There is no data set 'digts'; did you mean 'digits'?"),
        (["lab", "divergence"], "There is no experiment 'divergence'; did you mean 'divergences'?"),
        (["claims", "gna"], "did you mean 'gan'?"),
        (["systems", "--jsn"], "There is no option 'jsn'; did you mean 'json'?"),
        (["systems", "extra"], "Unrecognized"),
    ],
    ids=lambda a: " ".join(a) if isinstance(a, list) else "",
)
def test_bad_input_is_one_sentence_exit_status_2_and_nothing_written(home, tmp_path, capsys, arguments, sentence):
    places = {"HOME": str(home), "TOY": str(home / "toy.npz"), "RUN": str(home / "run")}
    before = sorted(home.rglob("*"))
    for name, place in places.items():
        arguments = [place + a.removeprefix(name) if a == name or a.startswith(f"{name}/") else a for a in arguments]
    assert sentence in refused(capsys, *arguments)
    assert sorted(home.rglob("*")) == before
    assert not [p for p in tmp_path.rglob("*") if p.name != "cache"]


def test_debug_shows_where(home, capsys):
    with pytest.raises(sparring.errors.BadInput):
        cli.main(["train", "gna", "digits", "--debug"])
    with pytest.raises(sparring.errors.BadInput):
        cli.main(["--debug", "resume", "nothing"])


def test_what_fails_while_running_is_exit_status_1_and_keeps_the_last_checkpoint(home, capsys, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs, "save_grid", full)
    told = refused(capsys, "train", "gan", home / "toy.npz", "--rounds", "2", "--out", "run", *TOY, status=1)
    assert "No space left on device" in told
    assert sparring.load("run").round == 0


def test_a_fault_of_ours_is_still_one_sentence(capsys, monkeypatch):
    def fault(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setitem(cli.VERBS, "systems", lambda: fault())
    status, _, error = sparring_says(capsys, "systems")
    assert status == 1
    assert error == "sparring: ZeroDivisionError: division by zero (this is a fault of sparring; --debug shows where).\n"


def test_a_reader_that_goes_away_is_no_failure(monkeypatch):
    def closed(*_):
        raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", open(os.devnull, "w"))  # noqa: SIM115  # main closes it
    monkeypatch.setitem(cli.VERBS, "systems", lambda: closed())
    assert cli.main(["systems"]) == 0


# ── stopping and going on ────────────────────────────────────────────────────────────────
def test_interrupted_is_exit_status_130_and_resume_goes_on(home, capsys, monkeypatch):
    log = runs.Run._log

    def interrupting(run, line):
        log(run, line)
        if line["round"] == 2:
            signal.raise_signal(signal.SIGINT)

    command = ["train", "gan", home / "toy.npz", "--rounds", "6", *TOY]
    with monkeypatch.context() as patch:
        patch.setattr(runs.Run, "_log", interrupting)
        status, told, _ = sparring_says(capsys, *command, "--out", "run")
    assert status == 130
    assert told.endswith("Stopped after round 3 of 6; go on with: sparring resume run\n")
    status, told, _ = sparring_says(capsys, "resume", "run")
    assert status == 0
    assert "Report: run/report.html" in told
    assert sparring_says(capsys, *command, "--out", "whole")[0] == 0
    networks = [(runs.Path(name) / "checkpoint" / "networks.safetensors").read_bytes() for name in ("run", "whole")]
    assert networks[0] == networks[1]
    status, told, _ = sparring_says(capsys, "resume", "run")
    assert status == 0
    assert told == "run has played its 6 rounds; give --rounds for more.\n"
    assert sparring_says(capsys, "resume", "run", "--rounds", "7")[0] == 0
    assert sparring.load("run").round == 7


def test_ctrl_c_outside_play_is_exit_status_130(capsys, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setitem(cli.VERBS, "systems", interrupt)
    assert sparring_says(capsys, "systems")[::2] == (130, "sparring: interrupted; whatever checkpoint was written is kept.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_real_process_that_is_asked_to_end(home, tmp_path):
    """SIGTERM to `python -m sparring`: a whole checkpoint, exit status 130, and no traceback."""
    command = [
        sys.executable,
        "-m",
        "sparring",
        "train",
        "gan",
        str(home / "toy.npz"),
        "--rounds",
        "1000000",
        "--out",
        "run",
        *TOY,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("Run: "):
                break
        while not (tmp_path / "run" / "checkpoint" / "progress.json").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        told, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "go on with: sparring resume run" in told
    assert "Traceback" not in error
    assert sparring.load(tmp_path / "run").round >= 1


# ── using a run ──────────────────────────────────────────────────────────────────────────
def test_samples_are_the_same_for_the_same_seed(home, tmp_path, capsys):
    for out, seed in (("a.npz", 5), ("b.npz", 5), ("c.npz", 6), ("a.png", 5), ("b.png", 5)):
        status, told, _ = sparring_says(capsys, "sample", home / "run", "--count", "7", "--out", out, "--seed", seed)
        assert (status, told) == (0, f"7 samples: {out}\n")
    a, b, c = (dict(np.load(f"{name}.npz")) for name in "abc")
    assert list(a) == ["images"]
    assert a["images"].shape == (7, 8, 8, 1)
    assert a["images"].dtype == np.uint8
    assert np.array_equal(a["images"], b["images"])
    assert not np.array_equal(a["images"], c["images"])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open("a.png") as grid:
        assert grid.mode == "L"
    assert not list(tmp_path.glob("*.part"))


def test_samples_of_vectors_and_of_a_label(home, tmp_path, capsys):
    np.savez("points.npz", x=np.random.default_rng(0).normal(size=(40, 2)), labels=np.array(["a", "b"] * 20))
    sparring.train("triple-gan", "points.npz", rounds=1, batch=8, out="run", quiet=True, width=4)
    assert sparring_says(capsys, "sample", "run", "--count", "5", "--out", "x.npz", "--label", "b")[0] == 0
    assert sparring_says(capsys, "sample", "run", "--count", "5", "--out", "y.npz", "--label", "1")[0] == 0
    x, y = (np.load(name)["x"] for name in ("x.npz", "y.npz"))
    assert x.shape == (5, 2)
    assert x.dtype == np.float32
    assert np.array_equal(x, y)
    assert "There is no label 'c'" in refused(capsys, "sample", "run", "--out", "z.npz", "--label", "c")


def test_a_disk_that_is_full_leaves_no_half_file(home, tmp_path, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sparring.use.save_grid", full)
    assert "x.png could not be written (No space left on device)" in refused(capsys, "sample", home / "run", "--out", "x.png")
    assert not list(tmp_path.glob("x.png*"))


def test_codes_come_with_labels(home, capsys):
    status, told, _ = sparring_says(capsys, "encode", home / "run", home / "toy.npz", "--out", "codes.npz", "--batch", "7")
    assert (status, told) == (0, "60 codes of 12 numbers: codes.npz\n")
    with np.load("codes.npz") as found:
        assert sorted(found) == ["codes", "labels"]
        assert found["codes"].shape == (60, 12)
        assert found["codes"].dtype == np.float32
        assert found["labels"].tolist() == [i % 3 for i in range(60)]
        run = sparring.load(home / "run")
        assert np.allclose(found["codes"], run.game.encode(run.read(home / "toy.npz").x()).numpy(), atol=1e-4)


def test_a_system_that_does_not_encode_says_so(home, capsys):
    sparring.train("gan", home / "toy.npz", rounds=1, batch=8, out="run", quiet=True, width=4)
    assert "gan does not encode" in refused(capsys, "encode", "run", home / "toy.npz", "--out", "x.npz")


def test_scores_as_json_and_as_text(home, capsys):
    status, told, _ = sparring_says(capsys, "evaluate", home / "run", "--json")
    assert status == 0
    scores = json.loads(told)
    assert {score.keys() == {"name", "value", "passport"} for score in scores} == {True}
    assert scores == sparring.load(home / "run").scores
    status, told, _ = sparring_says(capsys, "evaluate", home / "run")
    assert status == 0
    for score in scores:
        assert score["name"] in told
    status, told, _ = sparring_says(capsys, "evaluate", home / "run", home / "toy.npz", "--json")
    assert {score["passport"]["split"]["sample"] for score in json.loads(told)} == {"all"}


def test_the_report_says_where_it_is(home, capsys):
    status, told, _ = sparring_says(capsys, "report", home / "run")
    assert status == 0
    assert told.rstrip().endswith(f"Report: {home / 'run' / 'report.html'}")
    assert (home / "run" / "report.html").exists()


# ── finding out ──────────────────────────────────────────────────────────────────────────
def test_systems_as_json_and_as_text(capsys):
    status, told, _ = sparring_says(capsys, "systems", "--json")
    assert status == 0
    rows = json.loads(told)
    assert [row["name"] for row in rows] == list(SYSTEMS)
    for row in rows:
        assert row.keys() >= {"name", "about", "paper", "abilities"}
        assert row["about"].endswith(".")
        assert "(" in row["paper"], row["name"]
        assert row["abilities"]
    status, told, _ = sparring_says(capsys, "systems")
    assert all(f"{name} " in told for name in SYSTEMS)


def test_data_sets_and_where_they_are(capsys):
    status, told, _ = sparring_says(capsys, "data")
    assert status == 0
    assert "digits" in told
    assert "not here" in told
    status, told, _ = sparring_says(capsys, "data", "digits")
    assert status == 0
    assert "made here" in told or "here:" in told


def test_experiments_are_listed(capsys):
    status, told, _ = sparring_says(capsys, "lab")
    assert status == 0
    assert "divergences" in told.splitlines()


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]], ids=str)
def test_help_lists_every_verb(capsys, arguments):
    status, told, _ = sparring_says(capsys, *arguments)
    assert status == 0
    assert all(f"  {verb}" in told for verb in cli.VERBS)


@pytest.mark.parametrize("verb", [verb for verb in cli.VERBS if verb != "train"])
def test_help_of_every_verb(capsys, verb):
    status, told, error = sparring_says(capsys, verb, "--help")
    assert (status, error) == (0, "")
    assert f"usage: sparring {verb}" in told


def test_help_of_train_explains_every_option_of_a_system(capsys):
    status, told, _ = sparring_says(capsys, "train", "infogan", "--help")
    assert status == 0
    for name, option in sparring.options.options_of(SYSTEMS["infogan"]).items():
        assert f"--{name.replace('_', '-')}" in told
        assert option.help.split()[0] in told
    assert "default: 5000" in told
    status, told, _ = sparring_says(capsys, "train", "--help")
    assert status == 0
    assert "sparring train SYSTEM --help" in told


def test_version(capsys):
    assert sparring_says(capsys, "--version")[:2] == (0, f"sparring {sparring.__version__}\n")


def test_importing_costs_nothing():
    """Neither the package nor `sparring --help` pulls anything heavy in."""
    code = (
        "import sys, sparring, sparring.cli\n"
        "assert sparring.cli.main(['--help']) == 0\n"
        "print([m for m in ('torch', 'numpy', 'sklearn', 'scipy', 'matplotlib', 'PIL', 'rich', 'tyro') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[-1] == "[]"


def test_a_trained_run_needs_nothing_that_draws_or_scores():
    code = (
        "import sys, sparring.run\n"
        "print([m for m in ('sklearn', 'scipy', 'matplotlib', 'rich', 'tyro', 'torchvision') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[-1] == "[]"
