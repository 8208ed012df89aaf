"""Timed passes: what is measured is one network on one device, in a process of its own."""

from explorer.timing.batches import BatchPoint, BatchTimes
from explorer.timing.choices import Choices
from explorer.timing.conditions import Conditions
from explorer.timing.devices import available, can_compile, cores, resolve, usual_threads
from explorer.timing.disturbance import quiet
from explorer.timing.errors import TimingError
from explorer.timing.job import Job
from explorer.timing.jobs import (
    submit,
    submit_batches,
    submit_layers,
    submit_rates,
    submit_turns,
    time_forward,
)
from explorer.timing.layers import LayerTimes
from explorer.timing.prediction import predict_seconds
from explorer.timing.process import queue_length
from explorer.timing.protocol import Timing
from explorer.timing.roofline import BOUNDS, Rates, Roofline, Spot, place
from explorer.timing.turns import Ratio, TurnTimes
from explorer.timing.worker import Progress

__all__ = ["BOUNDS", "BatchPoint", "BatchTimes", "Choices", "Conditions", "Job", "LayerTimes",
           "Progress", "Rates", "Ratio", "Roofline", "Spot", "Timing", "TimingError", "TurnTimes",
           "available", "can_compile", "cores", "place", "predict_seconds", "queue_length",
           "quiet", "resolve", "submit", "submit_batches", "submit_layers", "submit_rates",
           "submit_turns", "time_forward", "usual_threads"]
