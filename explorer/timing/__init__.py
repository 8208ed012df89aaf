"""Timed forward passes: what `time_forward` measures is one config on one device."""

from explorer.timing.devices import available, resolve
from explorer.timing.errors import TimingError
from explorer.timing.prediction import predict_seconds
from explorer.timing.process import submit, time_forward
from explorer.timing.protocol import Conditions, Timing

__all__ = ["Conditions", "Timing", "TimingError", "available", "predict_seconds", "resolve",
           "submit", "time_forward"]
