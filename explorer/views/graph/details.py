"""What is told of a chosen part beside the graph: plain data, for whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from explorer import text
from explorer.explain.derivation import Step, derive
from explorer.explain.sums import sums
from explorer.language import say
from explorer.pipeline import Explored
from explorer.structure import Part
from explorer.views import selection
from explorer.views.graph import recipe


def details_of(network: Explored, selected: Sequence[int],
               changes: Mapping[str, str]) -> dict[str, Any] | None:
    """Of the chosen layers: title, path, what goes in, each figure with how it comes about, and
    the change against the preset. None where none is chosen."""
    if not selected:
        return None
    return _details(network, selected, part_of(network, selected), changes, _sums(network))


def all_details(network: Explored, changes: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The same of every layer and of every part, by the layers that are chosen then, as text. A
    layer's have its symbols too: name, number and meaning of each."""
    layers = len(network.summary.layers)
    chosen: dict[str, tuple[list[int], Part | None]] = {
        str(index): ([index], None) for index in range(layers)}
    for stage in network.structure.stages:
        for part in reversed(list(stage.walk())):       # the outer ones in the place of the inner
            own = [layer.index for layer in part.layers if layer.index < layers]
            chosen[selection.to_text(own)] = own, part
    whole = _sums(network)
    return {rows: _details(network, own, part, changes, whole, symbols=True)
            for rows, (own, part) in chosen.items() if own}


def _details(network: Explored, selected: Sequence[int], part: Part | None,
             changes: Mapping[str, str], whole: tuple[int, int], *,
             symbols: bool = False) -> dict[str, Any]:
    layers = [network.summary.layers[index] for index in selected]
    shares = {"Parameters": _share(sum([layer.params for layer in layers]), whole[0]),
              "Multiply-adds": _share(sum([layer.macs or 0 for layer in layers]), whole[1])}
    change = changes.get(part.id, "") if part else ""
    if len(layers) == 1:
        [layer] = layers
        derivation = derive(network.summary, layer.index)
        given = "; ".join([say("{shape} from {source}", shape=text.shape(one.shape),
                               source=one.name) for one in derivation.inputs])
        about = say("{what}. Input: {given}.", what=say(layer.kind), given=given or say("none"))
        told = _told(layer.type, layer.path, about, derivation.steps, change, shares)
        return told | {"symbols": derivation.legend} if symbols else told
    first, last = layers[0], layers[-1]
    count = say("{n} layers", n=len(layers))
    title = recipe.title(part) if part else count
    given = text.shape(next(iter(first.input_shapes), ()))
    about = say("{what}. Input: {given}.", what=count, given=given or say("none"))
    path = part.path if part and part.path else \
        say("{first} to {last}", first=first.path, last=last.path)
    return _told(title, path, about, sums(network.summary, selected), change, shares)


def _told(title: str, path: str, about: str, steps: Sequence[Step], change: str,
          shares: Mapping[str, str]) -> dict[str, Any]:
    return {"title": title, "path": path, "about": about, "change": change,
            "rows": [{"name": say(step.name), "value": step.shown,
                      "share": shares.get(step.name, ""),
                      "how": [row for equation in step.equations for row in equation.to_text()],
                      "notes": text.sentences(step.notes)} for step in steps]}


def _sums(network: Explored) -> tuple[int, int]:
    """Parameters and multiply-adds of all layers."""
    layers = network.summary.layers
    return sum([layer.params for layer in layers]), sum([layer.macs or 0 for layer in layers])


def _share(own: int, whole: int) -> str:
    """What the chosen layers have of the network's sum, in words; nothing where they have none.

    >>> _share(1, 4)
    '25.0% of the network'
    """
    if not own:
        return ""
    return say("{share} of the network", share=f"{own / whole:.1%}") if own / whole >= 0.0005 \
        else say("less than 0.1% of the network")


def part_of(network: Explored, selected: Sequence[int]) -> Part | None:
    """The outermost part that holds these layers and no others."""
    wanted = list(selected)
    return next((part for stage in network.structure.stages for part in stage.walk()
                 if [layer.index for layer in part.layers] == wanted), None)
