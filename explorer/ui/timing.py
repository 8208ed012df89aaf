"""The timed passes: live where they are quick, asked for where they are not.

They run in a process of its own, and the page looks now and then how far they are. A figure that
belongs to other knobs is shown in grey, and never as the current one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from explorer import text
from explorer.analysis import Summary
from explorer.networks.catalogue import find_preset
from explorer.networks.key import to_key
from explorer.timing import (
    BatchTimes,
    Choices,
    LayerTimes,
    Progress,
    Rates,
    Timing,
    available,
    can_compile,
    cores,
    place,
    predict_seconds,
    resolve,
    usual_threads,
)
from explorer.ui import calls, runs, state
from explorer.ui.messages import escape
from explorer.ui.runs import What, Wish
from explorer.views import charts, roofline, timings

LIVE_S = 1.0
"""A pass that is predicted to take longer on a CPU waits for a click."""
BUDGET_S = 1.0
REST_S = 1.0
"""For how long the knobs must rest before a pass is timed by itself."""

HELP = ("Median of the timed passes on this machine, in a process of its own; how it was measured "
        "stands at the foot of the page.")


def keep_up() -> None:
    """Stop what is measured for knobs that have been turned since: the page needs the cores."""
    runs.keep_only(state.key(), _device(), _choices(), _budget())


def latency(found: Summary) -> None:
    """The header figure; starts the measurement for the knobs as they stand where it is quick."""
    session, wish = st.session_state, _wish("pass")
    live = _live(found) and not runs.declined(wish)
    if session.get("timing-next") == wish and live:
        runs.begin(wish)
    # The first time the knobs may turn further, and the page needs the cores for itself.
    session["timing-next"] = wish if live else None
    session["timing-drawn"] = time.monotonic()
    runs.see("pass")
    waits = runs.pending("pass") or (live and runs.of("pass") is None)
    st.fragment(_figure, run_every=runs.POLL_S if waits else None)()


def layer_seconds() -> tuple[float, ...] | None:
    """The measured time of each layer as the knobs stand, where there is one."""
    times = runs.outcome("layers")
    evaluated = isinstance(times, LayerTimes) and not times.conditions.training
    return times.seconds if evaluated else None


def layer_csv() -> bytes | None:
    """The layers with their measured times, where there are some."""
    times, found = runs.outcome("layers"), calls.summary(state.key())
    if layer_seconds() is None or not isinstance(found, Summary):
        return None
    return timings.layer_time_frame(calls.explored(state.key()), times).to_csv(
        index=False, lineterminator="\n").encode("utf-8")


def time_layers() -> None:
    """Time every layer, and the device's own rates beside: for callbacks."""
    runs.start(_wish("layers"))
    runs.start(_wish("rates"))


def section(found: Summary) -> None:
    """The choices, the whole pass, why it takes so long, and the batch sizes."""
    _controls()
    _whole(found)
    with st.expander("Why it takes this long: layers and roofline", on_change="rerun",
                     key="timing-why") as why:
        if why.open:
            _why(found)
    with st.expander("Batch sizes", on_change="rerun", key="timing-batches") as batches:
        if batches.open:
            _batches()


def _figure() -> None:
    wish: Wish | None = st.session_state["timing-next"]
    if wish and time.monotonic() > st.session_state["timing-drawn"] + REST_S:
        runs.begin(wish)
    runs.redraw("pass")
    run = runs.of("pass")
    if run is None:
        _metric(_grey_old(), "measuring …" if wish else "not timed yet")
    elif not run.done():
        _metric(_grey_old(), "measuring …")
    elif isinstance(timing := runs.result(run), Timing):
        st.session_state["timing-last"] = timing
        _metric(text.seconds(timing.median_s), note(timing))
    else:
        _metric("–", "could not be timed")


def note(timing: Timing) -> str:
    """What stands beside the header figure."""
    if timing.warnings:
        return "disturbed, see below"
    change = (before := _of_preset()) and text.change(timing.median_s, before.median_s)
    return f"{change} against the preset" if change else \
        f"on {timing.device}, batch {timing.batch_size}"


def _metric(value: str, note: str) -> None:
    st.metric("Latency", value, note, delta_color="off", delta_arrow="off", border=True, help=HELP)


def _grey_old() -> str:
    last: Timing | None = st.session_state.get("timing-last")
    return f":gray[{text.seconds(last.median_s)}]" if last else "–"


