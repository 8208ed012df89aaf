"""The colours of a graph that stands by itself: light, for print."""

from __future__ import annotations

from explorer.structure import Part
from explorer.views.graph.overlays import Overlay
from explorer.views.palette import FAILURE, FRAME, HEAT, INK, KIND_COLOURS, PALE, PAPER, PLAIN


def fill_of(node: Part, overlay: Overlay) -> str:
    """The ground of a node: of its kind, or as strong as its figure."""
    if node.failed:
        return mix(FAILURE, 0.16)
    if overlay.colours:
        share = overlay.share(node.id)
        return PAPER if share is None else heat(share)
    return PAPER if node.operation is None else mix(KIND_COLOURS[node.operation], 0.16)


def heat(share: float) -> str:
    """The colour of a node that has this share of the largest figure."""
    return mix(HEAT, share * 0.75)


def line_of(node: Part) -> str:
    """The border of a node."""
    if node.failed:
        return FAILURE
    return PLAIN if node.operation is None else mix(KIND_COLOURS[node.operation], 0.75)


def mix(colour: str, share: float) -> str:
    """A colour on white paper.

    >>> mix("#000000", 0.5)
    '#808080'
    """
    parts = [int(colour[place:place + 2], 16) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(255 + (part - 255) * share + 0.001):02X}" for part in parts)


ACCENT = "#0B6FA4"
"""Of shortcuts and gates, and of what has changed."""
LINE = "#5F6B7A"

_kinds = "".join(f".kind-{kind.replace(' ', '-')}{{fill:{mix(colour, 0.16)}}}"
                 f".kind-{kind.replace(' ', '-')} .body,.kind-{kind.replace(' ', '-')} .outline"
                 f"{{stroke:{mix(colour, 0.75)}}}"
                 for kind, colour in KIND_COLOURS.items())

STYLE = f"""
.paper,.node{{fill:{PAPER}}}
.body,.behind{{stroke:{PLAIN};stroke-width:1}}
.frame .body,.frame .behind{{fill:{mix(PALE, 0.7)};stroke:{FRAME}}}
.frame.squeeze .body{{stroke-dasharray:5 3}}
{_kinds}
.failed{{fill:{mix(FAILURE, 0.16)}}}
.failed .body{{stroke:{FAILURE}}}
.painted .body,.painted .outline{{stroke:{mix(INK, 0.45)}}}
.outline,.parting{{fill:none}}
.parting{{stroke:{mix(PLAIN, 0.35)}}}
.strip .body{{stroke:none}}
.behind{{fill:{PAPER}}}
.panel{{fill:{mix(PLAIN, 0.11)}}}
.joins,.line .head,.dots circle{{fill:{LINE}}}
.line .way,path.past,.stem{{fill:none;stroke:{LINE};stroke-width:1.4}}
.shortcut .way,path.past{{stroke:{ACCENT};stroke-dasharray:5 3}}
.gate .way{{stroke:{ACCENT};stroke-dasharray:1.5 3}}
.auxiliary .way{{stroke-dasharray:8 4}}
.shortcut .head,.gate .head,.tip{{fill:{ACCENT}}}
.join{{fill:{mix(KIND_COLOURS["merge"], 0.16)};stroke:{mix(KIND_COLOURS["merge"], 0.75)}}}
.scale rect{{stroke:none}}
text{{font-size:11px;fill:{INK};stroke:none}}
.title,.sign,.plus,.heading{{font-weight:bold}}
.heading{{font-size:15px}}
.sign{{font-size:14px}}
.quiet,.label{{fill:#52606F}}
text.past,.change{{fill:{ACCENT}}}
.change{{font-style:italic}}
.painted .quiet,.painted .change,.painted .past{{fill:{INK}}}
.painted path.past{{fill:none}}
.failure{{fill:{FAILURE}}}
""".replace("\n", "")
"""Rules for the classes of `svg.body`, on white paper."""
