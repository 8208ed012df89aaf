"""What each operator does to shapes, and what it costs."""

from explorer.tracing.operators.table import *  # noqa: F403
