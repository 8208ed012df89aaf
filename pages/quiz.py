"""Questions that the engine asks, grades and explains."""

from explorer.ui.start import within_app  # isort: split

from explorer.ui.lessons import quiz

within_app()
quiz.quiz()
