"""The pages Learn and Quiz."""

from explorer.ui.lessons import experiments, links, page, parts, questions, quiz

__all__ = ["experiments", "links", "page", "parts", "questions", "quiz"]
