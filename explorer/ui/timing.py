"""The timed passes: live where they are quick, asked for where they are not.

They run in a process of its own, and the page looks now and then how far they are. A figure that
belongs to other knobs is never shown. One that was disturbed is marked, and nothing is concluded
from it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import streamlit as st

from explorer import text
from explorer.analysis import Summary
from explorer.language import Text, say
from explorer.sources import Source
from explorer.timing import (
    BatchTimes,
    Choices,
    LayerTimes,
    Progress,
    Rates,
    Timing,
    TimingError,
    available,
    can_compile,
    cores,
    place,
    predict_seconds,
    quiet,
    resolve,
    usual_threads,
)
from explorer.timing.prediction import pass_bytes
from explorer.ui.bench import Bench, Wanted, keep_only, poll
from explorer.ui.limits import limits
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.ui.runs import What
from explorer.ui.visits import visit
from explorer.views import charts, roofline, timings

BUDGET_S = 1.0
REST_S = 1.0
"""For how long the knobs must rest before a pass is timed by itself."""

HELP = Text(
    "Median of the timed passes on this machine, in a process of its own; how it was measured "
        "stands at the foot of the page. A run that something disturbed is marked, and repeated "
        "by itself when the machine is quiet.")


def keep_up(panel: Panel, *sources: Source) -> None:
    """Stop what is measured for knobs that have been turned since: the page needs the cores."""
    device, choices, budget_s = _chosen(panel)
    keep_only(panel, tuple([source.key for source in sources]), device, choices, budget_s)


def bench(panel: Panel, *sources: Source) -> Bench:
    """What is measured of a network, or of several in turn, with the choices as the panel's
    widgets say."""
    device, choices, budget_s = _chosen(panel)
    visit().owners.add(panel.own(Wanted).owner)
    return Bench(panel=panel, sources=sources, device=device, choices=choices, budget_s=budget_s)


def latency(bench: Bench) -> None:
    """The header figure, and the button that asks for it; starts the measurement for the knobs as
    they stand where it is quick."""
    wish, wanted = bench.wish("pass"), bench.wanted
    live = _live(bench) and not bench.declined("pass")
    if wanted.next == wish and live:
        bench.begin("pass")
    # The first time the knobs may turn further, and the page needs the cores for itself.
    wanted.next = wish if live else None
    wanted.drawn = time.monotonic()
    bench.see()
    poll(partial(_figure, bench), waits=bench.waits or (live and bench.run("pass") is None))


def section(bench: Bench) -> None:
    """The choices, the whole pass, why it takes so long, and the batch sizes."""
    panel = bench.panel
    _controls(panel, bench.device)
    _whole(bench)
    with st.expander(say("Why it takes this long: layers and roofline"), on_change="rerun",
                     key=panel.widget("timing-why")) as why:
        if why.open:
            _why(bench)
    if not why.open and isinstance(times := bench.outcome("layers"), LayerTimes):
        _warn(bench, ["layers"], [Text("Layers: {warning}", warning=warning)
                                  for warning in times.warnings])
    with st.expander(say("Batch sizes"), on_change="rerun",
                     key=panel.widget("timing-batches")) as batches:
        if batches.open:
            _batches(bench)


def _figure(bench: Bench) -> None:
    wanted = bench.wanted
    if wanted.next and time.monotonic() > wanted.drawn + REST_S:
        bench.begin("pass")
    bench.keep_up()
    measured = bench.outcome("pass")
    with st.container(border=True, gap=None, key=bench.panel.widget("latency")):
        if isinstance(measured, Timing):
            _metric(text.seconds(measured.median_s), _note(bench, measured))
        elif bench.pending("pass") or wanted.next:
            _metric("–", say("measuring …"))
        elif measured is not None:
            _metric("–", say("could not be timed"))
        else:
            _metric("–", None)
            if st.button(say("Time it"), icon=":material/timer:", type="tertiary",
                         key=bench.panel.widget("time-latency"),
                         help=say("About {time} a pass.", time=_predicted(bench))):
                bench.start("pass")
                st.rerun(scope="app")


def _note(bench: Bench, timing: Timing) -> str:
    """What stands under the header figure."""
    if not quiet(timing):
        return say("disturbed, repeating") if bench.pending("pass") else \
            say("disturbed, waiting") if bench.will_repeat("pass") else say("disturbed")
    preset = bench.preset_timing
    change = preset and text.against_preset(timing.median_s, preset.median_s)
    return change or say("on {device}, batch {size}", device=timing.device,
                         size=timing.batch_size)


def _metric(value: str, note: str | None) -> None:
    st.metric(say("Latency"), value, note, delta_color="off", delta_arrow="off", help=str(HELP))


def _controls(panel: Panel, device: str) -> None:
    devices, widget = available(), panel.widget
    on_cuda = device.startswith("cuda")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(devices) > 1:
            st.segmented_control(say("Device"), devices, default=resolve("auto"), required=True,
                                 key=widget("timing-device"), help=say("Where the pass runs."))
        st.selectbox(say("Number format"), ("float32", "float16", "bfloat16"), width=130,
                     key=widget("timing-dtype"), help=say(
                         "Of weights and activations. Half as many bytes move in 16 bits; whether "
                         "arithmetic is quicker too depends on the device."))
        st.number_input(say("Threads"), 1, cores(), value=usual_threads(), width=110,
                        key=widget("timing-threads"),
                        help=say("Threads of the CPU that share the work."))
        st.number_input(say("Budget, seconds"), 0.1, 60.0, value=BUDGET_S, step=0.5, width=150,
                        key=widget("timing-budget"), help=say(
                            "For how long passes are timed. More of them make the median "
                            "steadier."))
    with st.container(horizontal=True):
        st.toggle(say("Channels last"), key=widget("timing-channels_last"),
                  help=say("Keep the channels of a position side by side in memory (NHWC)."))
        st.toggle(say("Training step"), key=widget("timing-training"),
                  help=say("Time forward and backward pass."))
        if can_compile(device):
            st.toggle("torch.compile", key=widget("timing-compile"), help=say(
                "Run what torch.compile makes of the network. Compiling takes a while, and its "
                "time is given apart."))
        if on_cuda:
            st.toggle("TF32", key=widget("timing-tf32"), help=say(
                "Let float32 products round their factors to 10 bits, as TensorFloat-32 does."))
            st.toggle(say("CUDA graph"), key=widget("timing-cuda_graph"), help=say(
                "Replay the whole pass as one graph, which takes the cost of launching away."))


def _whole(bench: Bench) -> None:
    """The timed pass: its figures with their spread, and the conditions they hold for."""
    _button(bench, "pass", say("Time it"), predicted=True)
    bench.follow("pass")
    measured = bench.outcome("pass")
    if isinstance(measured, Timing):
        _show(bench, measured)
    elif measured is not None:
        st.error(escape(str(measured)))


def _show(bench: Bench, timing: Timing) -> None:
    samples = str(timing.n) if timing.passes_per_sample == 1 else \
        f"{timing.n} × {timing.passes_per_sample}"
    figures = [
        (say("Median"), text.seconds(timing.median_s), say("Half of the passes took longer.")),
        (say("p10 to p90"), text.seconds_between(timing.p10_s, timing.p90_s),
         say("Eight passes in ten lie between these.")),
        (say("Samples"), samples, say(
            "Timed passes, after a warm-up; where a pass is too short to be timed alone, a sample "
            "is the mean of several.")),
        (say("Images a second" if bench.sources[0].samples == "images" else "Samples a second"),
         text.short(timing.images_per_second), say("Batch size by the median.")),
        (say("First pass"), text.seconds(timing.first_s), say(
            "The first pass also allocates memory and chooses algorithms; it is not among the "
            "samples."))]
    if timing.compile_s is not None:
        figures.append((say("Compiling"), text.seconds(timing.compile_s),
                        say("Once, before the first pass; not among the samples.")))
    if timing.measured_bytes is not None:
        figures.append((say("Peak memory"), text.short(timing.measured_bytes, "B"), say(
            "Measured on the device; predicted were {bytes} bytes.",
            bytes=f"{timing.predicted_bytes:,}")))
    mark = None if quiet(timing) else say("disturbed")
    with st.grid(5, min_column_width=150):
        for place, (label, value, help) in enumerate(figures):
            st.metric(label, value, None if place else mark, delta_color="off",
                      delta_arrow="off", help=help)
    _warn(bench, ["pass"], timing.warnings)
    network, before = bench.network, bench.preset_timing
    if before and network.preset and quiet(timing):
        macs = network.summary.totals.macs / network.preset.summary.totals.macs
        st.markdown(say(
            "Beside the preset, multiply-adds are **{macs} times** as many, and the pass takes "
            "**{time} times** as long.", macs=f"{macs:.2f}",
            time=f"{timing.median_s / before.median_s:.2f}"))
    st.caption(" · ".join(f"{name} {escape(value)}" for name, value in
                          timings.conditions_lines(timing.conditions)),
               help=str(timings.CONDITIONS_HELP))


def _warn(bench: Bench, runs: Sequence[What], warnings: Collection[Text]) -> None:
    """What disturbed some runs, in a line each, and what becomes of them."""
    for warning in warnings:
        st.markdown(f":orange[:material/warning: {escape(str(warning))}]")
    if warnings and any(bench.pending(what) or bench.will_repeat(what) for what in runs):
        st.caption(say("It is measured again by itself when the machine is quiet."))


def _why(bench: Bench) -> None:
    if _live(bench):
        bench.begin("layers")
        bench.begin("rates")
    _button(bench, "layers", say("Time the layers"), predicted=True)
    bench.follow("layers")
    if not bench.pending("layers"):
        bench.follow("rates")
    times, rates = bench.outcome("layers"), bench.outcome("rates")
    for measured in (times, rates):
        if isinstance(measured, Exception):
            st.error(escape(str(measured)))
    if not isinstance(times, LayerTimes):
        return
    panel, network = bench.panel, bench.network
    summary = network.training if bench.choices.training else network.summary
    if isinstance(rates, Rates) and isinstance(summary, Summary):
        _roofline(bench, summary, times, rates)
    st.caption(escape(timings.layers_sentence(times)))
    of_device = rates.warnings if isinstance(rates, Rates) else ()
    _warn(bench, ("layers", "rates"), dict.fromkeys((*times.warnings, *of_device)))
    blocks = timings.block_time_frame(network, times).assign(
        ms=lambda frame: 1e3 * frame["seconds"])
    st.dataframe(blocks, hide_index=True, height="content" if len(blocks) < 20 else 600,
                 column_config=(columns := _block_columns()),
                 column_order=[name for name in columns if blocks[name].notna().all()],
                 key=panel.widget("block-times"))


def _roofline(bench: Bench, summary: Summary, times: LayerTimes, rates: Rates) -> None:
    """Why the pass takes so long. Where layers are above the roof, the rates of the device are
    measured once more."""
    roofs = place(summary, times, rates, bench.choices)
    if quiet(roofs) and roofs.above and rates.measured == 1:
        bench.begin("ceiling")
        again = bench.outcome("ceiling")
        if isinstance(again, Rates) and quiet(again):
            roofs = place(summary, times, again, bench.choices)
    for sentence in roofline.sentences(roofs):
        st.markdown(escape(sentence))
    if bench.pending("ceiling") or bench.will_repeat("ceiling"):
        st.caption(say("The rates of the device are measured again."))
        poll(bench.keep_up)
    if not quiet(roofs):
        return
    st.plotly_chart(roofline.figure(roofs), key=bench.panel.widget("roofline"),
                    config={"displayModeBar": False})
    with st.container(horizontal=True):
        for bound, meaning in roofline.MEANINGS.items():
            st.caption(say("**{bound}**: {meaning}", meaning=meaning,
                           bound=str(roofline.NAMES[bound]).capitalize()))


def _batches(bench: Bench) -> None:
    _button(bench, "batches", say("Time the batch sizes"))
    bench.follow("batches", partial(_points_so_far, bench))
    measured = bench.outcome("batches")
    if isinstance(measured, BatchTimes):
        _points(bench.panel, measured)
        _warn(bench, ["batches"], measured.warnings)
    elif measured is not None:
        st.error(escape(str(measured)))


def _points_so_far(bench: Bench, progress: Progress | None) -> None:
    if progress and progress.points:
        _points(bench.panel, BatchTimes(bench.sources[0].key, bench.device, progress.points))


def _points(panel: Panel, times: BatchTimes) -> None:
    st.plotly_chart(charts.batch_sweep(timings.batch_frame(times)),
                    key=panel.widget("batch-sweep"), config={"displayModeBar": False})
    for point in times.points:
        if point.timing and not quiet(point.timing):
            st.caption(say("Batch {size}: disturbed", size=point.batch_size))
        if point.refused:
            st.caption(escape(say("Batch {size}: {reason}", size=point.batch_size,
                                  reason=point.refused)))


def _button(bench: Bench, what: What, label: str, *, predicted: bool = False) -> None:
    """Start, or start again; how long a pass is `predicted` to take where it waits for a click."""
    run, panel = bench.run(what), bench.panel
    if run is None:
        begin = bench.start_layers if what == "layers" else partial(bench.start, what)
        st.button(say("{label}: about {time} a pass", label=label, time=_predicted(bench))
                  if predicted else label, icon=":material/timer:",
                  key=panel.widget(f"time-{what}"), on_click=begin)
        return
    st.button(say("{label} again", label=label), icon=":material/timer:",
              key=panel.widget(f"again-{what}"), on_click=bench.again, args=(what,),
              disabled=not run.done())


def _live(bench: Bench) -> bool:
    """Whether the figure follows the knobs by itself; compiling takes too long for that."""
    allowed = limits()
    return allowed.live and not bench.choices.compile \
        and _predicted_s(bench) <= allowed.live_seconds \
        and pass_bytes(bench.network.summary, Choices()) <= allowed.live_bytes


def _predicted(bench: Bench) -> str:
    return text.seconds(_predicted_s(bench))


def _predicted_s(bench: Bench) -> float:
    return predict_seconds(bench.network.summary, bench.device, bench.choices)


def _chosen(panel: Panel) -> tuple[str, Choices, float]:
    """Device, choices and budget in seconds, as the widgets say."""
    chosen: dict[str, object] = {
        name: value for name in Choices.model_fields
        if (value := panel.value(f"timing-{name}")) is not None}
    if chosen.get("threads") == usual_threads():
        del chosen["threads"]       # the same as none given
    device, budget_s = panel.value("timing-device"), panel.value("timing-budget")
    try:
        choices = Choices(**chosen)
    except TimingError:     # which no widget of ours says
        choices = Choices()
    return (device if device in available() else resolve("auto"), choices,
            float(budget_s) if budget_s and 0 < budget_s < math.inf else BUDGET_S)


def _block_columns() -> dict[str, Any]:
    return {
        "block": st.column_config.TextColumn(say("Block")),
        "type": st.column_config.TextColumn(say("Type")),
        "calls": st.column_config.NumberColumn(say("Calls"), width=70),
        "ms": st.column_config.NumberColumn(say("Time, ms"), format="%.3f"),
        "share": st.column_config.ProgressColumn(say("Share of the sum"), format="percent",
                                                 min_value=0, max_value=1),
    }
