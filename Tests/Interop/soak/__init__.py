"""A soak: mixed clients against one server through reloads and upstream restarts. See `python -m soak --help`."""
