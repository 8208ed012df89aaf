"""The block graph on the page: an SVG that can be moved and zoomed, in the theme's colours."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer.views.palette import KIND_COLOURS

_HERE = Path(__file__).parent

_kinds = "\n".join(f".kind-{kind.replace(' ', '-')} {{ --kind: {colour}; }}"
                   for kind, colour in KIND_COLOURS.items())

_component = st.components.v2.component(
    "block_graph",
    html='<div class="graph"><div class="tools" role="toolbar" aria-label="Graph">'
         '<button type="button" data-do="in" title="Zoom in">+</button>'
         '<button type="button" data-do="out" title="Zoom out">−</button>'
         '<button type="button" data-do="fit" title="Fit into the frame">Fit</button></div>'
         '<div class="canvas" tabindex="0" role="img"></div></div>',
    css=(_HERE / "graph.css").read_text(encoding="utf-8") + _kinds,
    js=(_HERE / "graph.js").read_text(encoding="utf-8"))


def graph(svg: str, alt: str, *, key: str) -> None:
    """Show an SVG that Graphviz made. Its size on the page does not change with its content."""
    _component(key=key, data={"svg": svg, "alt": alt})
