"""Memory of one pass, from its trace alone: what is alive at each call, and what training keeps.

Both count activations: parameters, their gradients and the buffers of BatchNorm are apart. Bytes
are those of the tensors; an allocator rounds them up, and the algorithm of a convolution may take
some more while it runs.
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import NamedTuple

import torch

from explorer.tracing import NETWORK_INPUT, Call, Operand, Trace
from explorer.tracing.operators.operator import INDEX_BYTES, gives_places


class Kept(NamedTuple):
    """What one call of a training pass keeps for its backward pass."""

    storages: tuple[int, ...] = ()
    """Calls whose output's memory it holds on to; `NETWORK_INPUT` for the network's input."""
    own_bytes: int = 0
    """Memory of its own: indices, masks, statistics, copies of what it overwrites."""


def item_bytes(dtype: torch.dtype | None, element_bytes: int) -> int:
    """Bytes of a number: those with fractions are all in the number format of the pass."""
    if dtype is None or dtype.is_floating_point:
        return element_bytes
    return 2 * element_bytes if dtype.is_complex else dtype.itemsize


def first_output(call: Call, element_bytes: int) -> int:
    """Bytes of the first output of a call."""
    effect = call.effect
    return math.prod(effect.shape) * (
        element_bytes if effect.dtype is None else item_bytes(effect.dtype, element_bytes))


def other_outputs(call: Call, element_bytes: int) -> list[int]:
    """Bytes of each output behind the first: what looks for numbers gives their places as well."""
    item = INDEX_BYTES if gives_places(call.operator) else element_bytes
    return [item * math.prod(shape) for shape in call.effect.others or ()]


def all_outputs(call: Call, element_bytes: int) -> int:
    """Bytes of all outputs of a call."""
    first = first_output(call, element_bytes)
    return first + sum(other_outputs(call, element_bytes)) if call.effect.others else first


class Lifetime(NamedTuple):
    """From which call to which a tensor's memory is alive, both included."""

    first: int
    last: int
    bytes: int


def live_bytes(trace: Trace, element_bytes: int = 4) -> list[int]:
    """Activation bytes alive at each call: its output, and what it needs only while it runs."""
    changes = [0] * (len(trace.calls) + 1)
    for first, last, size in lifetimes(trace, element_bytes).values():
        changes[first] += size
        changes[last + 1] -= size
    live = list(accumulate(changes[:-1]))
    kept = keeps(trace, element_bytes) if trace.training else None
    held = own = 0
    for index, call in enumerate(trace.calls):
        if kept:
            own = (kept[index] or Kept()).own_bytes
        live[index] += held + max(own, workspace_bytes(call, element_bytes))
        held += own
    return live


def lifetimes(trace: Trace, element_bytes: int = 4) -> dict[int, Lifetime]:
    """Of every tensor that has memory of its own, by the call that allocates it.

    A tensor is alive from the call that allocates it until Python lets go of it and its views: at
    its last use, or where the variable that holds it ends. The caller holds the network's input
    and gets its outputs. In training, what is kept for backward stays to the end.
    """
    end = len(trace.calls) - 1
    if end < 0:
        return {}
    last = {call.index: trace.held_until[call.index] for call in trace.calls
            if call.storage == call.index}
    last |= {NETWORK_INPUT - number: end for number in range(len(trace.inputs))}
    own = set()
    if trace.training:
        for index, kept in enumerate(keeps(trace, element_bytes)):
            if kept:
                last.update(dict.fromkeys(kept.storages, end))
                if kept.own_bytes:
                    own.add(index)      # the places that it gives are its own memory already
    return {storage: Lifetime(max(storage, 0), until, _bytes(trace, storage, element_bytes)
                              if storage < 0 or storage in own else
                              all_outputs(trace.calls[storage], element_bytes))
            for storage, until in last.items()}


def alive_at(trace: Trace, index: int, element_bytes: int = 4) -> dict[int, int]:
    """Bytes of every tensor alive while a call runs, by the call that allocated it."""
    return {storage: life.bytes for storage, life in lifetimes(trace, element_bytes).items()
            if life.first <= index <= life.last}


def workspace_bytes(call: Call, element_bytes: int = 4) -> int:
    """Tensors that an operator makes beside its output and throws away when it returns."""
    entry = call.entry
    return entry.workspace(call, element_bytes) if entry and entry.workspace else 0


def saved_bytes(trace: Trace, element_bytes: int = 4) -> list[int | None]:
    """Bytes that each call of a training pass is the first to keep for backward.

    They add up to what the pass keeps: memory that two calls keep counts once, with the first. The
    network's input is among them, as the first convolution needs it. None for an operator without
    a rule. The figures are those of PyTorch on a CPU; a GPU keeps dropout's mask in one byte an
    element.
    """
    seen: set[int] = set()
    result: list[int | None] = []
    for kept in keeps(trace, element_bytes):
        if kept is None:
            result.append(None)
            continue
        new = set(kept.storages) - seen
        seen |= new
        result.append(kept.own_bytes + sum(_bytes(trace, storage, element_bytes)
                                           for storage in new))
    return result


def keeps(trace: Trace, element_bytes: int = 4) -> list[Kept | None]:
    """What each call keeps, by its entry in the table of operators; None where it has none.

    Only a call that a gradient passes through keeps anything: one that reads a trainable parameter
    or comes after such a call. None passes through whole numbers and truth values, or through what
    reads a shape alone.
    """
    gradient: set[int] = set()
    result: list[Kept | None] = []
    for call in trace.calls:
        trains = any([trace.parameters[name].trainable for name in call.parameters])
        entry, dtype = call.entry, call.effect.dtype
        new = entry is not None and not entry.reads and call.effect.allocates
        if entry is not None and (new or (dtype and not dtype.is_floating_point)):
            result.append(Kept())
        elif trains or not gradient.isdisjoint(call.inputs):
            gradient.add(call.index)
            result.append(_kept(trace, call, gradient, trains, element_bytes))
        else:
            result.append(Kept() if call.known else None)
    return result


def _kept(trace: Trace, call: Call, gradient: set[int], trains: bool,
          element_bytes: int) -> Kept | None:
    entry = call.entry
    if entry is None or entry.keeps is None:
        return None
    storages: list[int] = []
    own = 0
    for what in entry.keeps(call) if callable(entry.keeps) else entry.keeps:
        if what == "output":
            storages.append(call.storage)
        elif what == "inputs" and not call.effect.allocates:
            own += _bytes(trace, call.storage, element_bytes)   # a copy, before it is overwritten
        elif what == "inputs":
            storages += [_storage(trace, producer) for producer in call.inputs]
        elif what == "factors":
            storages += [_storage(trace, producer) for number, producer in enumerate(call.inputs)
                         if trains or any(other in gradient for at, other in
                                          enumerate(call.inputs) if at != number)]
        elif isinstance(what, str):
            operand = call.argument(what)
            if isinstance(operand, Operand) and operand.producer is not None:
                storages.append(_storage(trace, operand.producer))
        else:
            own += what(call, element_bytes)
    return Kept(tuple(storages), own)


def _storage(trace: Trace, producer: int) -> int:
    return producer if producer < 0 else trace.calls[producer].storage


def _bytes(trace: Trace, storage: int, element_bytes: int) -> int:
    """Of an input, or of the first output of a call; a view of a parameter has none of its own."""
    if storage >= 0:
        return first_output(trace.calls[storage], element_bytes)
    if NETWORK_INPUT - storage >= len(trace.inputs):
        return 0
    given = trace.given(storage)
    return math.prod(given.shape) * item_bytes(given.dtype, element_bytes)
