"""(module, input shape) -> Trace: one forward pass by shapes alone."""

from explorer.tracing.nesting import leaves
from explorer.tracing.operators import NETWORK_INPUT, Call, Operand
from explorer.tracing.record import Input, Module, ModuleRun, Parameter, Trace, TraceError
from explorer.tracing.tracer import trace

__all__ = ["NETWORK_INPUT", "Call", "Input", "Module", "ModuleRun", "Operand", "Parameter", "Trace",
           "TraceError", "leaves", "trace"]
