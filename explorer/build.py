"""Config -> nn.Module, on the meta device in milliseconds or on a real one with weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from explorer.catalogue import family_of
from explorer.config import Config

_FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.tensor}
_FILLS: set[Callable[..., Any]] = {
    torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.fill_, torch.Tensor.zero_,
    *(function for name, function in vars(nn.init).items()
      if name.endswith("_") and not name.startswith("_"))}


class SkipInitialisation(TorchFunctionMode):
    """Layers made inside have shapes only: they lie on meta, and nothing fills them.

    The mode belongs to the thread that enters it; others are not touched.
    """

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (),
                           kwargs: dict[str, Any] | None = None) -> Any:
        if func in _FILLS:
            return args[0] if args else (kwargs or {})["tensor"]
        if func in _FACTORIES:
            return func(*args, **{**(kwargs or {}), "device": "meta"})
        return func(*args, **(kwargs or {}))


def build(config: Config, device: str = "meta") -> nn.Module:
    """The network of a config, in evaluation mode.

    On "meta", the default, it holds shapes and no weights: enough for `trace` and `summarise`.
    On any other device its weights are initialised as PyTorch does, ready to run.

    >>> from explorer.catalogue import configure
    >>> sum(p.numel() for p in build(configure("resnet18")).parameters())
    11689512
    """
    with SkipInitialisation():
        network = family_of(config.network).network(config).eval()
    return network if device == "meta" else materialise(network, device)


def materialise(network: nn.Module, device: str) -> nn.Module:
    """`network` from meta, moved to `device` with fresh weights. Changes it in place."""
    network.to_empty(device=device)
    for module in network.modules():
        if callable(reset := getattr(module, "reset_parameters", None)):
            reset()
    return network
