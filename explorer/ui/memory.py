"""What is alive during the pass, what training keeps, and the sums that tools print."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer import text
from explorer.analysis import Summary
from explorer.language import say
from explorer.pipeline import Explored
from explorer.ui.messages import escape
from explorer.ui.panel import Panel
from explorer.views import charts, tables


def columns() -> dict[str, Any]:
    return {
        "index": st.column_config.NumberColumn("#", width=45,
                                               help=say("The call that allocated it")),
        "path": st.column_config.TextColumn(say("Layer"), help=say("Whose output it is")),
        "shape": st.column_config.TextColumn(say("Shape")),
        "bytes": st.column_config.NumberColumn(say("Bytes"), format="localized"),
    }


def section(panel: Panel, network: Explored) -> None:
    """Closed until somebody opens it, and until then nothing of it is computed."""
    with st.expander(say("Memory over the forward pass"), on_change="rerun",
                     key=panel.widget("memory")) as box:
        if box.open:
            _memory(panel, network)


def _memory(panel: Panel, network: Explored) -> None:
    evaluated, trained = network.summary, network.training
    totals = evaluated.totals
    kept = trained.totals.saved_bytes if isinstance(trained, Summary) else 0
    doubled = 2 * totals.activation_bytes
    with st.grid(3, min_column_width=190):
        st.metric(say("Peak in evaluation"), text.short(totals.peak_activation_bytes, "B"),
                  help=say("The most that is alive at once. Exactly {count} bytes.",
                           count=text.number(totals.peak_activation_bytes)))
        st.metric(say("Saved for backward"), text.short(kept, "B") if kept else "–",
                  help=say("What a training pass keeps for its backward pass: inputs, outputs, "
                           "masks, statistics. Exactly {count} bytes, parameters apart.",
                           count=text.number(kept or 0)))
        st.metric(say("All outputs, twice"), text.short(doubled, "B"),
                  help=say("2 × {once} bytes = {twice}: what tools call memory, and neither of the "
                           "other two.", once=text.number(totals.activation_bytes),
                           twice=text.number(doubled)))
    st.caption(say(
        "Tools call a doubled sum of outputs the “forward/backward pass size”, torchinfo in MB, "
        "torchsummary in MiB under the label MB, each over its own choice of layers. Over all of "
        "them it is {mb} MB, or {mib} MiB. No pass holds that: evaluation frees what nothing needs "
        "any more, and training keeps only what the backward pass reads.",
        mb=f"{doubled / 1e6:,.1f}", mib=f"{doubled / 2**20:,.1f}"))
    one, other = st.columns(2)
    with one:
        st.markdown(say("**Evaluation**"))
        st.plotly_chart(charts.live_memory(evaluated), key=panel.widget("live-memory"),
                        config={"displayModeBar": False})
    with other:
        st.markdown(say("**Training**, forward pass"))
        if isinstance(trained, Summary):
            st.plotly_chart(charts.live_memory(trained), key=panel.widget("training-memory"),
                            config={"displayModeBar": False})
        else:
            st.warning(escape(str(trained)))
    st.markdown(say("**Alive at the peak** of the evaluation"))
    st.dataframe(tables.held_frame(evaluated), hide_index=True, column_config=columns(),
                 key=panel.widget("alive-at-peak"), placeholder="",
                 alt=say("Tensors alive at the peak"))
    if isinstance(trained, Summary) and (only := _only_in_training(evaluated, trained)):
        _training_pass(panel, evaluated, trained, only)


def _only_in_training(evaluated: Summary, trained: Summary) -> list[str]:
    """Modules of the network that run in training alone."""
    there = {_outermost(layer.path) for layer in evaluated.layers}
    return [name for name in dict.fromkeys(_outermost(layer.path) for layer in trained.layers)
            if name not in there]


def _outermost(path: str) -> str:
    return path.partition(".")[0]


def _training_pass(panel: Panel, evaluated: Summary, trained: Summary, only: list[str]) -> None:
    if not st.toggle(say("Count a training pass"), key=panel.widget("count-training"),
                     help=say("This network runs more in training than in evaluation.")):
        return
    now, then = trained.totals, evaluated.totals
    with st.grid(4, min_column_width=150):
        for label, after, before in (
                (say("Parameters used"), now.params_used, then.params_used),
                (say("Multiply-adds"), now.macs, then.macs),
                (say("Layers"), now.layers, then.layers)):
            st.metric(label, text.short(after), say("{change} against evaluation",
                                                    change=f"{after - before:+,}"),
                      delta_color="off", help=say("Exactly {after}; evaluation has {before}.",
                                                  after=text.number(after),
                                                  before=text.number(before)))
    st.caption(say("Only training runs {modules}.", modules=escape(text.listing(only))))
    if any(layer.type == "BatchNorm2d" and layer.output_shape[0] == 1
           and layer.output_shape[2:] == (1, 1) for layer in trained.layers):
        st.caption(say("PyTorch refuses to train BatchNorm on one value a channel, which a batch "
                       "of 1 comes down to there: these figures need a batch of 2 or more to run."))
