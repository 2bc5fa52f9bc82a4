"""The real examples that others are scored against, and the feature network that they are seen with."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from jaxgan.data import Records
from jaxgan.errors import UserError
from jaxgan.media import Medium, Picture
from jaxgan.metrics import named, sources
from jaxgan.metrics.features import FeatureNetwork, numbers
from jaxgan.metrics.moments import Moments
from jaxgan.metrics.seeing import Seen, check_sizes, see

Features = Literal["classifier", "inception", "vgg16", "numbers"]
"""What examples are compared by: a network's features of pictures, or the numbers of anything."""


class RealExamples:
    """The examples of a data set, and what a feature network sees in them; looked at once for each choice of metrics."""

    def __init__(
        self,
        data: Any,
        features: Features | FeatureNetwork | None = None,
        features_file: str | Path | None = None,
        reference: str | Path | None = None,
        files: Sequence[Path] = (),
        entry: str = "image",
        medium: Medium = Picture(),  # noqa: B008
    ):
        """Of the `entry` of the examples of `data`, which is of a medium.

        Args:
            data: a data set; None with `reference` or `files`.
            features: by which network, or a network of one's own; by default the classifier of pictures, the numbers of others.
            features_file: the weights of inception or vgg16.
            reference: a file of statistics that stand for the examples.
            files: pictures to take as they are, instead of those of `data`.
            entry: what is looked at.
            medium: what it is.
        """
        self.entry, self.medium = entry, medium
        features = features or ("classifier" if isinstance(medium, Picture) else "numbers")
        self.data = None if data is None else sources.without_augmentation(data)
        self._features, self._features_file, self.reference = features, features_file, reference
        self._files = files
        self._records: Records | None = None
        self._network: FeatureNetwork | None = None
        self._seen: dict[frozenset[str], Seen | None] = {}

    @property
    def records(self) -> Records:
        if self._records is None:
            self._records = self.data.load()
        return self._records

    def network(self, metrics: Iterable[str]) -> FeatureNetwork | None:
        """The feature network; None where no metric needs one."""
        if not any(named.find(name).NETWORK for name in metrics):
            return None
        if self._network is None and isinstance(self._features, FeatureNetwork):
            self._network = self._features
        elif self._network is None and self._features == "numbers":
            self._network = numbers(self.medium, self._shape())
        elif self._network is None:
            if not isinstance(self.medium, Picture):
                raise UserError(
                    f"--features {self._features} looks at pictures, not at {self.medium.many}: leave it out"
                )
            self._network = load_network(self._features, self._features_file, self.data)
        return self._network

    def distance(self):
        """For the path length: (name, digest, distance of float pictures).

        Raises:
            UserError: the feature network gives none.
        """
        if self._features == "vgg16":
            from jaxgan.metrics.lpips import load_lpips

            network = load_lpips(self._features_file)
            return network.name, network.digest, network
        network = self.network(("ppl",))
        if self._features == "classifier":
            from jaxgan.metrics.classifier import load_classifier
            from jaxgan.metrics.perceptual_path import feature_distance

            return network.name, network.digest, feature_distance(load_classifier(self.data).float_features)
        raise UserError("the metric ppl needs a distance: give --features vgg16 (LPIPS) or classifier")

    def _shape(self) -> tuple[int, ...]:
        if self._files:
            return next(sources.folder_pictures(self._files)).shape[1:]
        if self.data is None:
            raise UserError("--features numbers needs the real examples themselves: give them, or other --features")
        return next(iter(self.examples([0]))).shape[1:]

    def order(self) -> np.ndarray:
        """The examples in an order of chance, always the same: the first n are a fair part of them."""
        return np.random.default_rng(0).permutation(len(self.records.examples))

    def examples(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """These examples, in parts."""
        return sources.real_examples(self.data, self.records, indices, self.entry, self.medium)

    def see(
        self, metrics: Iterable[str], save_statistics: str | Path | None = None, quiet: bool = False
    ) -> Seen | None:
        """All real examples, as the metrics need them; None where none needs any. `quiet`: no progress."""
        wanted = frozenset(name for name in metrics if named.find(name).REAL)
        if wanted not in self._seen:
            self._seen[wanted] = self._look(wanted, bool(save_statistics), quiet)
        if save_statistics:
            seen, network = self._seen[wanted], self.network(("fid",))
            about = {"network": network.name, "digest": network.digest, "pictures": list(seen.shape)}
            seen.moments.save(save_statistics, about)
        return self._seen[wanted]

    def _look(self, wanted: frozenset[str], saving: bool, quiet: bool) -> Seen | None:
        given = self._given() if self.reference and "fid" in wanted and not saving else None
        rest = wanted - {"fid"} if given else wanted
        if not rest and not saving:
            return given
        examples = sources.folder_pictures(self._files) if self._files else self.examples(self.order())
        network = self.network(("fid",) if saving else rest)
        count = None if quiet else len(self._files) or len(self.records.examples)
        seen = see("real", examples, network, rest, self.medium, count)
        if given is None:
            return seen
        check_sizes(given.shape, seen.shape, self.reference, "the data")
        return dataclasses.replace(seen, moments=given.moments)

    def _given(self) -> Seen:
        """The statistics of the file `reference`, if they are of this network.

        Raises:
            UserError: they are of another.
        """
        moments, about = Moments.load(self.reference)
        network = self.network(("fid",))
        if about.get("digest", network.digest) != network.digest or moments.dimensions != network.dimensions:
            raise UserError(
                f"{self.reference} holds statistics of another feature network ({about.get('network', 'unknown')}, digest "
                f"{about.get('digest', 'unknown')[:12]}) than {network.name}, digest {network.digest[:12]}: give the "
                "--features that it was made with, or make it again with --save-statistics"
            )
        shape = tuple(about["pictures"]) if "pictures" in about else None
        return Seen("real", moments.count, shape, self.medium, moments)


def load_network(features: Features, features_file: str | Path | None, data: Any) -> FeatureNetwork:
    """A feature network by name.

    Args:
        features: "classifier", trained on the labels of `data` (see `jaxgan.metrics.classifier`); "inception", FID's own, or
            "vgg16", whose weights are in a file of the user's.
        features_file: that file.
        data: whose pictures are scored.

    Raises:
        UserError: there is no such network, or it cannot be used here.
    """
    if features == "classifier":
        if features_file is not None:
            raise UserError(
                f"--features-file {features_file}: the classifier has none; give --features inception or vgg16"
            )
        if data is None:
            raise UserError(
                "the feature network classifier is trained on the real pictures: give them, or other --features"
            )
        from jaxgan.metrics.classifier import load_classifier

        return load_classifier(data).features
    if features == "inception":
        from jaxgan.metrics.inception import load_inception

        return load_inception(features_file)
    if features == "vgg16":
        from jaxgan.metrics.vgg import load_vgg16

        return load_vgg16(features_file)
    raise UserError(f'there is no feature network "{features}": there are classifier, inception, vgg16 and numbers')
