"""Mezzotint: a complete, text-guided diffusion system."""
