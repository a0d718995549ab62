"""The house data set: colour icons and emoji of permissive licence, rendered and captioned from npm packages."""

from mezzotint.data.icons.builder import BUILDER_VERSION, Summary, build, default_folder
from mezzotint.data.icons.nouns import HELD_OUT, TRAINED
from mezzotint.data.icons.table import SETS, IconSet

__all__ = ["BUILDER_VERSION", "HELD_OUT", "SETS", "TRAINED", "IconSet", "Summary", "build", "default_folder"]
