"""The only place that imports Streamlit: controls from knobs, cached calls, and what pages show."""
