"""What an open server must bear: any link, processes that are killed, and the largest networks.

    python -m benchmarks.hostile links [IN_PROCESS [THROUGH_A_SERVER]]
    python -m benchmarks.hostile kills [TIMES]
    python -m benchmarks.hostile largest

`links` opens random links, of legal, extreme and senseless values, and prints what was raised and
what took longest. `kills` ends the measuring and the layout process again and again while they
work. `largest` opens the largest network of each family while somebody else turns a knob.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import string
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import click
import psutil

from explorer.config import Config, ConfigError, Knob, Knobs, knobs_of
from explorer.language import Text
from explorer.networks.catalogue import families, presets
from explorer.pipeline import explore
from explorer.sources import source_of
from explorer.sources.key import from_query, to_query
from explorer.timing import TimingError
from explorer.timing.process import MeasuringProcess
from explorer.ui.panel import DEFAULT, PAGE_PARAMETERS
from explorer.views.layout import PROGRAM, LayoutError, places
from tests.server import running_app
from tests.sessions import Session

LIMIT_S = 1.0
SENSELESS = ("", "-1", "0", "1e9", "nan", "inf", "\x00", "½", "../../etc/passwd", "`![x](//h)`",
             "9" * 400, "<script>", "[]", "None", "__import__('os')", "1-2-3-4-5-6-7-8-9")


def value(pick: random.Random, knob: Knob) -> str:
    """Of a knob: one that it may have, its ends, or something else."""
    if (kind := pick.random()) < 0.15:
        return pick.choice([*SENSELESS, "".join(pick.choices(string.printable, k=20))])
    if knob.kind == "bool":
        return pick.choice(["on", "off"])
    if knob.kind == "choice":
        return str(pick.choice(knob.options))
    ends = kind < 0.3

    def number() -> float:
        if ends:
            return pick.choice([knob.low, knob.high])
        return pick.choice([knob.low + (knob.high - knob.low) * pick.random() ** 3, 1])

    match knob.kind:
        case "counts":
            return "-".join(str(int(number())) for _ in range(pick.choice([1, 3, 4, 5])))
        case "int":
            return str(int(number()))
        case _:
            return f"{number():.3g}"


def links(count: int) -> Iterator[dict[str, str]]:
    pick = random.Random(1)
    for _ in range(count):
        preset = pick.choice(list(presets().values()))
        knobs = list(knobs_of(type(preset.config)).values())
        link = {"network": preset.config.network}
        for knob in pick.sample(knobs, pick.randint(0, min(6, len(knobs)))):
            link[knob.name] = value(pick, knob)
        for name in pick.sample(PAGE_PARAMETERS, pick.randint(0, 2)):
            link[name] = pick.choice([*SENSELESS, "block", "stage", "0", "3-9,12", "macs", "down"])
        if pick.random() < 0.1:
            link[pick.choice(["network", "x", "level"])] = pick.choice(SENSELESS)
        yield link


def read(link: dict[str, str]) -> tuple[Knobs, list[str | Text]]:
    """Its config, and what is set aside of it."""
    return from_query({name: text for name, text in link.items() if name not in PAGE_PARAMETERS},
                      DEFAULT)


@click.group()
def main() -> None:
    pass


@main.command("links")
@click.argument("in_process", type=int, default=10_000)
@click.argument("through_a_server", type=int, default=500)
def open_links(in_process: int, through_a_server: int) -> None:
    """Random links."""
    outcomes: Counter[str] = Counter()
    slowest: tuple[float, dict[str, str]] = (0.0, {})
    slowest_network = slowest
    for link in links(in_process):
        start = time.perf_counter()
        config, aside = read(link)
        to_query(config)
        try:
            source = source_of(config)
            read_s = time.perf_counter() - start
            explored = explore(source)
            outcomes["ends early" if explored.failure else "opened"] += 1
        except ConfigError:
            read_s = time.perf_counter() - start
            outcomes["refused"] += 1
        except Exception as error:      # the one thing that must not be: it is printed
            outcomes[f"RAISED {type(error).__name__}"] += 1
            print(link, repr(error))
        outcomes["values set aside"] += len(aside)
        slowest = max(slowest, (read_s, link), key=lambda pair: pair[0])
        slowest_network = max(slowest_network, (time.perf_counter() - start, link),
                              key=lambda pair: pair[0])
    print(f"{in_process:,} in process: {dict(outcomes)}; read within {1e3 * slowest[0]:.0f} ms; "
          f"the slowest network took {slowest_network[0]:.1f} s: {slowest_network[1]}")
    if through_a_server:
        asyncio.run(_through_a_server(through_a_server))


async def _through_a_server(count: int) -> None:
    took: list[tuple[float, float, dict[str, str]]] = []
    errors = []
    with running_app() as address:
        await (await Session.open(address, network="resnet50")).close()
        for link in links(count):
            config, _ = read(link)
            start = time.perf_counter()
            with suppress(ConfigError):
                explore(source_of(config))
            alone_s, start = time.perf_counter() - start, time.perf_counter()
            session = await Session.begin(address, **link)
            await session.until(session.rests, 60)
            took.append((time.perf_counter() - start, alone_s, link))
            errors += [(error, link) for error in session.errors]
            if session.running:
                errors.append(("no page after 60 s", link))
            await session.close()
    beyond = [each for each in took if each[0] - each[1] > LIMIT_S]
    whole, alone, link = max(took, key=lambda each: each[0] - each[1])
    print(f"{count} through a server: {len(errors)} errors, {len(beyond)} more than {LIMIT_S:g} s "
          f"beyond what the network takes; most {whole:.1f} s where that takes {alone:.1f}: {link}")
    for error, link in errors:
        print(error, link)


@main.command()
@click.argument("times", type=int, default=30)
def kills(times: int) -> None:
    """Processes that are killed while they work."""
    here = psutil.Process()
    queue, said = MeasuringProcess("cpu"), Counter[str]()
    pid = queue.submit(os.getpid).result(60)
    for _ in range(times):
        job = queue.submit(time.sleep, 600)
        while not job.running():
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        try:
            job.result(60)
        except TimingError as error:
            said[str(error)] += 1
        pid = queue.submit(os.getpid).result(60)
    queue.kill_workers()
    print(f"{times} kills of the measuring process: {dict(said)}")
    said.clear()
    dot = "digraph { " + " ".join(f"n{a} -> n{b};" for a in range(60) for b in range(60)) + " }"
    for _ in range(times):
        kill = asyncio.run(_kill_while(dot))
        said[kill] += 1
    print(f"{times} kills of the layout process: {dict(said)}")
    print(f"processes left: {len(here.children(recursive=True))}")


async def _kill_while(dot: str) -> str:
    asked = asyncio.get_running_loop().run_in_executor(None, places, dot)
    await asyncio.sleep(0.3)
    for process in psutil.Process().children():
        if str(PROGRAM) in process.cmdline():
            process.kill()
    try:
        await asked
    except LayoutError as error:
        return str(error)
    return "it was quicker"


@main.command()
def largest() -> None:
    """The largest networks, beside somebody who turns a knob."""
    asyncio.run(_largest())


def largest_of(preset: Config) -> Config:
    """A config with as much of everything as goes together."""
    config = preset
    for name, knob in knobs_of(type(preset)).items():
        if knob.kind in ("int", "float", "counts") and name != "groups":
            high = int(knob.high) if knob.kind != "float" else knob.high
            most = tuple(high for _ in getattr(config, name)) if knob.kind == "counts" else high
            try:
                config = config.replace(**{name: most})
            except ConfigError:
                continue
    return config


async def _largest() -> None:
    with running_app() as address:
        other = await Session.open(address, network="resnet18")
        sizes = iter(range(100, 4000))
        for family in families():
            config = largest_of(family.presets[-1].config)
            begun = time.perf_counter()
            visit = await Session.begin(address, **to_query(config))
            page = asyncio.create_task(visit.until(visit.rests, 120))
            turns = []
            while not page.done():
                turns.append(await other.turn("Input size", next(sizes)))
                await asyncio.sleep(0.05)
            took = time.perf_counter() - begun
            for _ in range(5):      # and while what the page has begun goes on
                turns.append(await other.turn("Input size", next(sizes)))
                await asyncio.sleep(0.5)
            await visit.close()
            print(f"{source_of(config).key}: its page after {took:.1f} s, the other's figures "
                  f"within {max(turns):.2f} s; {visit.errors + other.errors}", flush=True)


if __name__ == "__main__":
    main()
