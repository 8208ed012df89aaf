"""How long the code of a network takes, beside one `summarise` of it.

    python -m benchmarks.export_code [ROUNDS [NETWORK ...]]

For every preset, from what is explored already to the text of the file: median and fastest of the
rounds, the lines that it has, and how many times the `summarise` that ran in turn with it.
"""

from __future__ import annotations

import statistics
import sys

import explorer
from benchmarks.against_torchview import seconds
from explorer.exporting.code import code


def row(name: str, rounds: int) -> tuple[float, float]:
    """Median time in seconds, and ratio."""
    explored = explorer.open(name)

    def ours() -> None:
        code(explored)

    def one_summary() -> None:
        explorer.summarise(name)

    rows = [(seconds(ours), seconds(one_summary)) for _ in range(rounds + 1)][1:]
    ratio = statistics.median(own / other for own, other in rows)
    own = statistics.median(own for own, _ in rows)
    print(f"{name:34} {len(code(explored).splitlines()):6} {own * 1e3:9.1f} ms "
          f"{min(own for own, _ in rows) * 1e3:9.1f} ms {ratio:8.2f}", flush=True)
    return own, ratio


def main(rounds: int, networks: list[str]) -> None:
    print(f"{'network':34} {'lines':>6} {'median':>12} {'fastest':>12} {'ratio':>8}")
    rows = {name: row(name, rounds) for name in networks}
    slowest = max(rows, key=lambda name: rows[name])
    print(f"\nmost {rows[slowest][0] * 1e3:.1f} ms ({slowest}); code / summarise, geometric mean "
          f"{statistics.geometric_mean(ratio for _, ratio in rows.values()):.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9, sys.argv[2:] or list(explorer.presets()))
