"""Measurements: what models are good and bad at."""
