"""How far a training has come, on disk after every epoch: a kill costs one epoch at most."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import safetensors
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from emotion_core.errors import TrainingError
from emotion_core.files import replacing, write_bytes
from emotion_core.training.state import TrainingState
from emotion_core.vision.checkpoint import weights_bytes

CHECKPOINT_FILE: Final = "checkpoint.safetensors"
_BEST_PATTERN = "best-*.safetensors"
_STATE_KEY = "training"


@dataclass
class Progress:
    """The finished epochs of one training.

    Random numbers need no place here: each epoch draws from generators seeded by the recipe's
    seed and the epoch's number, so a resumed epoch draws what an uninterrupted one would.
    """

    data: Mapping[str, Any]
    """Fingerprints of the data set and the split."""
    keep: str = "best"
    """As in the recipe. Checkpoints of earlier releases do not say it and keep the best."""
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    """0 before the first."""
    best_score: float = 0.0
    """Its selection score; says nothing before the first."""
    adjustments: list[str] = field(default_factory=list)
    """What training changed on the way to get through, oldest first."""
    precision: dict[str, Any] = field(default_factory=dict)
    """Of the steps, and what was timed; empty in checkpoints of earlier releases."""

    @property
    def finished_epochs(self) -> int:
        """How many epochs are done."""
        return len(self.history)

    @property
    def kept_epoch(self) -> int:
        """The epoch whose weights are kept, of those that are done."""
        return self.best_epoch if self.keep == "best" else self.finished_epochs

    def is_better(self, score: float) -> bool:
        """Whether an epoch of this selection score would be the best one so far."""
        return self.best_epoch == 0 or score > self.best_score

    def add(self, epoch: dict[str, Any], score: float, adjustments: Sequence[str] = ()) -> None:
        """Enter a finished epoch, its selection score and what it had to change."""
        is_better = self.is_better(score)
        self.history.append(epoch)
        self.adjustments += adjustments
        if is_better:
            self.best_epoch, self.best_score = self.finished_epochs, score

    def best_file(self, directory: Path) -> Path:
        """The weights of the best epoch so far. The name holds the epoch, so a checkpoint can
        never be taken together with the weights of another one."""
        return directory / f"best-{self.best_epoch}.safetensors"

    def save(self, directory: Path, state: TrainingState) -> None:
        """Write the best weights if they are kept and this epoch has them, then the checkpoint that
        names them.

        Args:
            directory: Of the run.
            state: As the last step left it.
        """
        if self.keep == "best" and self.best_epoch == self.finished_epochs:
            write_bytes(self.best_file(directory), weights_bytes(state.evaluated))
        tensors = {
            f"{prefix}/{name}": value
            for prefix, module in _modules(state).items()
            for name, value in module.state_dict().items()
        }
        for index, moments in state.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{name}": value for name, value in moments.items()}
        with replacing(directory / CHECKPOINT_FILE) as temporary:
            safetensors.torch.save_file(
                {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
                temporary,
                metadata={_STATE_KEY: json.dumps(asdict(self))},
            )
        for path in directory.glob(_BEST_PATTERN):
            if path != self.best_file(directory):
                path.unlink()

    @classmethod
    def read(cls, directory: Path) -> "Progress | None":
        """The progress that a checkpoint holds, without its tensors; None when there is none.

        Raises:
            TrainingError: The checkpoint is damaged, or its best weights are gone.
        """
        path = directory / CHECKPOINT_FILE
        if not path.exists():
            return None
        try:
            with safetensors.safe_open(path, framework="pt") as stored:
                progress = cls(**json.loads(stored.metadata()[_STATE_KEY]))
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise _unusable(path, str(error)) from None
        if progress.keep == "best" and not progress.best_file(directory).exists():
            raise _unusable(path, f"{progress.best_file(directory).name} is missing")
        return progress

    @staticmethod
    def restore(directory: Path, state: TrainingState) -> None:
        """Put the checkpoint's tensors into the network, its optimizer and its average.

        Raises:
            TrainingError: The checkpoint is damaged or belongs to another network.
        """
        path = directory / CHECKPOINT_FILE
        optimizer = state.optimizer
        try:
            tensors = safetensors.torch.load_file(path)
            for prefix, module in _modules(state).items():
                module.load_state_dict(_below(prefix, tensors))
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            moments: dict[int, dict[str, Tensor]] = {}
            for name, value in _below("optimizer", tensors).items():
                index, moment = name.split("/")
                like = parameters[int(index)]
                if value.shape == like.shape:
                    # The fused kernels read memory in order: moments must lie as weights do.
                    value = torch.empty_like(like).copy_(value)
                moments.setdefault(int(index), {})[moment] = value
            optimizer.load_state_dict(
                {"state": moments, "param_groups": optimizer.state_dict()["param_groups"]}
            )
        except (SafetensorError, OSError, ValueError, IndexError, RuntimeError) as error:
            raise _unusable(path, str(error).splitlines()[0]) from None

    @staticmethod
    def remove(directory: Path) -> None:
        """Delete the checkpoint and the best weights of a finished training."""
        (directory / CHECKPOINT_FILE).unlink(missing_ok=True)
        for path in directory.glob(_BEST_PATTERN):
            path.unlink()


def _modules(state: TrainingState) -> dict[str, nn.Module]:
    """By the first part of their tensors' names in a checkpoint."""
    averaged = {"average": state.average.network} if state.average else {}
    return {"model": state.network, **averaged}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}/"
    return {name.removeprefix(start): v for name, v in tensors.items() if name.startswith(start)}


def _unusable(path: Path, reason: str) -> TrainingError:
    return TrainingError(
        f"{path} cannot be used to go on ({reason}); delete {path.parent} to start afresh"
    )
