"""The images and labels of one split, train or validation."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion_core.training.labelled_set import LabelledSet

RESIDENT_SHARE = 0.4
"""Of a GPU's free memory that the decoded images may take."""


class Subset:
    """Samples of a labelled set; their pixels stay where they lie until they are asked for.

    Attributes:
        truth: int64 [N]: expressions, 0 to 7.
        truth_va: float64 [N, 2]: valence and arousal in [-1, 1].
    """

    def __init__(self, labelled_set: LabelledSet, indices: Sequence[int]) -> None:
        """The samples at ``indices`` of a set that was read with its pixels."""
        assert labelled_set.pixels is not None  # noqa: S101  - train() has checked it
        self._labelled_set = labelled_set
        samples = [labelled_set.samples[index] for index in indices]
        self.truth = np.array([sample.expression for sample in samples], dtype=np.int64)
        self.truth_va = np.array([(sample.valence, sample.arousal) for sample in samples])
        self._all = torch.from_numpy(labelled_set.pixels)
        self._rows = torch.tensor(indices)
        self._resident: Tensor | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def first(self, count: int) -> "Subset":
        """The first samples."""
        return Subset(self._labelled_set, self._rows[:count].tolist())

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """uint8 [N, S, S, 3], copied together."""
        return self._all[self._rows].numpy()

    def on(self, device: torch.device, positions: Tensor) -> Tensor:
        """Pixels of the images at ``positions``, uint8 [n, S, S, 3] on ``device``.

        All of them move to a GPU where they fit beside the network: then no step waits for a copy.
        """
        if device.type == "cuda" and self._resident is None:
            free, _ = torch.cuda.mem_get_info(device)
            if len(self) * self._all[0].nbytes < RESIDENT_SHARE * free:
                self._resident = self._all[self._rows].to(device)
        if self._resident is not None:
            return self._resident[positions.to(device)]
        return self._all[self._rows[positions]].to(device)
