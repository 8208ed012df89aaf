"""What is told of a chosen part beside the graph: plain data, for whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from explorer import text
from explorer.explain.derivation import Step, derive
from explorer.explain.sums import sums
from explorer.lessons import explaining
from explorer.pipeline import Explored
from explorer.structure import Part
from explorer.views.graph import recipe


def details_of(network: Explored, selected: Sequence[int],
               changes: Mapping[str, str]) -> dict[str, Any] | None:
    """Of the chosen layers: title, path, what goes in, each figure with how it comes about, and
    the change against the preset. None where none is chosen."""
    if not selected:
        return None
    layers = [network.summary.layers[index] for index in selected]
    shares = {name: _share(selected, counts) for name, counts in (
        ("Parameters", [layer.params for layer in network.summary.layers]),
        ("Multiply-adds", [layer.macs for layer in network.summary.layers]))}
    part = _part(network, selected)
    change = changes.get(part.id, "") if part else ""
    if len(layers) == 1:
        [layer] = layers
        derivation = derive(network.summary, layer.index)
        given = "; ".join(f"{text.shape(one.shape)} from {one.name}" for one in derivation.inputs)
        return _told(layer.type, layer.path, f"{layer.kind}. Input: {given or 'none'}.",
                     derivation.steps, change, shares, [layer.type, layer.kind])
    first, last = layers[0], layers[-1]
    title = recipe.title(part) if part else f"{len(layers)} layers"
    given = text.shape(next(iter(first.input_shapes), ()))
    about = f"{len(layers)} layers. Input: {given or 'none'}."
    path = part.path if part and part.path else f"{first.path} to {last.path}"
    return _told(title, path, about, sums(network.summary, selected), change, shares,
                 [part.name] if part else [])


def _told(title: str, path: str, about: str, steps: Sequence[Step], change: str,
          shares: Mapping[str, str], names: Sequence[str]) -> dict[str, Any]:
    lessons = [lesson for name in names if (lesson := explaining(module=name))]
    return {"title": title, "path": path, "about": about, "change": change,
            "lesson": lessons[0].link if lessons else None,
            "rows": [{"name": step.name, "value": step.shown, "share": shares.get(step.name, ""),
                      "how": [row for equation in step.equations for row in equation.to_text()],
                      "notes": " ".join(step.notes)} for step in steps]}


def _share(selected: Sequence[int], counts: Sequence[int | None]) -> str:
    """What the chosen layers have of the network's sum, in words; nothing where they have none.

    >>> _share([0], [1, 3, None])
    '25.0% of the network'
    """
    own, whole = sum([counts[index] or 0 for index in selected]), sum([n or 0 for n in counts])
    if not own:
        return ""
    return f"{own / whole:.1%} of the network" if own / whole >= 0.0005 \
        else "less than 0.1% of the network"


def _part(network: Explored, selected: Sequence[int]) -> Part | None:
    """The outermost part that holds these layers and no others."""
    wanted = list(selected)
    return next((part for stage in network.structure.stages for part in stage.walk()
                 if [layer.index for layer in part.layers] == wanted), None)
