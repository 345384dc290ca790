"""The processes that train one network together, each with its share of every batch.

``torchrun --nproc-per-node 4 -m emotion_core.training …`` starts them; without it there is one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

TIMEOUT = timedelta(minutes=30)
"""How long a process waits for the others before it takes them for dead."""


@dataclass(frozen=True)
class DistributedContext:
    """This process's rank among the ``world_size`` that train together."""

    rank: int = 0
    world_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def shard(self, positions: Tensor) -> Tensor:
        """This process's images of a batch; shards differ by one image at most."""
        return positions[self.rank :: self.world_size]

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network with gradients averaged over all processes.

        On GPUs batch normalisation looks at the whole batch; gloo on CPUs has no such exchange, and
        each process normalises with its own shard.
        """
        if self.world_size == 1:
            return network
        if next(network.parameters()).is_cuda:
            _synchronise(network)
        return DistributedDataParallel(network)

    def all_gather(self, mine: Any) -> list[Any]:
        """Every process's value, by rank."""
        if self.world_size == 1:
            return [mine]
        values: list[Any] = [None] * self.world_size
        dist.all_gather_object(values, mine)
        return values

    def broadcast_buffers(self, network: nn.Module) -> None:
        """Give every process rank 0's buffers: running means drift apart between them."""
        if self.world_size > 1:
            for buffer in network.buffers():
                dist.broadcast(buffer, 0)

    def barrier(self) -> None:
        """Wait until every process is here."""
        if self.world_size > 1:
            dist.barrier()


def is_local_main() -> bool:
    """Whether this process is the one of its machine that prints."""
    return dist.get_node_local_rank(fallback_rank=0) == 0


def _synchronise(network: nn.Module) -> None:
    """Let batch normalisation look at all processes' images; parameters and names stay."""
    convert: Any = nn.SyncBatchNorm.convert_sync_batchnorm
    if any(type(module).__module__.startswith("timm.") for module in network.modules()):
        # timm's normalisations hold their activation, which torch's conversion would drop.
        from timm.layers import norm_act

        convert = norm_act.convert_sync_batchnorm
    convert(network)


@contextmanager
def distributed_context(
    device: torch.device,
) -> Iterator[tuple[DistributedContext, torch.device]]:
    """Join the process group, where ``torchrun`` started several; gives each process its GPU.

    Args:
        device: As picked for one process.
    """
    if not dist.is_torchelastic_launched():
        yield DistributedContext(), device
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=TIMEOUT)
    try:
        if device.type == "cuda":
            device = torch.device("cuda", dist.get_node_local_rank())
            torch.cuda.set_device(device)
        yield DistributedContext(dist.get_rank(), dist.get_world_size()), device
    finally:
        dist.destroy_process_group()
