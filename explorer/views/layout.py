"""DOT -> SVG with Graphviz, in a process of its own.

Graphviz inside Python (`pygraphviz`, whose wheels carry the library) is not safe with threads and
can abort its process. So this file is also a program: a small server on standard input and output
that lays out one graph after the other, and that is replaced if it dies.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from threading import Lock, Timer

TIMEOUT_S = 20.0


class LayoutError(RuntimeError):
    """A graph that could not be laid out; the process has been replaced."""


class _Server:
    """The process, started at first use, and one request at a time."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.process: subprocess.Popen[str] | None = None
        atexit.register(self.stop)

    def ask(self, dot: str) -> str:
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL, text=True, encoding="utf-8")
            assert self.process.stdin and self.process.stdout
            alarm = Timer(TIMEOUT_S, self.process.kill)
            alarm.start()
            try:
                self.process.stdin.write(json.dumps(dot) + "\n")
                self.process.stdin.flush()
                answer = self.process.stdout.readline()
            except OSError:
                answer = ""
            finally:
                alarm.cancel()
            if not answer:
                self.stop()
                raise LayoutError("Graphviz could not lay out this graph.")
        svg = json.loads(answer)
        if svg is None:
            raise LayoutError("Graphviz could not read this graph.")
        return str(svg)

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
    return _server.ask(dot)


def _serve() -> None:
    """Answer a line of JSON (DOT) with a line of JSON (SVG, or null), until the input ends."""
    import pygraphviz

    for line in sys.stdin:
        try:
            svg = pygraphviz.AGraph(string=json.loads(line)).draw(format="svg", prog="dot")
            answer = json.dumps(svg.decode("utf-8") if isinstance(svg, bytes) else svg)
        except (ValueError, OSError):
            answer = "null"
        print(answer, flush=True)


if __name__ == "__main__":
    _serve()
