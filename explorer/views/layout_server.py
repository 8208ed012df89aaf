"""The program that runs Graphviz: a small server on standard input and output.

It is run by its path, and imports nothing of this package.
"""

from __future__ import annotations

import json
import sys


def serve() -> None:
    """Answer a line of JSON, which is DOT, with a line of JSON, from each node's name to its place
    in points, or with an empty one where Graphviz cannot read the graph, until the input ends."""
    import pygraphviz

    for line in sys.stdin:
        try:
            with pygraphviz.AGraph(string=json.loads(line)) as graph:
                graph.layout(prog="dot")
                answer = json.dumps({str(node): [float(value) for value in
                                                 node.attr["pos"].split(",")]
                                     for node in graph.nodes()})
        except (ValueError, OSError):
            answer = ""
        print(answer, flush=True)


if __name__ == "__main__":
    serve()
