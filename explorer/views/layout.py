"""DOT -> SVG and PNG with Graphviz, in a process of its own.

Graphviz inside Python (`pygraphviz`, whose wheels carry the library) is not safe with threads and
can abort its process. So this file is also a program: a small server on standard input and output
that lays out one graph after the other, and that is replaced if it dies.
"""

from __future__ import annotations

import atexit
import base64
import json
import subprocess
import sys
from threading import Lock, Timer
from typing import Literal

Format = Literal["svg", "png"]

TIMEOUT_S = 20.0

# A picture's dots per inch, and the inches that keep its longer side at 16,000 pixels: more is too
# large for many viewers.
PNG_DPI, PNG_INCHES = 144, 111


class LayoutError(RuntimeError):
    """A graph that could not be laid out; the process has been replaced."""


class _Server:
    """The process, started at first use, and one request at a time."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.process: subprocess.Popen[str] | None = None
        atexit.register(self.stop)

    def ask(self, dot: str, form: Format) -> bytes:
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL, text=True, encoding="utf-8")
            assert self.process.stdin and self.process.stdout
            alarm = Timer(TIMEOUT_S, self.process.kill)
            alarm.start()
            try:
                self.process.stdin.write(json.dumps([dot, form]) + "\n")
                self.process.stdin.flush()
                answer = self.process.stdout.readline()
            except OSError:
                answer = ""
            finally:
                alarm.cancel()
            if not answer:
                self.stop()
                raise LayoutError("Graphviz could not lay out this graph.")
        if not answer.strip():
            raise LayoutError("Graphviz could not read this graph.")
        return base64.b64decode(answer)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


_server = _Server()


def to_svg(dot: str) -> str:
    """The SVG of a graph, laid out by Graphviz's dot.

    Raises `LayoutError` where Graphviz cannot read the graph, or takes longer than `TIMEOUT_S`.
    """
    return _server.ask(dot, "svg").decode("utf-8")


def to_png(dot: str) -> bytes:
    """The same as a picture, no side of which is longer than 16,000 pixels."""
    return _server.ask(dot, "png")


def _serve() -> None:
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
    _serve()
