"""The optional libraries of the program, imported where somebody asks for them."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from threading import RLock
from types import ModuleType

import torch

from explorer.language import Text

INSTALL = "pip install -r requirements-extra.txt"
"""The command that installs every optional library."""

_lock = RLock()
_forbidden = False


def forbid() -> None:
    """From now on this process opens no model of a library."""
    global _forbidden
    _forbidden = True


class LibraryError(ValueError):
    """A library that is not installed, or that does not import; the message is for people."""


def check(name: str) -> None:
    """Raises `LibraryError` where the process opens no models of libraries, whatever it has loaded
    before."""
    if _forbidden:
        raise LibraryError(Text("This server opens no models of {library}.", library=name))


def load(name: str) -> ModuleType:
    """The library of models of that name, "timm" or "torchvision", imported. Raises `LibraryError`
    where it is not installed or does not import, and where the process opens none."""
    check(name)
    return need(name)


def need(name: str) -> ModuleType:
    """Any optional library, imported. Raises `LibraryError` where it is not installed or does not
    import."""
    with _lock:
        try:
            return _import(name)
        except Exception as error:      # whatever its own modules raise
            if isinstance(error, ModuleNotFoundError) and error.name == name:
                sentence = _not_installed(name)
            else:
                reason, *_ = str(error).splitlines() or [""]
                sentence = Text("{library} is installed but does not import: {why}.", library=name,
                                why=reason.rstrip(".") or type(error).__name__)
            raise LibraryError(sentence) from error


def missing(name: str) -> str:
    """That a library is not installed, in a sentence; "" where it is."""
    return "" if find_spec(name) else str(_not_installed(name))


def _not_installed(name: str) -> Text:
    return Text("{library} is not installed. `{command}` installs it.", library=name,
                command=INSTALL)


def _import(name: str) -> ModuleType:
    """Import a library also where torchvision's compiled operators do not load, as those of its
    CUDA build beside the CPU build of torch: then it asks PyTorch about operators that nobody has
    defined. With their schemas all of it imports that does not run them."""
    try:
        return import_module(name)
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            torch.library.define(f"torchvision::{operator}",
                                 "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    for module in list(sys.modules):    # half of it is there
        if module.partition(".")[0] in (name, "torchvision"):
            del sys.modules[module]
    return import_module(name)
