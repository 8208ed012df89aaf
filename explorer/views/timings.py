"""Timings as records, DataFrames, text, CSV and JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from explorer import text
from explorer.language import Text, say
from explorer.pipeline import Explored
from explorer.timing import BatchTimes, Conditions, LayerTimes, Roofline, Timing, quiet
from explorer.views import roofline as roofline_views
from explorer.views.tables import aligned, layer_frame
from explorer.views.tables import to_csv as tables_csv


@dataclass(frozen=True, slots=True)
class TimingReport:
    """What was measured of one network: the whole pass, and what else was asked for."""

    explored: Explored
    timing: Timing
    layers: LayerTimes | None = None
    roofline: Roofline | None = None
    batches: BatchTimes | None = None

    @property
    def warnings(self) -> tuple[Text, ...]:
        """Each sentence once, whichever measurement it comes from."""
        parts = (self.timing, self.layers, self.roofline, self.batches)
        return tuple(dict.fromkeys(warning for part in parts if part for warning in part.warnings))


CONDITIONS: dict[str, Text | str] = {
    "device_name": Text("device"), "layout": Text("layout"), "threads": Text("threads"),
    "training": Text("training step"), "compiled": "torch.compile",
    "cuda_graph": Text("CUDA graph"), "flush_denormal": Text("denormals as 0"),
    "clock_mhz": Text("clock in MHz"), "tf32": "TF32",
    "cudnn_benchmark": Text("cuDNN benchmark"), "cuda": "CUDA", "cudnn": "cuDNN",
    "driver": Text("driver")}
"""What a condition is called where its field's name is not a name that people know."""

LAYOUTS = {"contiguous": Text("contiguous"), "channels last": Text("channels last")}

CONDITIONS_HELP = Text(
    "**Layout**: the order of the activations in memory, contiguous (channels outside) or channels "
    "last. **Denormals as 0**: numbers below 1e-38 count as 0 on the CPU, which is slow with them; "
    "deep plain networks fade into them. **Clock**: of the device, read after the run. "
    "**TF32**: products round their factors to 10 bits. **cuDNN benchmark**: cuDNN tries its "
    "algorithms before it chooses one.")


def conditions_lines(conditions: Conditions) -> list[tuple[str, str]]:
    """What a timing holds for, in words."""
    return [(str(CONDITIONS.get(name, name)), _condition(value))
            for name, value in asdict(conditions).items() if value is not None]


def _condition(value: str | float) -> str:
    if isinstance(value, bool):
        return say("on") if value else say("off")
    return f"{value:,.0f}" if isinstance(value, float) else str(LAYOUTS.get(str(value), value))


def to_record(timing: Timing) -> dict[str, Any]:
    return {**asdict(timing), "warnings": [*map(str, timing.warnings)],
            "images_per_second": timing.images_per_second}


def layer_time_frame(explored: Explored, times: LayerTimes,
                     roofline: Roofline | None = None) -> pd.DataFrame:
    """The table of layers with `seconds` and `share`, and what bounds each where that is known.

    Of a disturbed measurement there are the `seconds` alone, and no share or bound.
    """
    frame = layer_frame(explored)
    frame["seconds"], frame["share"] = times.seconds, times.shares if quiet(times) else math.nan
    if roofline and quiet(roofline):
        extra = roofline_views.frame(roofline)
        frame = pd.concat([frame, extra.drop(columns=["index", "path", "kind", "seconds"])],
                          axis="columns")
    return frame


def block_time_frame(explored: Explored, times: LayerTimes) -> pd.DataFrame:
    """Calls, seconds and share of each block, in the order of `Summary.blocks`; no share where the
    measurement was disturbed."""
    whole = times.sum_s if quiet(times) else math.nan
    rows = []
    for block in explored.structure.blocks:
        seconds = sum(times.seconds[layer.index] for layer in block.layers)
        place = explored.structure.place(block.layers[0])
        rows.append({"block": place.block, "type": block.name, "calls": len(block.layers),
                     "seconds": seconds, "share": seconds / whole})
    return pd.DataFrame(rows)


def batch_frame(batches: BatchTimes) -> pd.DataFrame:
    """A row for each batch size; a refused one has the reason and no figures, and one that was
    `disturbed` says so."""
    figures = ("median_s", "p10_s", "p90_s", "n", "images_per_second")
    frame = pd.DataFrame([
        {"batch_size": point.batch_size,
         **{name: getattr(point.timing, name, None) for name in figures},
         "disturbed": point.timing is not None and not quiet(point.timing),
         "refused": None if point.refused is None else str(point.refused)}
        for point in batches.points])
    return frame.astype({"n": "Int64"})


def layers_csv(explored: Explored, times: LayerTimes | None = None) -> str:
    """The table of layers as CSV, with their times where they are measured."""
    if times is None:
        return tables_csv(explored)
    return layer_time_frame(explored, times).to_csv(index=False, lineterminator="\n")


