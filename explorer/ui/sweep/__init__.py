"""The Sweep page: what is set up, the sweep in the background, and the views of what it found."""
