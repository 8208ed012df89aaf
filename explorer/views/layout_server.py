"""The program that runs Graphviz: a small server on standard input and output.

It is run by its path, and imports nothing of this package.
"""

from __future__ import annotations

import base64
import json
import sys

# A picture's dots per inch, and the inches that keep its longer side at 16,000 pixels: more is too
# large for many viewers.
PNG_DPI, PNG_INCHES = 144, 111


def serve() -> None:
    """Answer a line of JSON (DOT and a format) with a line of base64, or an empty one where
    Graphviz cannot read the graph, until the input ends."""
    import pygraphviz

    for line in sys.stdin:
        dot, form = json.loads(line)
        try:
            graph = pygraphviz.AGraph(string=dot)
            if form == "png":
                graph.graph_attr.update(dpi=str(PNG_DPI), size=f"{PNG_INCHES},{PNG_INCHES}")
            drawn = graph.draw(format=form, prog="dot")
            drawn = drawn if isinstance(drawn, bytes) else drawn.encode("utf-8")
        except (ValueError, OSError):
            drawn = b""
        print(base64.b64encode(drawn).decode("ascii"), flush=True)


if __name__ == "__main__":
    serve()
