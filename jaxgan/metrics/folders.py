"""`evaluate_folders`: what a folder of pictures is worth, whatever made them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxgan.cache import expanded
from jaxgan.data import Folder
from jaxgan.data.base import composed
from jaxgan.errors import UserError
from jaxgan.media import Picture
from jaxgan.metrics import named
from jaxgan.metrics.evaluation import result, write
from jaxgan.metrics.real import Features, RealExamples
from jaxgan.metrics.seeing import check_sizes, see
from jaxgan.metrics.sources import folder_files, folder_pictures


def evaluate_folders(
    real: str | Path | None,
    fake: str | Path,
    metrics: Sequence[str] = Picture.metrics,
    features: Features | None = None,
    features_file: str | Path | None = None,
    seed: int = 0,
    reference: str | Path | None = None,
    *,
    json_file: str | Path | None = None,
    save_statistics: str | Path | None = None,
) -> dict[str, Any]:
    """Score a folder of pictures against a folder of real ones. All are of one size, and taken as they are.

    Args:
        real: the folder; None with `reference`. Its subfolders are the classes of the feature network classifier.
        fake: the folder. For psnr, ssim and lpips its pictures have the names of their real ones, save for the suffix.
        metrics: of fid, kid, inception_score, precision_recall, density_coverage, ms_ssim, leak, psnr, ssim, lpips.
        features: the feature network.
        features_file: the weights of inception or vgg16; of lpips, those of VGG16.
        seed: of what a metric draws.
        reference: statistics of the real pictures, as `save_statistics` wrote them; for fid.
        json_file: where the figures are written, if anywhere.
        save_statistics: a file for the statistics of the real pictures.

    Returns:
        As `jaxgan.metrics.evaluation.evaluate`.

    Raises:
        UserError: the sentence says what is wrong: pictures that cannot be read or differ in size, metrics that need more.
    """
    metrics = named.check_names(metrics, ("sets", "pairs"), "it looks at a generator, not at pictures: give a workdir")
    named.check_medium(metrics, Picture())
    fakes = folder_files(fake)
    reals = folder_files(real) if real is not None else []
    of_sets = [name for name in metrics if named.find(name).OF == "sets"]
    pairs = [name for name in metrics if named.find(name).OF == "pairs"]
    if not reals and (pairs or save_statistics or not set(of_sets) <= {"fid", "inception_score"}):
        raise UserError(
            "these metrics need the real pictures: give --real DIR (fid alone can do with --reference FILE)"
        )
    if not reals and "fid" in of_sets and reference is None:
        raise UserError("fid needs the real pictures: give --real DIR, or their statistics, --reference FILE")
    figures, network = {}, None
    if of_sets:
        # In an order of chance, always the same: some metrics take the first of the larger set, and names go by class.
        mixed_fakes, mixed_reals = _mixed(fakes), _mixed(reals)
        shape = next(folder_pictures(fakes)).shape[1:]
        if reals:
            check_sizes(next(folder_pictures(reals)).shape[1:], shape, real, fake)
        data = Folder(path=str(real), size=shape[:2], crop="none") if reals else None
        pictures = RealExamples(data, features, features_file, reference, files=mixed_reals)
        network = pictures.network(of_sets)
        seen_real = pictures.see(of_sets, save_statistics)
        seen = see("generated", folder_pictures(mixed_fakes), network, of_sets, expected=len(fakes))
        check_sizes(seen_real.shape if seen_real else None, seen.shape, real or reference, fake)
        figures = {name: named.find(name).figures(seen_real, seen, network, seed) for name in of_sets}
    if pairs:
        figures |= _score_pairs(pairs, _paired(reals, Path(real), fakes, Path(fake)), features_file)
    count = {"real": len(reals) or None, "generated": len(fakes)}
    found = result({name: figures[name] for name in metrics}, count, network, None, seed)
    if json_file:
        write(expanded(json_file), found)
    return found


def _mixed(files: list[Path]) -> list[Path]:
    return [files[index] for index in np.random.default_rng(0).permutation(len(files))]


def _paired(reals: list[Path], real: Path, fakes: list[Path], fake: Path) -> list[tuple[Path, Path]]:
    """(real, fake) for each name, by the path below the folder without its suffix.

    Raises:
        UserError: a name is in one folder only, or twice.
    """

    def named(files, folder):
        names = {composed(str(path.relative_to(expanded(folder)).with_suffix(""))): path for path in files}
        if len(names) < len(files):
            raise UserError(
                f"{folder} has pictures that differ in their suffix alone, and pairs are made by name: rename some"
            )
        return names

    theirs, ours = named(reals, real), named(fakes, fake)
    for name in sorted(set(theirs) ^ set(ours)):
        here, there = (real, fake) if name in theirs else (fake, real)
        raise UserError(f"{here} has a picture {name}, but {there} has none of this name: pairs are made by name")
    return [(theirs[name], ours[name]) for name in sorted(theirs)]


def _score_pairs(metrics: list[str], pairs: list[tuple[Path, Path]], features_file) -> dict[str, dict]:
    """The mean over the pairs of each metric."""
    found = {name: named.find(name).compare(features_file) for name in metrics}
    values: dict[str, list[float]] = {name: [] for name in metrics}
    for pair in pairs:
        first, second = (next(folder_pictures([path])) for path in pair)
        if first.shape != second.shape:
            raise UserError(
                f"{pair[1]} is {second.shape[1]}x{second.shape[2]}, but {pair[0]} is {first.shape[1]}x{first.shape[2]}: a "
                "picture is compared with one of its size"
            )
        for name in metrics:
            values[name].append(float(found[name][0](first, second)[0]))
    return {
        name: {
            "value": float(np.mean(values[name])),
            "protocol": f"{found[name][1]}, mean over {len(pairs)} pairs of uint8 pictures",
        }
        for name in metrics
    }
