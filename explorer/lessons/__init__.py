"""Lessons with live parts, and the questions that the engine asks."""

from explorer.lessons.lesson import (
    Head,
    Lesson,
    LessonError,
    Passage,
    PlacedPart,
    explaining,
    find_lesson,
    lessons,
    mistakes,
)

__all__ = ["Head", "Lesson", "LessonError", "Passage", "PlacedPart", "explaining", "find_lesson",
           "lessons", "mistakes"]
