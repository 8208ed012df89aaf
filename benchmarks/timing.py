"""Timed passes against the same by hand, and whether a disturbed run says so.

    python -m benchmarks.timing [NETWORK ...]

By hand: `torch.utils.benchmark.Timer` on the same network in a process of its own, in turns with
ours. Ratios are ours by theirs. Leave the machine alone meanwhile.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future

import torch
from torch.utils.benchmark import Timer

import explorer
from explorer.timing import cores, resolve, submit, submit_layers
from explorer.timing.process import MeasuringProcess

TURNS = 3
BUDGET_S = 1.0


def by_hand(name: str, device: str) -> float:
    """Median seconds of a pass; runs in the second process."""
    config = explorer.configure(name)
    network = explorer.build(config, device)
    images = torch.randn(config.input_shape, device=device)
    with torch.inference_mode():
        if device == "cpu":
            timer = Timer("network(images)", globals={"network": network, "images": images},
                          num_threads=torch.get_num_threads())
            timer.timeit(1)
            return float(timer.blocked_autorange(min_run_time=BUDGET_S).median)
        return by_events(lambda: network(images))


def by_events(run: Callable[[], object]) -> float:
    """The same with CUDA events: passes one after the other, none waited for."""
    for _ in range(10):
        run()
    torch.cuda.synchronize()
    samples = []
    for _ in range(20):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(10):
            run()
        end.record()
        torch.cuda.synchronize()
        samples.append(begin.elapsed_time(end) / 10 / 1e3)
    return float(statistics.median(samples))


def compare(names: list[str], device: str) -> None:
    print(f"{'':28} {'ours':>9} {'by hand':>9} {'ratio':>6}   {'layers':>6}  on {device}")
    ratios, sums = [], []
    with MeasuringProcess("by hand") as hand:
        for name in names:
            config = explorer.configure(name)
            ours, theirs, layers = [], [], []
            for _ in range(TURNS):
                ours.append(submit(config, device, BUDGET_S).result().median_s)
                theirs.append(hand.submit(by_hand, name, device).result())
                times = submit_layers(config, device, BUDGET_S).result()
                layers.append(times.sum_s / times.whole_s)
            ratios.append(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)))
            sums.append(statistics.median(layers))
            print(f"{name:28} {statistics.median(ours) * 1e3:6.1f} ms "
                  f"{statistics.median(theirs) * 1e3:6.1f} ms {ratios[-1]:6.3f}   {sums[-1]:6.3f}",
                  flush=True)
    print(f"{'median':28} {'':>9} {'':>9} {statistics.median(ratios):6.3f}   "
          f"{statistics.median(sums):6.3f}")
    print(f"layers furthest from the pass: {max(sums, key=lambda ratio: abs(ratio - 1)):.3f}\n")


def click_to_figure(device: str) -> None:
    config = explorer.configure("mobilenetv3_small")
    start = time.perf_counter()
    submit(config, device, BUDGET_S).result()
    print(f"click to figure, mobilenetv3_small, warm: {time.perf_counter() - start:.2f} s")


def disturbed(device: str) -> None:
    config = explorer.configure("resnet18")
    print(f"alone: {submit(config, device).result().warnings or 'no warning'}")
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores())]
    try:
        run: Future[explorer.Timing] = submit(config, device)
        print(f"with a busy process on every core: {run.result().warnings or 'no warning'}")
    finally:
        for process in busy:
            process.kill()
            process.wait()


if __name__ == "__main__":
    from benchmarks.timing import compare  # under the name that the second process finds it by

    best = resolve("auto")
    compare(sys.argv[1:] or list(explorer.presets()), best)
    click_to_figure(best)
    disturbed(best)
