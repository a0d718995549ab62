"""The prompt language: pure text in, plain data out."""

from mezzotint.conditioning.prompt.expand import expanded_prompts, wildcards, with_wildcards
from mezzotint.conditioning.prompt.flags import FLAGS, FlagRecord, find_flag, split_flags
from mezzotint.conditioning.prompt.grammar import parse
from mezzotint.conditioning.prompt.lifting import lifted
from mezzotint.conditioning.prompt.reading import Reading, meant, never_read, plain_words, readings, worded
from mezzotint.conditioning.prompt.tree import Alternate, Flag, Item, Items, Part, Prompt, Switch, Weighted, Words
from mezzotint.conditioning.prompt.writing import escaped, written

__all__ = [
    "FLAGS",
    "Alternate",
    "Flag",
    "FlagRecord",
    "Item",
    "Items",
    "Part",
    "Prompt",
    "Reading",
    "Switch",
    "Weighted",
    "Words",
    "escaped",
    "expanded_prompts",
    "find_flag",
    "lifted",
    "meant",
    "never_read",
    "parse",
    "plain_words",
    "readings",
    "split_flags",
    "wildcards",
    "with_wildcards",
    "worded",
    "written",
]
