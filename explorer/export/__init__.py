"""What leaves the program: a network as code, as a file for other tools, as a page."""