def timing_frame(timing: Timing) -> pd.DataFrame:
    """One row: the figures and their conditions."""
    record = to_record(timing)
    record["warnings"] = " ".join(record["warnings"])
    return pd.DataFrame([{**record, **record.pop("conditions")}])


def to_csv(report: TimingReport) -> str:
    """One table: the layers where they were timed, or the batch sizes, or the whole pass."""
    if report.layers:
        frame = layer_time_frame(report.explored, report.layers, report.roofline)
    else:
        frame = batch_frame(report.batches) if report.batches else timing_frame(report.timing)
    return frame.to_csv(index=False, lineterminator="\n")


def to_json(report: TimingReport) -> str:
    """The whole pass, and under `layers`, `roofline` and `batches` what else was measured."""
    record = {**to_record(report.timing), "warnings": [*map(str, report.warnings)]}
    if times := report.layers:
        frame = layer_time_frame(report.explored, times, report.roofline)
        record["layers"] = {"whole_s": times.whole_s, "sum_s": times.sum_s,
                            "difference_s": times.difference_s, "passes": times.passes,
                            "calls": _records(frame),
                            "blocks": _records(block_time_frame(report.explored, times))}
    if report.roofline:
        rates = report.roofline.rates
        record["roofline"] = {**asdict(rates), "warnings": [*map(str, rates.warnings)],
                              "because": roofline_views.sentences(report.roofline)}
    if report.batches:
        record["batches"] = _records(batch_frame(report.batches))
    return json.dumps(record)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()}
            for row in plain.to_dict(orient="records")]


def to_text(report: TimingReport) -> str:
    """The median, its spread and the conditions, a line each, and a table for each further part."""
    timing = report.timing
    lines = [("median", text.seconds(timing.median_s) + mark(timing)),
             ("p10", text.seconds(timing.p10_s)), ("p90", text.seconds(timing.p90_s)),
             ("n", str(timing.n) if timing.passes_per_sample == 1 else
              f"{timing.n}, of {timing.passes_per_sample} passes each"),
             (f"{report.explored.source.samples} a second", text.short(timing.images_per_second)),
             ("first pass", text.seconds(timing.first_s))]
    if timing.compile_s is not None:
        lines.append(("compiling", text.seconds(timing.compile_s)))
    lines.append(("memory, predicted", text.short(timing.predicted_bytes, "B")))
    if timing.measured_bytes is not None:
        lines.append(("memory, measured", text.short(timing.measured_bytes, "B")))
    lines += [("on", timing.device), *conditions_lines(timing.conditions)]
    parts = [report.explored.title, "\n".join(f"{name:24} {value}" for name, value in lines)]
    parts += [f"Warning: {warning}" for warning in report.warnings]
    if report.layers:
        parts += [_layers_text(report.explored, report.layers, report.roofline),
                  layers_sentence(report.layers)]
    if report.roofline:
        parts += ["\n".join(roofline_views.sentences(report.roofline))]
    if report.batches:
        parts.append(_batches_text(report.batches, report.explored.source.samples))
    return "\n\n".join(parts)


def mark(timing: Timing) -> str:
    """What stands behind a figure of a disturbed run."""
    return "" if quiet(timing) else say(", disturbed")


def layers_sentence(times: LayerTimes) -> str:
    """The sum of the calls beside the pass in which none was timed."""
    both = {"sum": text.seconds(times.sum_s), "whole": text.seconds(times.whole_s)}
    if not quiet(times):
        return say("The calls add up to {sum}; the pass in which none was timed took {whole}.",
                   **both)
    return say("The calls add up to {sum}; the pass in which none was timed took {whole}: "
               "{difference}. Timing the calls costs a little, and a median of parts is not a part "
               "of the median.", **both, difference=f"{times.difference_s / times.whole_s:+.1%}")


def _layers_text(explored: Explored, times: LayerTimes, roofline: Roofline | None) -> str:
    frame = layer_time_frame(explored, times, roofline)
    shown = pd.DataFrame({
        "#": frame["index"].astype(str), "layer": frame["path"], "type": frame["type"],
        "output": frame["output_shape"],
        "time": [text.seconds(seconds) for seconds in times.seconds],
        **({"share": [f"{share:.1%}" for share in times.shares]} if quiet(times) else {})})
    if roofline and quiet(roofline):
        shown["ops a byte"] = ["" if pd.isna(value) else f"{value:.2g}"
                               for value in frame["intensity"]]
        shown["bound by"] = frame["bound"].fillna("")
    return aligned(shown)


def _batches_text(batches: BatchTimes, samples: str) -> str:
    timed = [(point.batch_size, point.timing) for point in batches.points if point.timing]
    parts = [aligned(pd.DataFrame(
        [{"batch": str(size), "median": text.seconds(timing.median_s) + mark(timing),
          "p10": text.seconds(timing.p10_s), "p90": text.seconds(timing.p90_s),
          "n": str(timing.n), f"{samples} a second": text.short(timing.images_per_second)}
         for size, timing in timed]))] if timed else []
    parts += [f"Batch {point.batch_size}: {point.refused}" for point in batches.points
              if point.refused]
    return "\n".join(parts)
