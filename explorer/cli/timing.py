"""`time`: passes of a network, timed on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from explorer.cli.arguments import (
    explore_whole,
    format_option,
    network_argument,
    output_option,
    parse_batches,
    parse_source,
)
from explorer.cli.output import write
from explorer.timing import (
    Choices,
    place,
    quiet,
    submit,
    submit_batches,
    submit_layers,
    submit_rates,
)
from explorer.views import timings


@click.command()
@network_argument
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N|mps",
              help="Where to run; auto takes a GPU if there is one.")
@click.option("--dtype", default="float32", show_default=True,
              metavar="float32|float16|bfloat16", help="Number format of weights and activations.")
@click.option("--tf32", is_flag=True, help="On CUDA, round the factors of float32 products.")
@click.option("--batch-size", metavar="N", help="Samples in a pass, as --set batch_size=N.")
@click.option("--channels-last", is_flag=True, help="Memory layout NHWC.")
@click.option("--threads", type=int, metavar="N", help="Threads of the CPU; all cores by default.")
@click.option("--compile", is_flag=True, help="Time what torch.compile makes of the network.")
@click.option("--cuda-graph", is_flag=True, help="On CUDA, replay the pass as one graph.")
@click.option("--training", is_flag=True, help="Time a training step: forward and backward.")
@click.option("--budget", type=float, default=2.0, show_default=True, metavar="SECONDS",
              help="What each measurement may take.")
@click.option("--per-layer", is_flag=True, help="Time every layer too, in a run of its own.")
@click.option("--roofline", is_flag=True,
              help="What bounds every layer: memory, arithmetic or launching. Implies --per-layer.")
@click.option("--batches", metavar="1,2,4,...|auto",
              help="Time these batch sizes too; auto doubles until the memory or the budget ends.")
@format_option
@output_option
def time(network: str, settings: tuple[str, ...], inputs: tuple[str, ...], device: str,
         batch_size: str | None, budget: float, per_layer: bool, roofline: bool,
         batches: str | None, form: str, output: Path | None, **choices: Any) -> None:
    """Time a pass of NETWORK on this machine."""
    if batch_size is not None:
        settings = (*settings, f"batch_size={batch_size}")
    named, chosen = parse_source(network, settings, inputs), Choices(**choices)
    sizes = parse_batches(batches)
    if form == "csv" and batches and (per_layer or roofline):
        raise click.UsageError("A CSV file holds one table: leave out --batches, or --per-layer "
                               "and --roofline.")
    explored = explore_whole(named, training=chosen.training)
    source, summary = explored.source, explored.summary
    # All are queued before the first is waited for, so that what cannot be is told at once.
    whole_job = submit(source, device, budget, chosen, summary=summary)
    layers_job = submit_layers(source, device, budget, chosen, summary=summary) \
        if per_layer or roofline else None
    rates_job = submit_rates(device, chosen) if roofline else None
    batches_job = submit_batches(source, device, budget, chosen, sizes, summary=summary) \
        if batches else None
    times = layers_job.result() if layers_job else None
    roofs = place(summary, times, rates_job.result(), chosen) if times and rates_job else None
    if times and roofs and roofs.above and quiet(roofs):
        rates = submit_rates(device, chosen, again=True).result()
        roofs = place(summary, times, rates, chosen) if quiet(rates) else roofs
    report = timings.TimingReport(
        explored=explored, timing=whole_job.result(), layers=times, roofline=roofs,
        batches=batches_job.result() if batches_job else None)
    render = {"table": timings.to_text, "csv": timings.to_csv, "json": timings.to_json}[form]
    if form == "csv":       # the others have them in themselves
        for warning in report.warnings:
            click.echo(f"Warning: {warning}", err=True)
    write(render(report), output)
