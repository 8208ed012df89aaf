"""DOT -> SVG and PNG with Graphviz, in a process of its own.

Graphviz inside Python (`pygraphviz`, whose wheels carry the library) is not safe with threads and
can abort its process. So it runs in a small server, `layout_server`, that lays out one graph after
the other, and that is replaced if it dies.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from threading import Lock, Timer
from typing import Literal

from explorer.reloading import at_end

Format = Literal["svg", "png"]

TIMEOUT_S = 20.0

PROGRAM = Path(__file__).with_name("layout_server.py")


class LayoutError(RuntimeError):
    """A graph that could not be laid out; the process has been replaced."""


class _Server:
    """The process, started at first use, and one request at a time."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.process: subprocess.Popen[str] | None = None

    def ask(self, dot: str, form: Format) -> bytes:
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    [sys.executable, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
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
at_end(__name__, _server.stop)


def to_svg(dot: str) -> str:
    """The SVG of a graph, laid out by Graphviz's dot.

    Raises `LayoutError` where Graphviz cannot read the graph, or takes longer than `TIMEOUT_S`.
    """
    return _server.ask(dot, "svg").decode("utf-8")


def to_png(dot: str) -> bytes:
    """The same as a picture, no side of which is longer than 16,000 pixels."""
    return _server.ask(dot, "png")
