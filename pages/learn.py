"""Lessons with live parts: what the papers found, to be tried."""

from explorer.ui.start import within_app  # isort: split

from explorer.ui.lessons import page

within_app()
page.learn()
