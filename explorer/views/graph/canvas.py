"""The canvas that a drawing is looked at in: its page, its look and its script, and what the script
needs to know beside the SVG, as plain data. The app and the report show the same one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from explorer.structure import Part
from explorer.views import scripts, selection
from explorer.views.graph.drawing import Drawing
from explorer.views.graph.lanes import Beside
from explorer.views.graph.overlays import NO_OVERLAY, Overlay
from explorer.views.graph.picture import Picture
from explorer.views.graph.svg import page_svg, tooltip
from explorer.views.palette import FAILURE, HEAT, KIND_COLOURS, PLAIN


def _file(ending: str) -> str:
    return Path(__file__).with_name(f"canvas.{ending}").read_text(encoding="utf-8")


_kinds = "\n".join(f".kind-{kind.replace(' ', '-')} {{ --kind: {colour}; }}"
                   for kind, colour in KIND_COLOURS.items())

HTML, SCRIPT = _file("html"), _file("js")
TEXTS = (*scripts.texts_of(HTML, SCRIPT), *KIND_COLOURS)
"""What they say themselves."""
STYLE = (f".graph {{ --heat: {HEAT}; --plain: {PLAIN}; --failure: {FAILURE}; "
         f"--merge: {KIND_COLOURS['merge']}; }}\n{_kinds}\n{_file('css')}")
"""It takes its colours and letters from variables that are called as Streamlit calls them, such as
`--st-text-color`."""


def canvas_data(drawing: Drawing, overlay: Overlay, svg: str,
                selected: Collection[int] = ()) -> dict[str, Any]:
    """What each node and frame of a network's drawing holds, what the legend explains, and which
    layers are chosen."""
    layers = len(drawing.structure.summary.layers)
    chosen = set(selected) | {drawing.behind.get(index, index) for index in selected}

    def entry(part: Part) -> dict[str, Any]:
        own = [layer.index for layer in part.layers if layer.index < layers]
        return {"rows": selection.to_text(own), "opens": bool(part.parts), "tip": tooltip(part),
                "find": " ".join([part.name, *(f"{layer.path} {layer.type}"
                                               for layer in part.layers)]).casefold(),
                "chosen": not chosen.isdisjoint(own),
                **({"value": overlay.shown[part.id]} if overlay.shown.get(part.id) else {})}

    legend = {"title": str(overlay.title), "largest": overlay.largest,
              "top": overlay.shown.get(overlay.largest or "", "–")} if overlay.colours else \
             {"kinds": _kinds_of(drawing.nodes)}
    nodes = {node.id: entry(node) for node in drawing.nodes}
    for frame in drawing.frames:        # the inner ones after those around them
        for item in frame.items:
            if isinstance(item, Part):
                nodes[item.id]["frame"] = frame.part.id
    return {"svg": svg, "nodes": nodes, "legend": legend, "picked": selection.to_text(selected),
            "words": scripts.words_of(TEXTS),
            "frames": {frame.part.id: entry(frame.part) | {"example": frame.example}
                       for frame in drawing.frames}}


def beside_data(beside: Beside, keys: Sequence[str], chosen: str = "") -> dict[str, Any]:
    """The same of networks beside each other; `keys` are what their rows are known by, and nothing
    opens in them."""
    data = still_data(beside.picture)
    for part in beside.picture.nodes:
        key = keys[beside.row_of[part.id]]
        data["nodes"][part.id] |= {"rows": key, "chosen": key == chosen}
    return data | {"picked": chosen}


def still_data(picture: Picture) -> dict[str, Any]:
    """The same of a drawing in which nothing is chosen and nothing opens."""
    return {
        "svg": page_svg(picture, NO_OVERLAY, {}, buttons=False), "closed": True, "picked": "",
        "nodes": {part.id: {"rows": "", "opens": False, "chosen": False, "tip": tooltip(part),
                            "find": " ".join([part.name, part.path]).casefold()}
                  for part in picture.nodes},
        "frames": {placed.frame.part.id: {"rows": "", "opens": False, "find": "", "chosen": False,
                                          "tip": placed.frame.part.path, "example": False}
                   for placed in picture.frames},
        "legend": {"kinds": _kinds_of(picture.nodes)}, "words": scripts.words_of(TEXTS)}


def _kinds_of(nodes: Sequence[Part]) -> list[str]:
    """The kinds of operation in a drawing, in the order of the legend."""
    kinds = {node.operation for node in nodes if not node.failed}
    return [*[kind for kind in KIND_COLOURS if kind in kinds],
            *(["block"] if None in kinds else [])]
