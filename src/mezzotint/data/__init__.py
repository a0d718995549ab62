"""Pictures with captions: where they come from, what is known about them, and in which order they are read."""
