"""Which scores a run gets: whatever its abilities and the data's labels allow, on rows it has not seen."""

import json
import sys
from typing import Any

import numpy as np
import torch

from .abilities import Classify, Cluster, Encode, Reconstruct, Sample
from .data import Data, grid_modes, ring_modes
from .errors import BadInput
from .files import write_json
from .run import Run
from .scores import clustering, extractors, frechet, kernel, manifold, modes, probes, reconstruction, transport
from .scores.passport import Score, mean, passport, proportion

ROWS = 5000
"""At most so many rows a side; more would take minutes and change the third digit."""


def evaluate(run: Run, data: Any = None, rows: int = ROWS) -> list[Score]:
    """Score a run on the held-out split of its own data, or on `data`, and keep the scores in scores.json.

    Args:
        run: A run with its data at hand.
        data: Other data to score on; the run's own training rows stay the reference.
        rows: At most so many rows a side, drawn by the run's seed.

    Returns:
        Scores with passports; baselines that share the protocol are scores of their own, named `score[baseline]`.
    """
    reference = some(run.data("train")[-1], rows, run.config["seed"])
    held_out = some(run.data("test")[-1] if data is None else run.read(data, "all"), rows, run.config["seed"])
    scores: list[Score] = []
    for scores_of in (of_clusters, of_codes, of_labels, of_reconstructions, of_samples):
        try:
            scores += scores_of(run, reference, held_out)
        except BadInput as error:  # too few rows for one score is no reason to lose the others
            print(f"note: no scores of {scores_of.__name__.removeprefix('of_')}: {error}", file=sys.stderr)
    signed = [sign(run, score, reference, held_out) for score in scores]
    write_json(run.path / "scores.json", [score.json() for score in signed])
    return signed


def some(data: Data, rows: int, seed: int) -> Data:
    """At most `rows` rows, drawn without replacement."""
    if len(data) <= rows:
        return data
    return data.subset(np.sort(np.random.default_rng(seed).choice(len(data), rows, replace=False)))


def sign(run: Run, score: Score, reference: Data, held_out: Data) -> Score:
    facts: dict[str, Any] = {
        "data": {
            "reference": f"{reference.name} {reference.fingerprint()}",
            "sample": f"{held_out.name} {held_out.fingerprint()}",
        },
        "split": {"reference": reference.split, "sample": held_out.split},
        "precision": score.passport.get("precision") or "fp32",
        "rounds": run.round,
    }
    return score.signed(**facts)


def labelled(data: Data) -> bool:
    return data.labels is not None and len(np.unique(data.labels[data.labels >= 0])) > 1


def of_clusters(run: Run, train: Data, test: Data) -> list[Score]:
    """Unsupervised classes against the labels, beside k-means on the raw rows."""
    game: Any = run.game
    if not (isinstance(game, Cluster) and getattr(game, "categorical", True) and labelled(train) and labelled(test)):
        return []
    train, test = train.subset(train.labelled), test.subset(test.labelled)
    x, y, x_test, y_test = train.x(), train.y().numpy(), test.x(), test.y().numpy()
    found, found_test = game.cluster(x).cpu().numpy(), game.cluster(x_test).cpu().numpy()
    accuracy = clustering.one_to_one(found, y, found_test, y_test)
    flat, flat_test = x.flatten(1).numpy(), x_test.flatten(1).numpy()
    return [accuracy, clustering.nmi(found_test, y_test), *clustering.kmeans(flat, y, flat_test, y_test, clusters=train.classes)]


def of_codes(run: Run, train: Data, test: Data) -> list[Score]:
    """What a nearest neighbour finds in the codes, beside what it finds in the raw rows."""
    game: Any = run.game
    if not (isinstance(game, Encode) and labelled(train) and labelled(test)):
        return []
    train, test = train.subset(train.labelled), test.subset(test.labelled)
    x, y, x_test, y_test = train.x(), train.y().numpy(), test.x(), test.y().numpy()
    raw = probes.knn(x.flatten(1).numpy(), y, x_test.flatten(1).numpy(), y_test).signed(name="knn-1[raw]")
    return [probes.knn(game.encode(x).cpu().numpy(), y, game.encode(x_test).cpu().numpy(), y_test), raw]


def of_labels(run: Run, train: Data, test: Data) -> list[Score]:
    """Accuracy of a game that classifies."""
    game: Any = run.game
    if not (isinstance(game, Classify) and labelled(test)):
        return []
    test = test.subset(test.labelled)
    told = game.classify(test.x()).argmax(1).cpu().numpy()
    return [proportion("accuracy", told == test.y().numpy(), passport(sample=len(test)))]


def of_reconstructions(run: Run, train: Data, test: Data) -> list[Score]:
    """Error and sharpness of reconstructions."""
    game: Any = run.game
    if not isinstance(game, Reconstruct):
        return []
    x = test.x()
    again = game.reconstruct(x).cpu()
    if not test.is_image:
        return [mean("mse", (x - again).square().mean(1).numpy(), passport(sample=len(x)))]
    return [reconstruction.mse(x, again), reconstruction.sharpness(x, again)]


def of_samples(run: Run, train: Data, test: Data) -> list[Score]:
    """Samples against held-out rows: distances and coverage of pictures, modes of the made mixtures, transport of other vectors."""
    game: Any = run.game
    if not isinstance(game, Sample):
        return []
    x = test.x()
    fake = game.sample(len(x), generator=torch.Generator().manual_seed(run.config["seed"])).cpu()
    if test.is_image:
        extractor = extractors.random_network(test.shape, seed=0)  # type: ignore[arg-type]
        a, b = extractor(x), extractor(fake)
        found = [kernel.kernel(a, b), *manifold.manifold(a, b)]
        if len(a) > 2 * a.shape[1]:
            found.append(frechet.frechet(a, b))
        return [extractor.sign(score) for score in found]
    few = transport.emd(x[:500].double().numpy(), fake[:500].double().numpy())
    scores = [Score("emd", float(few.cost), None, passport(reference=len(x[:500]), sample=len(fake[:500])))]
    known = {"ring": ring_modes, "grid": grid_modes}.get(test.name)
    if known is not None:
        mixture = known()
        told = modes.mode_report(fake.numpy(), mixture.centres, mixture.sigma)
        values = {"modes": told.modes, "good-samples": told.good, "reverse-kl": told.reverse_kl}
        scores += [Score(name, float(value), None, passport(sample=len(fake))) for name, value in values.items()]
    return scores


def read_scores(text: str) -> list[Score]:
    """Scores from the text of a scores.json."""
    return [Score.from_json(entry) for entry in json.loads(text)]
