"""Where a picture comes from: the recipe in its file, and whether drawing it again gives the same pixels.

`png` writes, `read` reads, `infotext` speaks the "parameters" text that other programs know, `pixels` hashes and
compares, `verdict` says why two drawings differ, `environment` names what drew.
"""

from mezzotint.provenance.environment import describe_environment, processor_name
from mezzotint.provenance.files import write_atomically
from mezzotint.provenance.pixels import pixel_sha256, psnr
from mezzotint.provenance.png import write_png
from mezzotint.provenance.read import Metadata, read_metadata, read_picture
from mezzotint.provenance.verdict import SAME_PSNR, Verdict, compare

__all__ = [
    "SAME_PSNR",
    "Metadata",
    "Verdict",
    "compare",
    "describe_environment",
    "pixel_sha256",
    "processor_name",
    "psnr",
    "read_metadata",
    "read_picture",
    "write_atomically",
    "write_png",
]
