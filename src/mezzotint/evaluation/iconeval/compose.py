"""How IconEval's prompts were made: from a seed, out of what training scenes hold out.

python -m mezzotint.evaluation.iconeval.compose        write prompts.json anew (needs the built icon set)

Half of the prompts of a task are phrased as captions of training are, half in ways that the composer cannot produce.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from mezzotint.data.icons import default_folder
from mezzotint.data.icons.nouns import names_held_out
from mezzotint.data.scenes import COLOURS
from mezzotint.data.scenes.hand import POSES, SKINS
from mezzotint.data.scenes.held import is_held, is_held_hand
from mezzotint.data.scenes.kinds.hands import held_up, skin
from mezzotint.data.scenes.nouns import plural_of
from mezzotint.data.scenes.phrases import NUMBERS, an
from mezzotint.data.scenes.relate import OPPOSITE
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.stock import Stock
from mezzotint.data.scenes.words import vocabulary
from mezzotint.data.sources import IconSource
from mezzotint.evaluation.iconeval.prompts import VERSION, IconPrompt, Wanted

PROMPTS, SEED = 100, 2026
"""Prompts of a task; the seed of all."""
COUNTS = (2, 3, 4, 5, 6)
SIDES = {"left of": "to the left of", "right of": "to the right of", "above": "above", "below": "below"}

LOOKS = ("", "flat", "outlined")
GROUNDS = ("", " on a transparent background", " on a white background")
POSED = (
    "{hand}, {count} up", "here is {hand}: {count} up", "{hand} with {count} stretched out",
    "{hand} that holds up {count}", "{count} up, on {hand}",
)  # fmt: skip
"""Looks and backgrounds of hands as captions of training name them; how a hand is said in other words."""


class Composer:
    """Draws prompts of every task. things: what scenes are trained on; natural: pairs that cannot be held out."""

    def __init__(self, stock: Stock, words: tuple[str, ...]) -> None:
        shelf = stock.shelves["train"].styles.values()
        counts: dict[str, int] = {}
        for things in shelf:
            for pictures in things:
                counts[pictures[0].noun.one] = counts.get(pictures[0].noun.one, 0) + len(pictures)
        # a thing that training hardly shows would test the thing, not the task
        self.things = sorted(name for name, count in counts.items() if count >= 5)
        self.natural, self.words = stock.natural, words

    def single(self, rolls: Rolls, known: bool) -> IconPrompt | None:
        thing = rolls.choice(self.things)
        text = (
            an(thing) if known else rolls.choice((f"just {an(thing)}", f"here is {an(thing)}", f"{an(thing)}, alone"))
        )
        return IconPrompt("single", text, (Wanted(thing),), known=known)

    def two(self, rolls: Rolls, known: bool) -> IconPrompt | None:
        a, b = rolls.sample(self.things, 2)
        text = f"{an(a)} and {an(b)}" if known else f"both {an(a)} and also {an(b)}"
        return IconPrompt("two", text, (Wanted(a), Wanted(b)), known=known)

    def counting(self, rolls: Rolls, known: bool) -> IconPrompt | None:
        thing, count = rolls.choice(self.things), rolls.choice(COUNTS)
        if not is_held("count", thing, count):
            return None
        many, number = plural_of(thing), NUMBERS[count]
        text = f"{number} {many}" if known else rolls.choice((f"a group of {number} {many}", f"{many}, {count} in all"))
        return IconPrompt("counting", text, (Wanted(thing, count),), known=known)

    def colours(self, rolls: Rolls, known: bool) -> IconPrompt | None:
        thing, colour = self._coloured(rolls)
        if not self._held_colour(thing, colour):
            return None
        text = an(f"{colour} {thing}") if known else f"{an(thing)} painted {colour}"
        return IconPrompt("colours", text, (Wanted(thing, colour=colour),), known=known)

    def position(self, rolls: Rolls, known: bool) -> IconPrompt | None:
        (a, b), word = rolls.sample(self.things, 2), rolls.choice(tuple(SIDES))
        key = (b, OPPOSITE[word], a) if word in ("right of", "below") else (a, word, b)
        if not is_held("relation", *key):
            return None
        text = f"{an(a)} {SIDES[word]} {an(b)}" if known else f"{an(b)}, and {SIDES[word].removesuffix(' of')} "
        if not known:
            text += f"of it {an(a)}" if word in ("left of", "right of") else f"it {an(a)}"
        return IconPrompt("position", text, (Wanted(a), Wanted(b)), relation=word, known=known)

    def attribution(self, rolls: Rolls, known: bool) -> IconPrompt | None:
        (a, first), (b, second) = self._coloured(rolls), self._coloured(rolls)
        if a == b or first == second or not (self._held_colour(a, first) or self._held_colour(b, second)):
            return None
        text = (
            f"{an(f'{first} {a}')} and {an(f'{second} {b}')}" if known else f"{an(a)} in {first}, {an(b)} in {second}"
        )
        return IconPrompt("attribution", text, (Wanted(a, colour=first), Wanted(b, colour=second)), known=known)

    def spelling(self, rolls: Rolls, known: bool) -> IconPrompt | None:
        word = rolls.choice(self.words)
        if not (3 <= len(word) <= 5 and is_held("word", word)):
            return None
        written = rolls.choice((word.upper(), word.upper(), word.lower()))
        what = rolls.choice(("sign", "sticker", "label"))
        text = f'{an(what)} that says "{written}"' if known else f'"{written}", written in large letters on {an(what)}'
        return IconPrompt("spelling", text, word=written, known=known)

    def hands(self, rolls: Rolls, known: bool) -> IconPrompt | None:
        fingers, tone, side = rolls.below(len(POSES)), rolls.choice(tuple(SKINS)), rolls.choice(("left", "right"))
        if not is_held_hand(fingers, tone, side):
            return None
        hand = f"{side} hand"
        if known:
            text = f"{skin(tone, hand, rolls.choice(LOOKS))} {'with' if tone == 'yellow' else 'and'} {held_up(fingers)}"
            text += rolls.choice(GROUNDS)
        else:
            count = f"{NUMBERS[fingers] if fingers else 'no'} {'finger' if fingers == 1 else 'fingers'}"
            text = rolls.choice(POSED).format(hand=skin(tone, hand), count=count)
        return IconPrompt("hands", text, known=known, fingers=fingers)

    def _coloured(self, rolls: Rolls) -> tuple[str, str]:
        return rolls.choice(self.things), rolls.choice(tuple(COLOURS))

    def _held_colour(self, thing: str, colour: str) -> bool:
        return (thing, colour) not in self.natural and is_held("colour", thing, colour)

    def task(self, make: Callable[[Rolls, bool], IconPrompt | None], number: int, count: int) -> Iterator[IconPrompt]:
        """Different prompts of a task, in turn with a known phrasing and with another."""
        seen: set[str] = set()
        for place in range(count):
            for attempt in range(10_000):
                prompt = make(Rolls(SEED, place, attempt, number), place % 2 == 0)
                if prompt is not None and prompt.text not in seen and not names_held_out(prompt.text):
                    seen.add(prompt.text)
                    yield prompt
                    break
            else:
                raise AssertionError("the composer finds no more prompts")

    def all(self, count: int = PROMPTS) -> list[IconPrompt]:
        """The prompts of every task."""
        makers = (
            *(self.single, self.two, self.counting, self.colours, self.position, self.attribution, self.spelling),
            self.hands,
        )
        return [prompt for number, make in enumerate(makers) for prompt in self.task(make, number, count)]


def main() -> None:
    """Write `prompts.json`."""
    pictures = IconSource(default_folder()).load(64)
    prompts = Composer(Stock(pictures), vocabulary(pictures)).all()
    path = Path(__file__).with_name("prompts.json")
    lines = ",\n".join(json.dumps(prompt.to_json_dict(), ensure_ascii=False) for prompt in prompts)
    path.write_text(f'{{"version": {VERSION}, "seed": {SEED}, "prompts": [\n{lines}\n]}}\n', "utf-8")
    print(f"wrote {len(prompts)} prompts")


if __name__ == "__main__":
    main()
