"""Where Graphviz's dot puts the nodes of a graph, found in a process of its own.

Graphviz inside Python (`pygraphviz`, whose wheels carry the library) is not safe with threads and
can abort its process. So it runs in a small server, `layout_server`, that lays out one graph after
the other, and that is replaced if it dies.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from threading import Event, Lock, Timer

from explorer.language import Text
from explorer.reloading import at_end

TIMEOUT_S = 6.0
"""Three times what the largest parts of networks take, on two cores: everybody waits for it."""

PROGRAM = Path(__file__).with_name("layout_server.py")

Places = Mapping[str, tuple[float, float]]


class LayoutError(RuntimeError):
    """A graph that cannot be laid out or drawn, and what can be done instead."""

    passing = False
    """Whether it may well work when it is tried again."""


class LayoutEnded(LayoutError):
    """The process was ended by somebody else, or for want of memory."""

    passing = True


class _Server:
    """The process, started at first use, and one request at a time."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.process: subprocess.Popen[str] | None = None

    def ask(self, dot: str) -> Places:
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    [sys.executable, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL, text=True, encoding="utf-8")
            assert self.process.stdin and self.process.stdout
            process, late = self.process, Event()

            def end() -> None:
                late.set()
                process.kill()

            alarm = Timer(TIMEOUT_S, end)
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
                if not late.is_set():
                    raise LayoutEnded(Text("Graphviz was ended while it laid out this graph: draw "
                                           "it again."))
                raise LayoutError(Text("Graphviz could not lay out this graph. A level above has "
                                       "fewer nodes."))
        if not answer.strip():
            raise LayoutError(Text("Graphviz could not read this graph."))
        return {name: (x, y) for name, (x, y) in json.loads(answer).items()}

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


_server = _Server()
at_end(__name__, _server.stop)


def places(dot: str) -> Places:
    """The middle of each node by its name, in points, from the lower left corner.

    What has been asked before is known, also that it fails. Raises `LayoutError` where Graphviz
    cannot read the graph, or takes longer than `TIMEOUT_S`, `LayoutEnded` where it was ended.
    """
    answer = _answer(dot)
    if isinstance(answer, LayoutError):
        raise LayoutError(*answer.args)
    return answer


@lru_cache(maxsize=512)
def _answer(dot: str) -> Places | LayoutError:
    try:
        return _server.ask(dot)
    except LayoutError as error:
        if error.passing:
            raise
        return error
