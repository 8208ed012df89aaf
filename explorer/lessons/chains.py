"""Modules of PyTorch in a row, as a lesson writes them: what a few layers cost by themselves.

    Conv2d(64, 64, 3, padding=1) > ReLU() on 64x56x56
"""

from __future__ import annotations

import ast
from typing import Any

from torch import nn

from explorer.config import ConfigError
from explorer.sources.source import Source, made_on
from explorer.tracing import Input

FORM = "Write modules of torch.nn and the shape of one input, such as " \
    "Conv2d(64, 64, 3, padding=1) > ReLU() on 64x56x56."


def is_chain(text: str) -> bool:
    """
    >>> is_chain("ReLU() on 8x4x4"), is_chain("resnet50&width=0.5")
    (True, False)
    """
    return ")" in text


def chain_source(text: str) -> Source:
    """The network that a chain stands for, for one image. Nothing of the text is evaluated: names
    are those of torch.nn, and arguments are literals.

    Raises `ConfigError` for what is no chain; the arguments are checked when it is built.

    >>> from explorer.pipeline import explore
    >>> explore(chain_source("Conv2d(3, 8, 3, bias=False) on 3x10x10")).summary.totals.macs
    13824
    """
    modules, on, shape = text.rpartition(" on ")
    sides = shape.strip().split("x")
    if not on or not all(side.isascii() and side.isdigit() for side in sides):
        raise ConfigError(f"{text!r} has no input. {FORM}")
    calls = [_call(part) for part in modules.split(" > ")]

    def make() -> nn.Module:
        try:
            return nn.Sequential(*[kind(*args, **kwargs) for kind, args, kwargs in calls])
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{text!r} cannot be built: {error}.") from None

    return Source(key=text, titled=modules.strip, inputs=(Input((1, *map(int, sides))),),
                  build=lambda device: made_on(device, make))


def _call(text: str) -> tuple[type[nn.Module], list[Any], dict[str, Any]]:
    """The class and the arguments of "Conv2d(3, 8, 3)"."""
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError(text)
        args = [ast.literal_eval(value) for value in call.args]
        kwargs = {value.arg: ast.literal_eval(value.value) for value in call.keywords
                  if value.arg is not None}
    except (SyntaxError, ValueError):
        raise ConfigError(f"{text.strip()!r} is no module. {FORM}") from None
    kind = getattr(nn, call.func.id, None)
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise ConfigError(f"torch.nn has no module {call.func.id}. {FORM}")
    return kind, args, kwargs
