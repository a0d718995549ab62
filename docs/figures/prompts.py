"""The page at the head of the README: sixty-four prompts, each under what it drew."""

from collections.abc import Sequence

from PIL import Image

from docs.figures.desk import Desk
from docs.figures.page import MARGIN, QUIET, Page, picture, width_of

__all__ = ["PROMPTS", "page", "sheet_of"]

COLUMNS, SIDE, GAP = 8, 192, 20
"""SIDE: the least width of a picture on the page; one that is drawn larger keeps its pixels."""
SEED = 7
"""Of every picture: with one for all, nothing is chosen by hand."""
PROMPTS = (
    *("a fox", "a black cat", "an owl", "a green frog", "a panda", "a whale", "a butterfly", "a hedgehog"),
    *("a slice of pizza", "a cup of coffee", "a hamburger", "an ice cream cone"),
    *("a birthday cake", "a bunch of grapes", "sushi", "a pineapple"),
    *("a sailboat", "a rocket", "a red bicycle", "a lighthouse"),
    *("a house with a garden", "a camera", "an acoustic guitar", "a treasure chest"),
    *("a rainbow", "a volcano", "a palm tree on a beach", "a snowman"),
    *("a full moon at night", "a sunflower", "a cactus in a pot", "a thunderstorm"),
    *("a smiling face", "a person with red hair and glasses", "an old man with a white beard", "a woman with a hat"),
    *("an astronaut", "a pirate", "a robot", "a ghost"),
    *("a purple car", "a pink elephant", "a golden star", "an orange umbrella"),
    *("a blue apple", "a white horse", "a green heart", "a yellow rose"),
    *("three red apples", "two cats", "five stars", "a dog to the left of a tree"),
    *("a sun above a mountain", "a bee and a flower", "a red cube next to a blue ball", "a green cup on a table"),
    *('a sign that says "OPEN"', 'the word "HELLO" in red letters', 'a button that says "PLAY"', 'the number "42"'),
    *("a hand with two raised fingers", "a thumbs up", "a castle, 3d style", "a rose, line drawing"),
)
"""What people ask for, row by row: animals, food, things, nature, people, colours, counts and places, words and hands.
They were chosen before anything was drawn, the ones that are hard too."""
SMALL = 21


def page(desk: Desk) -> Image.Image:
    """Every prompt with the same seed, at the model's defaults."""
    return sheet_of(desk, PROMPTS)


def sheet_of(desk: Desk, prompts: Sequence[str]) -> Image.Image:
    """Pictures in rows of eight, the prompt below each, in as many lines as the longest of its row needs."""
    images = [desk.large(prompt, SEED) for prompt in prompts]
    side = max(SIDE, images[0].width)
    texts = [lines(prompt, side) for prompt in prompts]
    line, columns = round(SMALL * 1.25), min(COLUMNS, len(prompts))
    rows = [range(start, min(start + columns, len(prompts))) for start in range(0, len(prompts), columns)]
    tall = [side + GAP + max(len(texts[k]) for k in row) * line for row in rows]
    sheet = Page(2 * MARGIN + columns * (side + GAP) - GAP, 2 * MARGIN + sum(tall) + GAP * (len(rows) - 1))
    y = MARGIN
    for row, height in zip(rows, tall, strict=True):
        for column, k in enumerate(row):
            x = MARGIN + column * (side + GAP)
            sheet.place(picture(images[k], side), x, y, framed=False)
            for number, text in enumerate(texts[k]):
                sheet.write(text, x + side / 2, y + side + GAP / 2 + (number + 0.5) * line, "mm", SMALL, QUIET)
        y += height + GAP
    return sheet.image


def lines(text: str, wide: int) -> list[str]:
    """The words in as few lines as fit, none wider than so many pixels unless one word is."""
    found = [""]
    for word in text.split():
        longer = f"{found[-1]} {word}".strip()
        if found[-1] and width_of([longer], SMALL) > wide:
            found.append(word)
        else:
            found[-1] = longer
    return found
