"""`published`: the published layer tables beside ours."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.arguments import format_option, output_option
from explorer.cli.output import write
from explorer.published import compare, names
from explorer.views import published as views


@click.command()
@click.argument("name", required=False)
@format_option
@output_option
@click.pass_context
def published(context: click.Context, name: str | None, form: str, output: Path | None) -> None:
    """The published layer table NAME beside ours, row by row; without NAME, all of them.

    Exit code 1 where a row is not accounted for.
    """
    comparisons = [compare(table) for table in ([name] if name else names())]
    render = {"table": views.to_text, "csv": views.to_csv, "json": views.to_json}[form]
    write(render(comparisons), output)
    context.exit(0 if all(comparison.complete for comparison in comparisons) else 1)
