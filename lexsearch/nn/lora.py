"""LoRA (Hu et al. 2021, arXiv 2106.09685): a trained low-rank term beside frozen linear maps.

Written here because the one thing needed of a library is these few lines.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LoraLinear(nn.Module):
    """base(x) + (alpha / rank) x A^T B^T; B is 0 at the start, so nothing changes at first."""

    def __init__(self, base: nn.Linear, *, rank: int, alpha: float) -> None:
        super().__init__()
        self.base = base
        self.scale = alpha / rank
        device = base.weight.device
        self.lora_a = nn.Parameter(torch.empty(rank, base.in_features, device=device))
        self.lora_b = nn.Parameter(torch.zeros(base.out_features, rank, device=device))
        nn.init.kaiming_uniform_(self.lora_a, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., in), out (..., out)."""
        low = F.linear(x.to(self.lora_a.dtype), self.lora_a)
        added = self.scale * F.linear(low, self.lora_b)
        plain: Tensor = self.base(x)
        return plain + added.to(plain.dtype)


def add_lora(
    model: nn.Module, *, rank: int, alpha: float, targets: Sequence[str] = ()
) -> list[nn.Parameter]:
    """Freeze a model and put a low-rank term beside its linear maps; returns what trains.

    Args:
        model: changed in place.
        rank: of the term; 0 adds none.
        alpha: the term weighs alpha / rank.
        targets: last parts of the names of the maps, such as `q_proj`; empty = every linear map.

    Raises:
        ValueError: no linear map has such a name.
    """
    model.requires_grad_(False)
    if rank == 0:
        return []
    found = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and (not targets or name.rpartition(".")[2] in targets)
    ]
    if not found:
        known = {n.rpartition(".")[2] for n, m in model.named_modules() if isinstance(m, nn.Linear)}
        raise ValueError(
            f"no linear map is called {', '.join(targets) or 'anything'}; "
            f"known: {', '.join(sorted(known)) or 'none'}"
        )
    for name, module in found:
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, LoraLinear(module, rank=rank, alpha=alpha))
    return [parameter for name, parameter in model.named_parameters() if _is_lora(name)]


def lora_state(model: nn.Module) -> dict[str, Tensor]:
    """The trained terms by name."""
    return {k: v.detach() for k, v in model.named_parameters() if _is_lora(k)}


def load_lora(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put trained terms into a model that `add_lora` has prepared in the same way.

    Raises:
        KeyError: names that the model or the state lacks.
    """
    own = {name: p for name, p in model.named_parameters() if _is_lora(name)}
    if own.keys() != state.keys():
        raise KeyError(
            f"LoRA weights missing: {sorted(own.keys() - state.keys())}; "
            f"unexpected: {sorted(state.keys() - own.keys())}"
        )
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(state[name])


def _is_lora(name: str) -> bool:
    return name.rpartition(".")[2] in ("lora_a", "lora_b")
