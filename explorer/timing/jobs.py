"""What can be measured: each is checked, queued on its device, and told about by its `Job`.

All raise `TimingError` for a device that is not there, choices that it cannot do, a budget of
nothing and a pass that does not fit into memory, and `TraceError` for a pass that cannot reach its
end. The job raises `TimingError` where it fails or its process dies, `CancelledError` where it was
cancelled.

To the measuring process travels the network's canonical string.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Future

from explorer.analysis import Summary
from explorer.language import Text
from explorer.pipeline import summarise
from explorer.sources import LARGEST_BATCH, Named, Source, to_source
from explorer.timing.batches import BatchTimes, measure_batches, with_batch
from explorer.timing.choices import DEFAULT, Choices
from explorer.timing.devices import resolve
from explorer.timing.disturbance import quiet
from explorer.timing.errors import TimingError
from explorer.timing.job import Job
from explorer.timing.layers import LayerTimes, measure_layers
from explorer.timing.prediction import check_memory, learn_rate
from explorer.timing.process import measuring_process
from explorer.timing.protocol import Timing, measure
from explorer.timing.roofline import Rates, measure_rates
from explorer.timing.turns import TurnTimes, measure_turns


def submit(network: Named, device: str = "auto", budget_s: float = 2.0,
           choices: Choices = DEFAULT, *, summary: Summary | None = None) -> Job[Timing]:
    """Queue timed passes of a network, for about `budget_s` seconds.

    `summary` is that of the pass, where it is there already.
    """
    source = to_source(network)
    device, summary = _checked(source, device, budget_s, choices, summary)

    def learn(future: Future[Timing]) -> None:
        if not future.cancelled() and not future.exception() and quiet(future.result()):
            learn_rate(summary, device, future.result().median_s, choices)

    job = measuring_process(device).submit(measure, source.key, device, budget_s, choices)
    job.add_done_callback(learn)
    return job


def submit_layers(network: Named, device: str = "auto", budget_s: float = 2.0,
                  choices: Choices = DEFAULT, *,
                  summary: Summary | None = None) -> Job[LayerTimes]:
    """Queue a job in which every call of a network is timed, for about `budget_s` seconds.

    `summary` is that of the pass, where it is there already.
    """
    if choices.compile or choices.cuda_graph:
        raise TimingError(Text("Layers can be timed one by one only where they run one by one: "
                               "leave `compile` and `cuda_graph` off."))
    source = to_source(network)
    device, _ = _checked(source, device, budget_s, choices, summary)
    return measuring_process(device).submit(measure_layers, source.key, device, budget_s, choices)


def submit_batches(network: Named, device: str = "auto", budget_s: float = 1.0,
                   choices: Choices = DEFAULT, batches: Sequence[int] | None = None, *,
                   summary: Summary | None = None,
                   largest: int = LARGEST_BATCH) -> Job[BatchTimes]:
    """Queue timed passes at several batch sizes, for about `budget_s` seconds each.

    Without `batches` 1, 2, 4, and so on up to the `largest`, until one does not fit into the memory
    or a pass takes longer than its budget. A size that does not fit is refused in its point, and
    the others go on. `summary` is that of the network's own pass, which helps where it is of one
    image. Raises `ConfigError` for a size that cannot be.
    """
    source = to_source(network)
    for size in batches or ():
        with_batch(source, size)
    one = with_batch(source, 1)
    device, _ = _checked(one, device, budget_s, choices, summary if one == source else None)
    return measuring_process(device).submit(measure_batches, one.key, device, budget_s, choices,
                                            tuple(batches) if batches else None, largest)


def submit_turns(networks: Sequence[Named], device: str = "auto", budget_s: float = 2.0,
                 choices: Choices = DEFAULT, *, layers: bool = False) -> Job[TurnTimes]:
    """Queue a job in which networks are timed in turn, for about `budget_s` seconds each; with
    `layers` every call of them too."""
    if choices.compile or choices.cuda_graph:
        raise TimingError(Text("Networks are timed in turn as they stand: leave `compile` and "
                               "`cuda_graph` off."))
    sources = [to_source(network) for network in networks]
    for source in sources:
        device, _ = _checked(source, device, budget_s, choices, None)
    return measuring_process(device).submit(
        measure_turns, tuple([source.key for source in sources]), device, budget_s, choices,
        layers=layers)


def submit_rates(device: str = "auto", choices: Choices = DEFAULT, *,
                 again: bool = False) -> Job[Rates]:
    """Queue the measurement of a device's own rates; the second time they are there at once.

    With `again` they are measured once more where they have been measured only once: for layers
    that are above them.
    """
    device = resolve(device)
    choices.check(device)
    return measuring_process(device).submit(measure_rates, device, choices, again)


def time_forward(network: Named, device: str = "auto", budget_s: float = 2.0,
                 choices: Choices = DEFAULT) -> Timing:
    """Time the pass of a network on this machine, in about `budget_s` seconds.

    Waits for its turn where other jobs are queued on the device.

    >>> timing = time_forward("mobilenetv3_small&input_size=32", "cpu", budget_s=0.1)
    >>> timing.p10_s <= timing.median_s <= timing.p90_s
    True
    """
    return submit(network, device, budget_s, choices).result()


def _checked(source: Source, device: str, budget_s: float, choices: Choices,
             summary: Summary | None) -> tuple[str, Summary]:
    """The device's name and the network's summary, where the pass can be timed."""
    device = resolve(device)
    if not 0 < budget_s < math.inf:
        raise TimingError(Text("`budget_s` must be more than 0 seconds; got {budget}.",
                               budget=f"{budget_s:g}"))
    choices.check(device)
    choices.check_inputs(source.inputs)
    summary = summary or summarise(source, training=choices.training)
    if not device.startswith("cuda"):    # there, asking would create a context in this process
        check_memory(source, summary, device, choices)
    return device, summary
