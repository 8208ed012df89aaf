"""What can be measured: each is checked, queued on its device, and told about by its `Run`.

All raise `TimingError` for a device that is not there, choices that it cannot do, a budget of
nothing and a pass that does not fit into memory, and `TraceError` for a pass that cannot reach its
end. The run raises `TimingError` where it fails or its process dies, `CancelledError` where it was
cancelled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Future

from explorer.analysis import Summary
from explorer.config import Config
from explorer.networks.key import to_key
from explorer.pipeline import summarise
from explorer.timing.batches import Sweep, measure_batches
from explorer.timing.choices import DEFAULT, Choices
from explorer.timing.devices import resolve
from explorer.timing.errors import TimingError
from explorer.timing.layers import LayerTimes, measure_layers
from explorer.timing.prediction import check_memory, learn_rate
from explorer.timing.process import Run, measuring_process
from explorer.timing.protocol import Timing, measure
from explorer.timing.roofline import Rates, measure_rates


def submit(config: Config, device: str = "auto", budget_s: float = 2.0,
           choices: Choices = DEFAULT, *, summary: Summary | None = None) -> Run[Timing]:
    """Queue timed passes of a config, for about `budget_s` seconds.

    `summary` is that of the pass, where it is there already.
    """
    device, key, summary = _checked(config, device, budget_s, choices, summary)

    def learn(future: Future[Timing]) -> None:
        if not future.cancelled() and not future.exception():
            learn_rate(summary.totals, device, future.result().median_s, choices)

    run = measuring_process(device).submit(measure, key, device, budget_s, choices)
    run.add_done_callback(learn)
    return run


def submit_layers(config: Config, device: str = "auto", budget_s: float = 2.0,
                  choices: Choices = DEFAULT) -> Run[LayerTimes]:
    """Queue a run in which every call of a config is timed, for about `budget_s` seconds."""
    if choices.compile or choices.cuda_graph:
        raise TimingError("Layers can be timed one by one only where they run one by one: leave "
                          "`compile` and `cuda_graph` off.")
    device, key, _ = _checked(config, device, budget_s, choices)
    return measuring_process(device).submit(measure_layers, key, device, budget_s, choices)


def submit_batches(config: Config, device: str = "auto", budget_s: float = 1.0,
                   choices: Choices = DEFAULT, batches: Sequence[int] | None = None) -> Run[Sweep]:
    """Queue timed passes at several batch sizes, for about `budget_s` seconds each.

    Without `batches` 1, 2, 4, and so on, until one does not fit into the memory or a pass takes
    longer than its budget. A size that does not fit is refused in its point, and the others go on.
    Raises `ConfigError` for a size that cannot be.
    """
    for size in batches or ():
        config.replace(batch_size=size)
    device, key, _ = _checked(config.replace(batch_size=1), device, budget_s, choices)
    return measuring_process(device).submit(measure_batches, key, device, budget_s, choices,
                                            tuple(batches) if batches else None)


def submit_rates(device: str = "auto", choices: Choices = DEFAULT) -> Run[Rates]:
    """Queue the measurement of a device's own rates; the second time they are there at once."""
    device = resolve(device)
    choices.check(device)
    return measuring_process(device).submit(measure_rates, device, choices)


def time_forward(config: Config, device: str = "auto", budget_s: float = 2.0,
                 choices: Choices = DEFAULT) -> Timing:
    """Time the pass of a config on this machine, in about `budget_s` seconds.

    Waits for its turn where other runs are queued on the device.

    >>> from explorer.networks.catalogue import configure
    >>> timing = time_forward(configure("mobilenetv3_small", input_size=32), "cpu", budget_s=0.1)
    >>> timing.p10_s <= timing.median_s <= timing.p90_s
    True
    """
    return submit(config, device, budget_s, choices).result()


def _checked(config: Config, device: str, budget_s: float, choices: Choices,
             summary: Summary | None = None) -> tuple[str, str, Summary]:
    """The device's name, the config's key and its summary, where the pass can be timed."""
    device = resolve(device)
    if not 0 < budget_s < math.inf:
        raise TimingError(f"`budget_s` must be more than 0 seconds; got {budget_s:g}.")
    choices.check(device)
    key, summary = to_key(config), summary or summarise(config, training=choices.training)
    if not device.startswith("cuda"):    # there, asking would create a context in this process
        check_memory(key, summary, device, choices)
    return device, key, summary
