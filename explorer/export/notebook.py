"""A network as a notebook of Jupyter that makes it again."""

from __future__ import annotations

import json

from explorer.pipeline import Explored


def notebook(explored: Explored) -> str:
    return json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
