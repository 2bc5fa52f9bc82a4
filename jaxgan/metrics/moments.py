"""Count, mean and covariance of features, streamed: all that the Fréchet distance needs of a set of pictures."""

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jaxgan.cache import expanded, write_whole
from jaxgan.errors import UserError


def checked_features(features, name: str, dimensions: int | None = None, first: int = 0) -> np.ndarray:
    """The features [N, D] as a floating-point array, unless they cannot be scored.

    Args:
        features: [N, D], one row for each picture.
        name: of whose features they are, for the message: "the real pictures".
        dimensions: D, where it is known.
        first: number of the picture of the first row, for the message.

    Raises:
        UserError: another shape, or a row that is not finite.
    """
    features = np.asarray(features)
    if features.dtype not in (np.float32, np.float64):
        features = features.astype(np.float64)
    if features.ndim != 2 or features.shape[1] != (dimensions or features.shape[1]):
        raise UserError(
            f"the features of {name} have the shape {list(features.shape)}, but must be [pictures, {dimensions or 'D'}]: "
            "take both sets of features from the same network"
        )
    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        raise UserError(
            f"the features of {name} are not finite (NaN or infinite), first for picture {first + int(np.argmin(finite))}: "
            "leave that picture out, or check the weights of the feature network"
        )
    return features


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and spread of the features of a set of pictures, in float64.

    `update` merges a batch by the pairwise formula of Chan, Golub and LeVeque 1983, in the memory of one
    [D, D] matrix however many pictures there are, and without the cancellation of E[x^2] - E[x]^2.

    >>> moments = Moments.empty(1).update([[0.0]]).update([[1.0], [2.0]])
    >>> moments.count, moments.mean.tolist(), moments.covariance.round(6).tolist()
    (3, [1.0], [[1.0]])
    """

    count: int | None
    """Pictures seen; None where a file of pytorch-fid does not say."""
    mean: np.ndarray
    """[D]."""
    scatter: np.ndarray
    """[D, D], sum of (x - mean)(x - mean)^T over the pictures; where the count is None, the covariance itself."""

    @classmethod
    def empty(cls, dimensions: int) -> "Moments":
        """Of no pictures yet, with features of length `dimensions`."""
        return cls(0, np.zeros(dimensions), np.zeros((dimensions, dimensions)))

    @property
    def dimensions(self) -> int:
        """D, the length of a feature vector."""
        return len(self.mean)

    def update(self, features) -> "Moments":
        """With the pictures of `features` [N, D] added. N may be 0, and may differ from call to call.

        Raises:
            UserError: the features have another length or are not finite (the message counts pictures from the first
                update on), or the count of what is there is not known.
        """
        if self.count is None:
            raise UserError("statistics without a count cannot be added to: begin with Moments.empty")
        new = checked_features(features, "the pictures", self.dimensions, first=self.count).astype(np.float64)
        if not len(new):
            return self
        count = self.count + len(new)
        shift = new.mean(axis=0) - self.mean
        # The shift of the mean as one more row: the product that adds the batch's scatter adds the shift's as well.
        rows = np.vstack([new - new.mean(axis=0), shift * np.sqrt(self.count * len(new) / count)])
        return Moments(count, self.mean + shift * (len(new) / count), self.scatter + rows.T @ rows)

    @property
    def covariance(self) -> np.ndarray:
        """Unbiased covariance [D, D]: the scatter divided by count - 1.

        Raises:
            UserError: there are fewer than 2 pictures.
        """
        if self.count is None:
            return self.scatter
        if self.count < 2:
            raise UserError(
                f"the spread of features needs at least 2 pictures, but there {'is' if self.count == 1 else 'are'} "
                f"{self.count}: give more, 10000 for figures that mean something"
            )
        return self.scatter / (self.count - 1)

    def save(self, path: str | Path, about: dict) -> None:
        """Write an .npz file, of the same bytes for the same content; one that is there is replaced when all is written.

        Args:
            path: the file; missing folders are made.
            about: what the figures depend on (name and digest of the feature network, protocol, ...), to be kept as JSON.

        Raises:
            UserError: it cannot be written.
        """
        if self.count is None:
            raise UserError(f"statistics without a count are not written to {path}: use the file that they came from")
        path = expanded(path)
        content = io.BytesIO()
        words = np.array(json.dumps(about, sort_keys=True))
        np.savez(content, count=np.int64(self.count), mean=self.mean, scatter=self.scatter, about=words)
        try:
            write_whole(path, content.getvalue())
        except OSError as error:
            raise UserError(f"could not write the statistics to {path}: {error.strerror or error}") from error

    @classmethod
    def load(cls, path: str | Path) -> tuple["Moments", dict]:
        """What `save` wrote, and its `about`.

        Also reads the .npz of pytorch-fid (`mu` and `sigma`), which does not say how many pictures there were, nor by which
        weights they were seen: count None, about {}.

        Raises:
            UserError: the file is missing, damaged, or holds something else.
        """
        path = expanded(path)
        if not path.is_file():
            raise UserError(f"the file of statistics {path} does not exist")
        try:
            # Without pickle: a file of object arrays could run code.
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            if {"mu", "sigma"} <= set(arrays):
                count, about = None, {}
                mean, scatter = arrays["mu"], arrays["sigma"]
            else:
                count, about = int(arrays["count"]), json.loads(arrays["about"].item())
                mean, scatter = arrays["mean"], arrays["scatter"]
            mean, scatter = mean.astype(np.float64), scatter.astype(np.float64)
        except KeyError as error:
            raise UserError(
                f"{path} holds no statistics of features: it has no array {error}. Give a file that jaxgan or pytorch-fid wrote"
            ) from error
        except (
            ValueError,
            TypeError,
            OSError,
            EOFError,
            AttributeError,
            RuntimeError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise UserError(
                f"{path} is no .npz file of statistics, or it is damaged ({error}): make it again from the pictures"
            ) from error
        if not isinstance(about, dict):
            raise UserError(f"{path} does not say what its statistics are about: make it again from the pictures")
        square = mean.ndim == 1 and len(mean) > 0 and scatter.shape == (len(mean), len(mean))
        if not square or not np.isfinite(mean).all() or not np.isfinite(scatter).all() or (count or 0) < 0:
            raise UserError(
                f"{path} holds no statistics of features: a mean {list(mean.shape)} and a covariance {list(scatter.shape)}, "
                "which must be [D] and [D, D] and finite. Make it again from the pictures"
            )
        return cls(count, mean, scatter), about
