"""How long a sweep takes: processes against one, and Dask against processes.

    python -m benchmarks.sweep [CONFIGS]

Of the configs a third each are of MobileNetV3-Small, ResNet-18 and VGG-16, over width and input
size; then as many of ResNet-152. Every ratio is of one run.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from concurrent.futures import Executor
from contextlib import ExitStack
from itertools import islice

import click
import psutil

from explorer.sweeping import WorkerError, connect, grid, sweep
from explorer.sweeping.records import count_all, version
from tests.server import ROOT, free_port


def keys(networks: list[str], number: int) -> list[str]:
    """So many configs, in equal parts."""
    each = number // len(networks)
    return [point.key for network in networks for point in islice(
        grid([network], ["width=0.25:2:0.05", "input_size=96:384:8"]), each)]


def timed(configs: list[str], executor: Executor | None = None) -> float:
    start = time.perf_counter()
    assert all(record.totals for record in sweep(configs, executor))
    return time.perf_counter() - start


def alone(configs: list[str]) -> float:
    start = time.perf_counter()
    count_all(version(), configs)
    return time.perf_counter() - start


def over_dask(configs: list[str], stack: ExitStack) -> float:
    """With as many workers on this machine as it has cores."""
    address = f"tcp://127.0.0.1:{free_port()}"
    roles = [["scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2],
              "--no-dashboard"], *[["worker", address, "--nthreads", "1", "--no-dashboard"]
                                   for _ in range(psutil.cpu_count() or 1)]]
    for role in roles:
        process = subprocess.Popen([sys.executable, "-m", "dask", *role], cwd=ROOT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.terminate)
    while True:
        try:
            executor = stack.enter_context(connect(address))
            break
        except WorkerError:
            time.sleep(0.5)
    time.sleep(3)       # until all have come
    timed(configs[:64], executor)
    return timed(configs, executor)


@click.command()
@click.argument("number", type=int, default=1000)
def main(number: int) -> None:
    mixed = keys(["mobilenetv3_small", "resnet18", "vgg16"], number)
    timed(mixed[:64])       # warm
    pool_s = timed(mixed)
    alone_s = statistics.median([alone(mixed[start::5]) for start in range(3)]) * 5
    print(f"{len(mixed):,} mixed: processes {pool_s:.1f} s; one process takes "
          f"{alone_s / pool_s:.2f} times as long", flush=True)
    deep = keys(["resnet152"], number)
    print(f"{len(deep):,} of ResNet-152: processes {timed(deep):.1f} s", flush=True)
    with ExitStack() as stack:
        dask_s, again_s = over_dask(mixed, stack), timed(mixed)
        print(f"{len(mixed):,} mixed over Dask: {dask_s:.1f} s, {dask_s / again_s:.2f} times as "
              "long as the processes")


if __name__ == "__main__":
    main()
