"""Every preset as ONNX: whether the checker of the format passes, and how long it takes.

    python -m benchmarks.onnx_files [PRESET ...]

The file of the largest has 2.5 GB, and so much again is needed in memory.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import onnx

import explorer


def main() -> None:
    names = sys.argv[1:] or list(explorer.presets())
    failed = []
    print(f"{'preset':32} {'nodes':>6} {'MB':>8} {'s':>6} {'checked, s':>10}")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            path, begun = Path(folder, "net.onnx"), time.perf_counter()
            explorer.export(explorer.open(name), path)
            made = time.perf_counter()
            try:
                onnx.checker.check_model(str(path), full_check=True)
            except onnx.checker.ValidationError as error:
                failed.append(name)
                print(error)
            checked = time.perf_counter()
            nodes = len(onnx.load(str(path), load_external_data=False).graph.node)
            size = sum(file.stat().st_size for file in Path(folder).iterdir())
            print(f"{name:32} {nodes:6} {size / 1e6:8.1f} {made - begun:6.1f} "
                  f"{checked - made:10.1f}", flush=True)
    print(f"{len(names) - len(failed)} of {len(names)} pass"
          + (f"; these do not: {', '.join(failed)}" if failed else ""))


if __name__ == "__main__":
    main()
