"""The avatar styles, one module each, with all that is known of their drawings."""

from mezzotint.data.avatars.styles.big_smile import BIG_SMILE
from mezzotint.data.avatars.styles.fun_emoji import FUN_EMOJI
from mezzotint.data.avatars.styles.miniavs import MINIAVS
from mezzotint.data.avatars.styles.open_peeps import OPEN_PEEPS
from mezzotint.data.avatars.styles.personas import PERSONAS
from mezzotint.data.avatars.styles.pixel_art import PIXEL_ART
from mezzotint.data.avatars.styles.toon_head import TOON_HEAD

__all__ = ["STYLES"]

STYLES = (BIG_SMILE, FUN_EMOJI, MINIAVS, OPEN_PEEPS, PERSONAS, PIXEL_ART, TOON_HEAD)