def _of_preset() -> Timing | None:
    """The preset's own time under the same choices, where it has been measured undisturbed."""
    key = to_key(find_preset(state.config().network).config)
    found = None if key == state.key() else runs.known(_wish("pass")._replace(key=key))
    return found if isinstance(found, Timing) and not found.warnings else None


def _controls() -> None:
    devices, device = available(), _device()
    on_cuda = device.startswith("cuda")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(devices) > 1:
            st.segmented_control("Device", devices, default=resolve("auto"), key="timing-device",
                                 required=True, help="Where the pass runs.")
        st.selectbox("Number format", ("float32", "float16", "bfloat16"), key="timing-dtype",
                     width=130, help="Of weights and activations. Half as many bytes move in 16 "
                     "bits; whether arithmetic is quicker too depends on the device.")
        st.number_input("Threads", 1, cores(), value=usual_threads(), key="timing-threads",
                        width=110, help="Threads of the CPU that share the work.")
        st.number_input("Budget, seconds", 0.1, 60.0, value=BUDGET_S, step=0.5, width=150,
                        key="timing-budget", help="For how long passes are timed. More of them "
                        "make the median steadier.")
    with st.container(horizontal=True):
        st.toggle("Channels last", key="timing-channels_last",
                  help="Keep the channels of a position side by side in memory (NHWC).")
        st.toggle("Training step", key="timing-training", help="Time forward and backward pass.")
        if can_compile(device):
            st.toggle("torch.compile", key="timing-compile",
                      help="Run what torch.compile makes of the network. Compiling takes a while, "
                           "and its time is given apart.")
        if on_cuda:
            st.toggle("TF32", key="timing-tf32", help="Let float32 products round their factors "
                      "to 10 bits, as TensorFloat-32 does.")
            st.toggle("CUDA graph", key="timing-cuda_graph", help="Replay the whole pass as one "
                      "graph, which takes the cost of launching away.")


def _whole(found: Summary) -> None:
    """The timed pass: its figures with their spread, and the conditions they hold for."""
    _button(found, "pass", "Time it", _start)
    runs.follow("pass")
    outcome = runs.outcome("pass")
    if isinstance(outcome, Timing):
        _show(found, outcome)
    elif outcome is not None:
        st.error(escape(str(outcome)))


def _show(found: Summary, timing: Timing) -> None:
    samples = str(timing.n) if timing.passes_per_sample == 1 else \
        f"{timing.n} × {timing.passes_per_sample}"
    figures = [
        ("Median", text.seconds(timing.median_s), "Half of the passes took longer."),
        ("p10 to p90", text.seconds_between(timing.p10_s, timing.p90_s),
         "Eight passes in ten lie between these."),
        ("Samples", samples, "Timed passes, after a warm-up; where a pass is too short to be "
         "timed alone, a sample is the mean of several."),
        ("Images a second", text.short(timing.images_per_second), "Batch size by the median."),
        ("First pass", text.seconds(timing.first_s),
         "The first pass also allocates memory and chooses algorithms; it is not among the "
         "samples.")]
    if timing.compile_s is not None:
        figures.append(("Compiling", text.seconds(timing.compile_s),
                        "Once, before the first pass; not among the samples."))
    if timing.measured_bytes is not None:
        figures.append(("Peak memory", text.short(timing.measured_bytes, "B"),
                        f"Measured on the device; predicted were {timing.predicted_bytes:,} "
                        "bytes."))
    with st.grid(5, min_column_width=150):
        for label, value, help in figures:
            st.metric(label, value, help=help)
    _warn(timing.warnings)
    if (before := _of_preset()) and (preset := calls.summary(before.key)) \
            and isinstance(preset, Summary):
        st.markdown(f"Beside the preset, multiply-adds are "
                    f"**{found.totals.macs / preset.totals.macs:.2f} times** as many, and the pass "
                    f"takes **{timing.median_s / before.median_s:.2f} times** as long.")
    st.caption(" · ".join(f"{name} {escape(value)}" for name, value in
                          timings.conditions_lines(timing.conditions)),
               help=timings.CONDITIONS_HELP)


def _warn(warnings: Sequence[str]) -> None:
    """What disturbed a run, in a line each."""
    for warning in warnings:
        st.markdown(f":orange[:material/warning: {escape(warning)}]")


