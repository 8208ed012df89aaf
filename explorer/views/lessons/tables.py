"""Figures side by side, as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from explorer import text
from explorer.language import say
from explorer.lessons.facts import FIGURES, Value, show
from explorer.pipeline import Explored
from explorer.structure import Part
from explorer.views.graph import LEVELS, Drawing, Level


def figure_table(networks: Mapping[str, Explored], figures: Sequence[str]) -> str:
    """Figures of networks, a column each, by the names that stand above them."""
    return _columns(list(networks), [
        (figure, [FIGURES[figure].of(network, network.summary.layers)
                  for network in networks.values()]) for figure in figures])


def chain_table(chains: Mapping[str, Explored], figures: Sequence[str]) -> str:
    """Figures of modules in a row, a row for each chain."""
    rows = [(escape(name), [FIGURES[figure].of(chain, chain.summary.layers) for figure in figures])
            for name, chain in chains.items()]
    first = rows[0][1]
    body = "".join([f'<tr><th scope="row">{name}</th>' + "".join([
        _cell(figure, value, one, first=number == 0)
        for figure, value, one in zip(figures, values, first, strict=True)]) + "</tr>"
        for number, (name, values) in enumerate(rows)])
    return _table([say("Layers"), *[say(FIGURES[figure].words) for figure in figures]], body)


def cost_table(network: Explored, path: str, by: Level, figures: Sequence[str]) -> str:
    """Figures of the parts of a network, a row each, with their share of the whole."""
    whole = network.summary.layers
    parts = [part for part in _parts(network, by)
             if not path or part.path == path or part.path.startswith(f"{path}.")]
    totals = {figure: FIGURES[figure].of(network, whole) for figure in figures}
    body = []
    for part in parts:
        own = [layer for layer in part.layers if layer.index < len(whole)]
        if not own:
            continue
        cells = []
        for figure in figures:
            value = FIGURES[figure].of(network, own)
            share = ""
            total = totals[figure]
            if figure in SHARED and value and isinstance(value, int) and isinstance(total, int):
                of_whole = show(value / total, style="percent", ratio=True)
                share = f"<small>{of_whole}</small>" \
                    f'<i style="width: {100 * value / total:.1f}%"></i>'
            cells.append(f"<td>{_shown(figure, value)} {share}</td>")
        name = _name(part).removeprefix(f"{path}.") if path else _name(part)
        body.append(f'<tr><th scope="row">{_breakable(name)}</th>{"".join(cells)}</tr>')
    return _table([say(WHAT[by]), *[say(FIGURES[figure].words) for figure in figures]],
                  "".join(body))


SHARED = ("params", "macs", "elementwise_ops", "activation_bytes")
"""Figures of which the parts' add up to the network's."""

WHAT: dict[Level, str] = {"stage": "Stage", "block": "Block", "layer": "Layer"}


def _parts(network: Explored, by: Level) -> Sequence[Part]:
    assert by in LEVELS
    if by == "stage":
        return network.structure.stages
    if by == "block":
        return network.structure.blocks
    drawing = Drawing(network.structure, "layer")
    return [part for part in drawing.nodes if not part.auxiliary]


def _name(part: Part) -> str:
    return f"{part.path} ({part.name})" if part.role == "call" else part.stage or part.path


def _breakable(name: str) -> str:
    """A name that a narrow column breaks after a point or a long word.

    >>> _breakable("norm.lrn (LocalResponseNorm)"), _breakable("ReLU")
    ('norm.<wbr>lrn (Local<wbr>Response<wbr>Norm)', 'ReLU')
    """
    return re.sub(r"(?<=[.])(?=\w)|(?<=[a-z]{4})(?=[A-Z])", "<wbr>", escape(name))


def _columns(names: Sequence[str], rows: Sequence[tuple[str, Sequence[Value | None]]]) -> str:
    body = "".join([f'<tr><th scope="row">{say(FIGURES[figure].words)}</th>' + "".join([
        _cell(figure, value, values[0], first=number == 0)
        for number, value in enumerate(values)]) + "</tr>" for figure, values in rows])
    return _table(["", *map(_unbroken, names)], body)


def _unbroken(name: str) -> str:
    """A name that does not break at the hyphen of a short word.

    >>> _unbroken("VGG-11, width 2"), _unbroken("EfficientNet-B0")
    ('<span>VGG-11</span>, width 2', 'EfficientNet-B0')
    """
    return re.sub(r"\b\w{1,6}-\w{1,4}\b", r"<span>\g<0></span>", escape(name))


def _cell(figure: str, value: Value | None, one: Value | None, *, first: bool) -> str:
    """A figure, and how many times the first it is."""
    change = ""
    if not first and isinstance(value, int) and isinstance(one, int) and one:
        divisor = text.part(value, one)
        change = f"1/{divisor}" if divisor else text.change(value, one) or say("the same")
        change = f"<small>{change}</small>"
    return f"<td>{_shown(figure, value)} {change}</td>"


def _shown(figure: str, value: Value | None) -> str:
    if value is None:
        return "–"
    exact = f' title="{value:,}"' if isinstance(value, int) else ""
    return f"<span{exact}>{show(value, FIGURES[figure].unit)}</span>"


def _table(heads: Sequence[str], body: str) -> str:
    head = "".join([f'<th scope="col">{name}</th>' for name in heads])
    return (f'<div class="compared"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")


