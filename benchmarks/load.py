"""A study group at once: how long a turn of a knob takes to its new figures.

    python -m benchmarks.load [SESSIONS [THOUGHT_S [SECONDS]]] [--replicas N] [--sweep]

Each session is on a network of its own, waits about THOUGHT_S between two turns, and turns the
input size to one that the server has not seen with that network. With --sweep one more counts
sweeps of a thousand configs, one after the other. Prints p50 and p95 of turns, errors, turns a
second, processor time of the server for a turn, what is sent for one, and its memory.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from dataclasses import dataclass, field

import click
import psutil

from explorer.networks.catalogue import presets
from tests.server import deployed, running_app
from tests.sessions import Session


@dataclass
class Turns:
    """What all sessions together have seen since all had their pages."""

    took: list[float] = field(default_factory=list)
    bytes: int = 0
    errors: list[str] = field(default_factory=list)


async def visit(address: str, number: int, thought_s: float, all_there: asyncio.Barrier,
                seconds: float, turns: Turns) -> None:
    """One person, who opens a page, waits for all others, and turns a knob until the end."""
    names, pick = list(presets()), random.Random(number)
    name = names[number % len(names)]
    size = presets()[name].config.input_size
    session = await Session.open(address, network=name)
    sizes = pick.sample(range(size - 60, size + 260), 250)
    await all_there.wait()
    end = time.monotonic() + seconds
    await session.think(pick.uniform(0, 1.5) * thought_s)
    before = session.bytes
    while time.monotonic() < end:
        turns.took.append(await session.turn("Input size", sizes.pop()))
        await session.think(pick.uniform(0.5, 1.5) * thought_s)
    turns.bytes += session.bytes - before
    turns.errors += session.errors
    await session.close()


async def sweeper(address: str, done: asyncio.Event) -> int:
    """One who sweeps until the others are done; gives how many sweeps that were."""
    sweeps = 0
    while not done.is_set():
        networks = ("mobilenetv3_small", "resnet18", "vgg16", "resnet50")
        session = await Session.begin(
            address, "sweep", network=networks[sweeps % 4], view="pareto",
            over=["input_size=101:300:1", f"width={0.5 + sweeps / 1000}:1.7:0.25"])
        await session.until(session.rests, 60)
        if any(label.startswith("Count") for label in session.buttons):
            await session.press("Count")
        while session.fragments and not done.is_set():      # it is drawn again while it counts
            await session.think(1)
        sweeps += not done.is_set()
        assert not session.errors, session.errors
        await session.close()
    return sweeps


def spent_s(servers: list[psutil.Process]) -> float:
    """Processor time so far."""
    times = [server.cpu_times() for server in servers]
    return sum(each.user + each.system for each in times)


async def load(sessions: int, thought_s: float, seconds: float, replicas: int,
               sweep: bool) -> None:
    with deployed(replicas) if replicas else running_app() as address:
        servers = [process for process in psutil.Process().children(recursive=True)
                   if "streamlit" in process.cmdline()]
        turns, all_there = Turns(), asyncio.Barrier(sessions + 1)
        visits = [asyncio.create_task(visit(address, number, thought_s, all_there, seconds, turns))
                  for number in range(sessions)]
        over = asyncio.Event()
        sweeping = asyncio.create_task(sweeper(address, over)) if sweep else None
        if sweep:
            await asyncio.sleep(15)     # until its processes have started
        await all_there.wait()
        begun, before = time.monotonic(), spent_s(servers)
        await asyncio.gather(*visits)
        over.set()
        if sweeping:
            print(f"{await sweeping} sweeps beside, of 1,000 configs each")
        spent, took = spent_s(servers) - before, turns.took
        print(f"{sessions} sessions, {thought_s:g} s of thought: {len(took)} turns, "
              f"{len(took) / (time.monotonic() - begun):.1f} a second; "
              f"p50 {1e3 * statistics.median(took):.0f} ms, "
              f"p95 {1e3 * statistics.quantiles(took, n=20)[-1]:.0f} ms, "
              f"slowest {1e3 * max(took):.0f} ms; {len(turns.errors)} errors; "
              f"{1e3 * spent / len(took):.0f} ms of processor time and "
              f"{turns.bytes / len(took) / 1e3:.0f} kB a turn; "
              + " + ".join(f"{each.memory_info().rss / 1e6:.0f}" for each in servers) + " MB")
        for error in dict.fromkeys(turns.errors):
            print(error)


@click.command()
@click.argument("sessions", type=int, default=50)
@click.argument("thought_s", type=float, default=5.0)
@click.argument("seconds", type=float, default=60.0)
@click.option("--replicas", type=int, default=0,
              help="Behind nginx, as deploy/run serves them; 0 is a server by itself.")
@click.option("--sweep", is_flag=True, help="While one more counts sweeps.")
def main(sessions: int, thought_s: float, seconds: float, replicas: int, sweep: bool) -> None:
    asyncio.run(load(sessions, thought_s, seconds, replicas, sweep))


if __name__ == "__main__":
    main()