def _why(found: Summary) -> None:
    if _live(found):
        runs.begin(_wish("layers"))
        runs.begin(_wish("rates"))
    _button(found, "layers", "Time the layers", time_layers)
    runs.follow("layers")
    if not runs.pending("layers"):
        runs.follow("rates")
    times, rates = runs.outcome("layers"), runs.outcome("rates")
    for outcome in (times, rates):
        if isinstance(outcome, Exception):
            st.error(escape(str(outcome)))
    if not isinstance(times, LayerTimes):
        return
    trained = calls.summary(state.key(), training=_choices().training)
    if isinstance(rates, Rates) and isinstance(trained, Summary):
        roofs = place(trained, times, rates, _choices())
        for sentence in roofline.sentences(roofs):
            st.markdown(escape(sentence))
        st.plotly_chart(roofline.figure(roofs), key="roofline", config={"displayModeBar": False})
        with st.container(horizontal=True):
            for bound, meaning in roofline.MEANINGS.items():
                st.caption(f"**{bound.capitalize()}**: {meaning}")
    st.caption(escape(timings.layers_sentence(times)))
    _warn(times.warnings)
    blocks = timings.block_time_frame(calls.explored(state.key()), times).assign(
        ms=lambda frame: 1e3 * frame["seconds"])
    st.dataframe(blocks, hide_index=True, height="content" if len(blocks) < 20 else 600,
                 column_config=BLOCK_COLUMNS, column_order=list(BLOCK_COLUMNS), key="block-times")


def _batches() -> None:
    _button(None, "batches", "Time the batch sizes", lambda: runs.start(_wish("batches")))
    runs.follow("batches", _points_so_far)
    outcome = runs.outcome("batches")
    if isinstance(outcome, BatchTimes):
        _points(outcome)
    elif outcome is not None:
        st.error(escape(str(outcome)))


def _points_so_far(progress: Progress | None) -> None:
    if progress and progress.points:
        wish = _wish("batches")
        _points(BatchTimes(wish.key, wish.device, progress.points))


def _points(times: BatchTimes) -> None:
    st.plotly_chart(charts.batch_sweep(timings.batch_frame(times)), key="batch-sweep",
                    config={"displayModeBar": False})
    for point in times.points:
        if point.refused:
            st.caption(escape(f"Batch {point.batch_size}: {point.refused}"))


def _button(found: Summary | None, what: What, label: str, begin: object) -> None:
    """Start, or start again; how long a pass is predicted to take where it waits for a click."""
    run = runs.of(what)
    if run is None:
        about = f": about {text.seconds(predict_seconds(found, _device(), _choices()))} a pass" \
            if found else ""
        st.button(f"{label}{about}", icon=":material/timer:", key=f"time-{what}",
                  on_click=begin)    # type: ignore[arg-type]
        return
    st.button(f"{label} again", icon=":material/timer:", key=f"again-{what}",
              on_click=_again, args=(what,), disabled=not run.done())


def _start() -> None:
    runs.start(_wish("pass"))


def _again(what: What) -> None:
    runs.again(_wish(what))


def _live(found: Summary) -> bool:
    """Whether the figure follows the knobs by itself; compiling takes too long for that."""
    device, choices = _device(), _choices()
    return not choices.compile and (device != "cpu" or
                                    predict_seconds(found, device, choices) <= LIVE_S)


def _wish(what: What) -> Wish:
    return Wish(what, state.key(), _device(), _choices(), _budget())


def _device() -> str:
    chosen: str = st.session_state.get("timing-device") or resolve("auto")
    return chosen


def _choices() -> Choices:
    chosen: dict[str, object] = {
        name: value for name in Choices.model_fields
        if (value := st.session_state.get(f"timing-{name}")) is not None}
    if chosen.get("threads") == usual_threads():
        del chosen["threads"]       # the same as none given
    return Choices(**chosen)


def _budget() -> float:
    return float(st.session_state.get("timing-budget") or BUDGET_S)


BLOCK_COLUMNS = {
    "block": st.column_config.TextColumn("Block"),
    "type": st.column_config.TextColumn("Type"),
    "calls": st.column_config.NumberColumn("Calls", width=70),
    "ms": st.column_config.NumberColumn("Time, ms", format="%.3f"),
    "share": st.column_config.ProgressColumn("Share of the sum", format="percent", min_value=0,
                                             max_value=1),
}
