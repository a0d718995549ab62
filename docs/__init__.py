"""The guides, and the commands that draw their figures and fill in their numbers."""
