"""What the pages show, made once for all sessions: the values are frozen, so that they share them
and none is copied."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from explorer.comparison import Comparison
from explorer.config import ConfigError, Knobs
from explorer.conventions import ToolReport
from explorer.conventions import other_tools as reports_of
from explorer.language import in_language
from explorer.pipeline import Explored, explore
from explorer.published import PublishedComparison, compare
from explorer.reloading import at_end
from explorer.sources import Source, preset_of, source_of
from explorer.sources.file import forget_saved
from explorer.timing import LayerTimes, TurnTimes
from explorer.ui.kept import OF_EXPLORED, OF_TREE, STORE, kept
from explorer.ui.limits import limits
from explorer.ui.runs import shared
from explorer.ui.sweep import background
from explorer.views import charts, graph, tables, timings
from explorer.views import comparison as comparisons
from explorer.views.graph import Direction, Drawing, Level, Picture
from explorer.views.layout import LayoutError

_beside = ThreadPoolExecutor(2, thread_name_prefix="layout")
at_end(__name__, lambda: _beside.shutdown(wait=False, cancel_futures=True))


def source(config: Knobs) -> Source:
    """What a config stands for; raises `ConfigError` for a file that makes no network."""
    if forget_saved():      # a key does not say what its file was
        STORE.clear()
        shared.forget_all()
        background.shared.clear()
    return _source(config)


@kept(speaks=False)
def _source(config: Knobs) -> Source:
    return source_of(config)


@kept(OF_EXPLORED, speaks=False)
def explored(source: Source) -> Explored:
    """A network and all that is known of it, beside its preset where its knobs are turned; raises
    `ConfigError` where it cannot be built, does nothing, or is larger than the host allows."""
    preset = preset_of(source)
    network = explore(source, preset=explored(preset) if preset else None,
                      most_layers=limits().layers)
    if not network.summary.layers and not network.failure:
        raise ConfigError(f"{source.title} does nothing: its forward pass gives back what it is "
                          "given, and there is nothing to count.")
    return network


@kept(speaks=False)
def comparison(*networks: Explored) -> Comparison:
    """Networks beside each other."""
    return Comparison(networks)


@kept(OF_TREE)
def part_rows(compared: Comparison, figure: comparisons.Shown, by_difference: bool,
              times: TurnTimes | None) -> list[dict[str, Any]]:
    """The tree of their parts."""
    return comparisons.part_rows(compared, figure, by_difference=by_difference, times=times)


@kept()
def beside(compared: Comparison, stages: bool, merged: bool) -> graph.Beside:
    """Networks beside each other, drawn."""
    return graph.beside(compared, stages=stages, merged=merged)


@kept()
def layer_rows(network: Explored) -> pd.DataFrame:
    """The layers as the page shows them."""
    return tables.page_frame(network)


def csv(source: Source, times: LayerTimes | None) -> bytes:
    """The layers, with their times where they are measured."""
    return timings.layers_csv(explored(source), times).encode("utf-8")


@kept()
def changes(network: Explored) -> dict[str, str]:
    """What of the structure is not as in the preset."""
    preset = network.preset
    return graph.changes(network.structure, preset.structure if preset else None)


@kept()
def drawing(network: Explored, level: Level, toggled: tuple[str, ...]) -> Drawing:
    """What the graph shows."""
    return Drawing(network.structure, level, toggled)


@kept()
def picture(network: Explored, level: Level, toggled: tuple[str, ...], direction: Direction, *,
            shapes: bool = False) -> Picture:
    """A network laid out, to be looked at, with the new `shapes` on what changes them; raises
    `LayoutError`."""
    shown = drawing(network, level, toggled)
    return graph.Arrangement(shown, graph.new_shapes(shown) if shapes else {}, {}).picture(
        direction)


def _holds(svg: Future[str]) -> bool:
    if not svg.done():
        return True
    if svg.cancelled():
        return False
    error = svg.exception()
    return error is None or (isinstance(error, LayoutError) and not error.passing)


@kept(valid=_holds)
def graph_svg(network: Explored, level: Level, toggled: tuple[str, ...], overlay: str,
              direction: Direction, seconds: tuple[float, ...] | None) -> Future[str]:
    """The graph as SVG, for the page to style; its result raises `LayoutError`. What Graphviz lays
    out comes while the page goes on."""
    shown = drawing(network, level, toggled)
    told, changed = graph.overlay(overlay, shown, seconds), changes(network)
    done: Future[str] = Future()
    try:
        arrangement = graph.Arrangement(shown, told.shown, changed)

        def svg() -> str:
            return graph.page_svg(arrangement.picture(direction), told, changed)

        if arrangement.crosses:
            return _beside.submit(in_language(svg))
        done.set_result(svg())
    except LayoutError as error:
        done.set_exception(error)
    return done


@kept()
def where_it_sits(network: Explored, seconds: tuple[float, ...] | None) -> tuple[go.Figure, ...]:
    return charts.where_it_sits(network, seconds)


@kept()
def reports(network: Explored) -> tuple[ToolReport, ...]:
    """What other tools say of it."""
    return reports_of(network.summary)


@kept()
def published(name: str) -> PublishedComparison:
    """A published table beside ours; raises `PublishedError`."""
    return compare(name)
