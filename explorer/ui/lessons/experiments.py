"""Experiments of the lessons: begun by a click, run in the measuring process, and shown as they
come."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce
from typing import Any

import streamlit as st

from explorer.language import say
from explorer.lessons.experiments.digits import LossCurves, get_ready
from explorer.lessons.experiments.effective_field import SHARE, FieldOfPosition
from explorer.lessons.experiments.gradients import LayerGradients
from explorer.lessons.parts import DigitsTraining, EffectiveField, GradientSizes
from explorer.sources import Source
from explorer.timing import Choices, Progress
from explorer.timing.process import measuring_process
from explorer.ui.bench import Bench, Wanted
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.ui.runs import What
from explorer.ui.visits import visit
from explorer.views import lessons as views


@cache
def _ready() -> None:
    """Have the measuring process import what the experiments need, while the lesson is read."""
    measuring_process("cpu").submit(get_ready)


def _bench(panel: Panel, sources: tuple[Source, ...], given: tuple[int | str, ...]) -> Bench:
    _ready()
    visit().owners.add(panel.own(Wanted).owner)
    return Bench(panel=panel, sources=sources, device="cpu", choices=Choices(), budget_s=0.0,
                 given=given)


def _run(bench: Bench, what: What, label: str, help: str,
         show: Callable[[Any], None],
         draw: Callable[[Progress | None], None] | None = None) -> None:
    """The button, how far it is, and what came of it."""
    bench.see()
    outcome, pending = bench.outcome(what), bench.pending(what)
    st.button(label if outcome is None else say("Again"), icon=":material/science:", help=help,
              on_click=bench.start if outcome is None else bench.again, args=(what,),
              disabled=pending, key=bench.panel.widget(f"run-{what}"))
    if isinstance(outcome, Exception):
        st.error(escape(str(outcome)))
    elif outcome is not None:
        show(outcome)
    bench.follow(what, draw)


def _of_all(said: list[str]) -> str:
    """One sentence of what is said of each network."""
    return say("{said}.", said=reduce(
        lambda before, after: say("{before}; {after}", before=before, after=after), said))


def digits(panel: Panel, part: DigitsTraining, sources: tuple[Source, ...],
           names: list[str]) -> None:
    """Networks trained on the digits."""
    bench = _bench(panel, sources, (part.steps, part.seed))

    def chart(losses: list[list[float]]) -> None:
        st.plotly_chart(views.loss_chart(names, losses, part.steps), key=panel.widget("losses"),
                        config={"displayModeBar": False})

    def show(curves: LossCurves) -> None:
        chart([list(own) for own in curves.losses])
        st.caption(_of_all([
            say("{name}: loss {loss}, {share} of the images held out are right",
                name=escape(name), loss=f"{own[-1]:.2f}", share=f"{accuracy:.0%}")
            for name, own, accuracy in zip(names, curves.losses, curves.accuracies, strict=True)]))

    def draw(progress: Progress | None) -> None:
        points = progress.points if progress else ()
        if points:
            chart([[loss for place, loss in points if place == number]
                   for number in range(len(names))])

    _run(bench, "digits", say("Train them"), say(
        "On real images of handwritten digits, here and now; about a minute. It can be stopped."),
        show, draw)


def gradients(panel: Panel, part: GradientSizes, sources: tuple[Source, ...],
              names: list[str]) -> None:
    """The gradient's size at each layer."""
    bench = _bench(panel, sources, (part.seed,))

    def show(measured: LayerGradients) -> None:
        st.plotly_chart(views.gradient_chart(names, measured), key=panel.widget("gradients"),
                        config={"displayModeBar": False})
        st.caption(_of_all([
            say("{name}: {first} at the first layer, {last} at the last", name=escape(name),
                first=_rounded(own[0]), last=_rounded(own[-1]))
            for name, own in zip(names, measured.sizes, strict=True)]))

    _run(bench, "gradients", say("Measure the gradients"),
         say("One real backward pass of each network, before any training."), show)


def _rounded(size: float) -> str:
    """Two digits of it, without an exponent where it needs none.

    >>> _rounded(128.4), _rounded(0.03849)
    ('130', '0.038')
    """
    return f"{float(f'{size:.1e}'):g}"


def effective_field(panel: Panel, part: EffectiveField, source: Source) -> None:
    """Where the middle position of a layer looks."""
    path = st.selectbox(say("Layer"), part.layers, key=panel.widget("field-layer"), width=320)
    bench = _bench(panel, (source,), (path, part.seed))

    def show(field: FieldOfPosition) -> None:
        st.plotly_chart(views.field_map(field), key=panel.widget("field"),
                        config={"displayModeBar": False})
        st.caption(say(
            "Row {row}, column {column} of {path} can see {size}×{size} pixels (dashed). {share} "
            "of the gradient lies in {effective}×{effective} around the middle of what it sees.",
            row=field.position[0], column=field.position[1], path=f"`{field.path}`",
            size=field.size, share=f"{SHARE:.0%}", effective=field.effective))

    _run(bench, "field", say("See where it looks"),
         say("Real backward passes from this position to random images."), show)
