"""A study group at once: how long a turn of a knob takes to its new figures.

    python -m benchmarks.load [SESSIONS [THOUGHT_S [SECONDS]]]

Each session is on a network of its own, waits about THOUGHT_S between two turns, and turns the
input size to one that the server has not seen with that network. Prints p50 and p95 of turns,
errors, turns a second, processor time of the server for a turn, what is sent for one, and its
memory.
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
from tests.server import running_app
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


async def load(sessions: int, thought_s: float, seconds: float) -> None:
    with running_app() as address:
        [server] = [process for process in psutil.Process().children()
                    if "streamlit" in " ".join(process.cmdline())]
        turns, all_there = Turns(), asyncio.Barrier(sessions + 1)
        visits = [asyncio.create_task(visit(address, number, thought_s, all_there, seconds, turns))
                  for number in range(sessions)]
        await all_there.wait()
        begun, cpu = time.monotonic(), server.cpu_times()
        await asyncio.gather(*visits)
        used, took = server.cpu_times(), turns.took
        spent = used.user + used.system - cpu.user - cpu.system
        print(f"{sessions} sessions, {thought_s:g} s of thought: {len(took)} turns, "
              f"{len(took) / (time.monotonic() - begun):.1f} a second; "
              f"p50 {1e3 * statistics.median(took):.0f} ms, "
              f"p95 {1e3 * statistics.quantiles(took, n=20)[-1]:.0f} ms, "
              f"slowest {1e3 * max(took):.0f} ms; {len(turns.errors)} errors; "
              f"{1e3 * spent / len(took):.0f} ms of processor time and "
              f"{turns.bytes / len(took) / 1e3:.0f} kB a turn; "
              f"{server.memory_info().rss / 1e6:.0f} MB")
        for error in dict.fromkeys(turns.errors):
            print(error)


@click.command()
@click.argument("sessions", type=int, default=50)
@click.argument("thought_s", type=float, default=5.0)
@click.argument("seconds", type=float, default=60.0)
def main(sessions: int, thought_s: float, seconds: float) -> None:
    asyncio.run(load(sessions, thought_s, seconds))


if __name__ == "__main__":
    main()
