"""(module, input shape) -> Trace: one forward pass by shapes alone."""

from explorer.tracing.tracer import (
    NETWORK_INPUT,
    Call,
    Run,
    Scope,
    Trace,
    TraceError,
    leaves,
    trace,
)

__all__ = ["NETWORK_INPUT", "Call", "Run", "Scope", "Trace", "TraceError", "leaves", "trace"]
