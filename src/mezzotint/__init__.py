"""Mezzotint: a complete, text-guided diffusion system.

    from mezzotint import Pipeline
    pipe = Pipeline.load("house")
    pipe.generate("a red apple").images[0]
"""

__version__ = "0.1.0"
