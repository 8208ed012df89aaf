"""The pages Learn and Quiz."""

from explorer.ui.lessons import experiments, page, parts, questions, quiz

__all__ = ["experiments", "page", "parts", "questions", "quiz"]
