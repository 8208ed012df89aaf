"""The page that all reports stand in."""

ADDRESS = "http://localhost:8501"
"""Where the app runs, if nothing else is said."""
