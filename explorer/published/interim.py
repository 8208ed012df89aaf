from typing import NamedTuple

from explorer.tracing import Trace
from explorer.tracing.operators import Shape


class ModuleRun(NamedTuple):
    path: str
    type: str
    start: int
    stop: int
    inputs: tuple[int, ...]
    output_shapes: tuple[Shape, ...]
def runs(trace: Trace) -> tuple[ModuleRun, ...]:
    given = {(s.path, s.start): s.inputs for s in trace.scopes}
    return tuple(ModuleRun(r.path, trace.modules[r.path].type, r.start, r.stop, given.get((r.path, r.start), ()), r.output_shapes) for r in trace.runs)
