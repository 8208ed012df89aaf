"""Config -> nn.Module, on the meta device in milliseconds or on a real one with weights."""

from __future__ import annotations

from torch import nn

from explorer.config import Config
from explorer.networks.catalogue import network_of
from explorer.networks.layers import layers_on


def build(config: Config, device: str = "meta") -> nn.Module:
    """The network of a config, in evaluation mode.

    On "meta", the default, it holds shapes and no weights: enough for `trace` and `summarise`.
    On any other device its weights are initialised as PyTorch does, ready to run.

    >>> from explorer.networks.catalogue import configure
    >>> sum(p.numel() for p in build(configure("resnet18")).parameters())
    11689512
    """
    with layers_on(device):
        return network_of(config.network)(config).eval()
