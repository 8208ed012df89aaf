"""What a host lets its visitors do: read once, from a TOML file and the environment.

`EXPLORER_LIMITS` names the file; `EXPLORER_RUN_SECONDS=60` sets one limit, whatever the file says.
`python -m explorer.ui.limits` prints what holds.
"""

from __future__ import annotations

import math
import os
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from explorer.config import ConfigError
from explorer.validation import first_fault

PREFIX = "EXPLORER_"


class Limits(BaseModel):
    """The limits of a server. The defaults are for a machine of one's own."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)

    live: bool = Field(True, description="Passes that are predicted to be quick are timed without "
                       "a click.")
    live_seconds: float = Field(1.0, gt=0, description="What a pass may be predicted to take, to "
                                "be timed without a click.")
    live_bytes: int = Field(2_000_000_000, gt=0, description="Memory that a pass may be predicted "
                            "to need, to be timed without a click.")
    pass_seconds: float = Field(math.inf, gt=0, description="What any pass may be predicted to "
                                "take.")
    pass_bytes: float = Field(math.inf, gt=0, description="Memory that any pass may be predicted "
                              "to need; never more than is free.")
    run_seconds: float = Field(600.0, gt=0, description="After how long a measurement is stopped, "
                               "whatever was predicted.")
    layers: float = Field(math.inf, gt=0, description="Layers of a network that is opened; ten "
                          "thousand take two to four seconds.")
    sweep_configs: int = Field(20_000, ge=1, description="Configs of a sweep on the page.")
    sweep_workers: int = Field(0, ge=0, description="Processes that count sweeps, of about 350 MB "
                               "each while there are any; 0 is one for each core.")
    libraries: bool = Field(True, description="Models of timm and torchvision may be opened.")
    files: bool = Field(True, description="The server may be started with networks of its own "
                        "files.")
    export_bytes: int = Field(300_000_000, ge=0, description="Weights of a network that the page "
                              "makes an ONNX file of.")
    sessions: int = Field(1000, ge=1, description="Visitors at once; who comes later is told to "
                          "wait.")
    cache_bytes: int = Field(300_000_000, ge=1_000_000, description="Memory for what has been "
                             "worked out, for all visitors together.")


@cache
def limits() -> Limits:
    """The limits of this server; `ConfigError` where they cannot be read."""
    return read(os.environ)


def read(environment: Mapping[str, str]) -> Limits:
    """The limits that an environment names; `ConfigError` says what of them cannot be."""
    values: dict[str, Any] = {}
    source = environment.get(f"{PREFIX}LIMITS")
    if source:
        try:
            values = tomllib.loads(Path(source).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{PREFIX}LIMITS: {source} cannot be read: {error}.") from None
    values |= {name: environment[key] for name in Limits.model_fields
               if (key := f"{PREFIX}{name.upper()}") in environment}
    try:
        return Limits(**values)
    except ValidationError as error:
        fault = first_fault(error)
        if fault.kind == "unknown":
            raise ConfigError(f"{source}: there is no limit {fault.field!r}. There are "
                              f"{', '.join(Limits.model_fields)}.") from None
        said = str(error.errors()[0]["msg"])
        raise ConfigError(f"The limit `{fault.field}` ({PREFIX}{fault.field.upper()}) cannot be "
                          f"{values[fault.field]!r}: {said[0].lower()}{said[1:]}.") from None


def main() -> None:
    """Print the limits, or what is wrong with them."""
    try:
        for name, value in limits():
            print(f"{name} = {str(value).lower()}")
    except ConfigError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
