"""Whether the server's memory stays: many turns of a few sessions that come and go.

    python -m benchmarks.soak [TURNS]

Eight sessions at a time, each on another network, turn the input size or the classes to what the
server has not seen, and go after 5 to 60 turns. Prints the server's memory as it goes, and a minute
after all have gone.
"""

from __future__ import annotations

import asyncio
import itertools
import random

import click
import psutil

from explorer.networks.catalogue import presets
from tests.server import running_app
from tests.sessions import Session

AT_ONCE = 8
EVERY = 500


async def visitors(address: str, number: int, turns: itertools.count[int], most: int,
                   server: psutil.Process) -> None:
    """One after the other, until there have been as many turns."""
    pick, names = random.Random(number), list(presets())
    while True:
        session = await Session.open(address, network=pick.choice(names))
        for _ in range(pick.randint(5, 60)):
            if (count := next(turns)) > most:
                break
            await session.turn("Classes" if pick.random() < 0.5 else "Input size",
                               pick.randint(160, 420))
            if count % EVERY == 0:
                print(f"{count:6,} turns {server.memory_info().rss / 1e6:6.0f} MB", flush=True)
        for error in session.errors:
            print(error)
        await session.close()
        if count > most:
            return


async def soak(most: int) -> None:
    with running_app() as address:
        [server] = [process for process in psutil.Process().children()
                    if "streamlit" in " ".join(process.cmdline())]
        turns = itertools.count(1)
        await asyncio.gather(*[visitors(address, number, turns, most, server)
                               for number in range(AT_ONCE)])
        for _ in range(3):
            await asyncio.sleep(25)
            print(f"all gone      {server.memory_info().rss / 1e6:6.0f} MB", flush=True)


@click.command()
@click.argument("turns", type=int, default=10_000)
def main(turns: int) -> None:
    asyncio.run(soak(turns))


if __name__ == "__main__":
    main()
