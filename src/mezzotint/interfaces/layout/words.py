"""The words that a prompt of several things may be made of: things, adjectives, and what is no thing of its own."""

from collections.abc import Mapping
from functools import cache

from mezzotint.data.icons.lexicon import lexicon
from mezzotint.data.scenes import COLOURS
from mezzotint.data.scenes.nouns import nouns, plural_of

__all__ = ["PEOPLE", "is_adjective", "plurals", "singulars"]

PEOPLE = frozenset(
    ("man", "woman", "boy", "girl", "person", "child", "baby", "lady", "king", "queen", "knight", "pirate", "wizard")
)
_MORE = (
    "table chair sofa fork knife spoon plate bowl cube sphere triangle circle square orange lime banana grape cherry "
    "coin medal crown sword shield helmet boot glove scarf shirt dress jacket bag backpack suitcase bottle jar box "
    "basket bucket ladder hammer saw wrench drill nail screw brush pencil pen book notebook letter envelope stamp "
    "clock watch lamp candle lantern torch mirror picture frame vase pot pan kettle oven fridge toaster computer "
    "laptop phone camera television radio speaker guitar piano drum trumpet violin flute car truck van bus tram train "
    "bicycle motorcycle scooter airplane helicopter rocket boat ship sailboat submarine canoe balloon kite robot "
    "alien monster ghost witch vampire zombie skeleton fairy mermaid unicorn dragon dinosaur tiger lion bear wolf fox "
    "deer moose horse cow pig sheep goat chicken duck goose swan owl eagle parrot penguin crow pigeon dove frog toad "
    "turtle snake lizard crocodile fish shark whale dolphin octopus squid crab lobster snail worm ant bee butterfly "
    "spider ladybug mosquito tree flower rose tulip daisy sunflower cactus leaf mushroom pumpkin carrot potato tomato "
    "onion pepper apple pear peach plum lemon melon strawberry pineapple coconut cake pie cookie donut cupcake pizza "
    "burger sandwich taco egg cup mug glass teapot house castle tower tent barn church lighthouse windmill bridge "
    "fountain statue gate door window key lock bell ball puppet teddy doll puzzle star moon sun planet comet cloud "
    "snowflake snowman heart diamond gem ring necklace hat cap umbrella mask flag map compass anchor wheel gear "
    "battery magnet microscope telescope rabbit mouse cat dog kitten puppy hamster squirrel hedgehog raccoon elephant "
    "giraffe zebra hippo rhino monkey gorilla panda koala kangaroo camel llama "
)
"""Common things besides those that the training captions name."""
_NONE = (
    "sky sea ocean beach forest city sunset sunrise night day desert park street road river lake sunny rain eye nose "
    "mouth ear head arm leg hand foot tail wing hair beard smile face finger background view icon logo sticker poster "
    "art style pattern pose colour color add back picture image photo "
)
"""Places, which are behind all things, parts of things, and what is said of the picture itself."""
_ADJECTIVES = (
    "light dark bright pale deep golden silver beige turquoise violet gray cyan big small tiny large little huge "
    "giant tall short long thin thick fat old young new round square flat wooden metal glass plastic stone paper cute "
    "happy sad angry funny smiling sleepy sleeping shiny fluffy soft wild striped spotted magic spooky scary pretty "
    "beautiful simple fresh ripe hot cold modern ancient medieval electric toy baby "
)
"""What may stand before a thing, besides the colours."""
_IRREGULAR: Mapping[str, str] = {"men": "man", "women": "woman", "people": "person", "children": "child"}


@cache
def singulars() -> frozenset[str]:
    """The names of single things."""
    known = {*lexicon(), *(noun.one for noun in nouns()), *_MORE.split(), *PEOPLE}
    none = frozenset(_NONE.split())
    return frozenset(name for name in known if name.split()[-1] not in none)


@cache
def plurals() -> Mapping[str, str]:
    """The name of one thing, by that of several."""
    found = {plural_of(name): name for name in singulars()}
    return {**found, **{noun.many: noun.one for noun in nouns()}, **_IRREGULAR}


def is_adjective(word: str) -> bool:
    """Whether a word may stand before a thing."""
    return word in COLOURS or word in _adjectives()


@cache
def _adjectives() -> frozenset[str]:
    return frozenset(_ADJECTIVES.split())
