"""What the gallery of docs/editing.md shows, and its text. A new row is an entry of `ROWS`; `docs.gallery` draws it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FOUND", "MASKS", "ROWS", "UNSHOWN", "Row", "gallery"]

FOUND = Path(__file__).parent / "gallery.json"
MASKS = ("mask-half.png", "mask-fading.png", "mask-right-one.png", "mask-diagonal.png")
"""Pictures that the commands need, in `images/gallery`."""
APPLE = 'mezzotint imagine "a red apple" --seed 7 --upscaler none --out apple.png'
LEMON = 'mezzotint imagine "a yellow lemon" --seed 1 --upscaler none --out lemon.png'
HEART = 'mezzotint imagine "a purple heart" --seed 3 --upscaler none --out heart.png'
PAIR = 'mezzotint edit apple.png "" --expand right=64 --region "0.5,0,1,1:a green pear" --seed 3 --out pair.png'


@dataclass(frozen=True)
class Row:
    """A task. name: of the strip of pictures; tasks: those of `TASKS` that it shows; commands: the last one draws the
    result; panels: files with what is written below them, and the result last; given: what `reproduce` needs; large:
    whether all are shown as wide as what the upscaler makes."""

    name: str
    title: str
    tasks: tuple[str, ...]
    text: str
    commands: tuple[str, ...]
    panels: tuple[tuple[str, str], ...]
    given: str = ""
    large: bool = False

    @property
    def result(self) -> str:
        """The file of the picture that is drawn again."""
        return self.panels[-1][0]


ROWS = (
    Row(
        "picture", "A picture to another", ("picture",),
        "Outline and leaf stay nearly as they were, and the colour is the prompt's; the lower edge is a little ragged.",
        (APPLE, 'mezzotint edit apple.png "a green apple" --strength 0.9 --seed 7 --out green.png'),
        (("apple.png", "apple.png"), ("green.png", "a green apple")),
        "--image apple.png",
    ),
    Row(
        "mask", "A part of a picture", ("picture",),
        "Only the white half is drawn; the other is kept to the byte.",
        (APPLE, 'mezzotint edit apple.png "a green apple" --mask mask-half.png --feather 1.5 --seed 4 --out half.png'),
        (("apple.png", "apple.png"), ("mask-half.png", "mask"), ("half.png", "a green apple")),
        "--image apple.png --mask mask-half.png",
    ),
    Row(
        "soft-mask", "A mask whose greys are strengths", ("picture",),
        "What is brighter may change more. As with a strength, the colour only gives way where it is nearly white.",
        (APPLE, 'mezzotint edit apple.png "a green apple" --mask mask-fading.png --soft-mask --seed 4 --out soft.png'),
        (("apple.png", "apple.png"), ("mask-fading.png", "mask"), ("soft.png", "a green apple")),
        "--image apple.png --mask mask-fading.png",
    ),
    Row(
        "expansion", "More around a picture", ("picture", "windows", "regions"),
        "The canvas grows to the right, and the new part has a prompt of its own; the apple is kept to the byte.",
        (APPLE, PAIR),
        (("apple.png", "apple.png"), ("pair.png", "a green pear, to the right")),
        "--image apple.png",
    ),
    Row(
        "zoom", "The same from further away", ("picture", "regions"),
        "The picture is shrunk to half its width, and what lies around it now is drawn; here each corner has a prompt. "
        "With one prompt for all, the house model goes on with a thing of its own around the heart, which the old "
        "picture's margin cuts.",
        (HEART,
         'mezzotint edit heart.png "" --zoom 2 --region "0,0,0.25,0.25:a yellow star" '
         '--region "0.75,0,1,0.25:a yellow star" --region "0,0.75,0.25,1:a yellow star" '
         '--region "0.75,0.75,1,1:a yellow star" --seed 3 --out further.png'),
        (("heart.png", "heart.png"), ("further.png", "--zoom 2")),
        "--image heart.png",
    ),
    Row(
        "aspect", "Another shape", ("picture", "windows", "regions"),
        "The apple is kept to the byte, in the middle of the smallest canvas of the shape that it fits into; what is "
        "new has prompts of its own, to the left and to the right.",
        (APPLE,
         'mezzotint edit apple.png "" --aspect 3:1 --region "0,0,0.333,1:a green pear" '
         '--region "0.667,0,1,1:a yellow lemon" --seed 3 --out fruits.png'),
        (("apple.png", "apple.png"), ("fruits.png", "--aspect 3:1")),
        "--image apple.png",
    ),
    Row(
        "crop", "A part at the model's full size", ("crop",),
        "Of a picture that is larger than what the model draws, the part around the mask is drawn at the model's size, "
        "and put back; the rest is kept to the byte.",
        (APPLE, PAIR,
         'mezzotint edit pair.png "a yellow lemon" --mask mask-right-one.png --crop-to-mask --crop-padding 0 '
         "--seed 1 --out crop.png"),
        (("pair.png", "pair.png"), ("mask-right-one.png", "mask"), ("crop.png", "a yellow lemon")),
        "--image pair.png --mask mask-right-one.png",
    ),
    Row(
        "fix-detail", "Parts that are not as the prompt says", ("crop",),
        "A detector says that the car is blue, not red; only it is redrawn, and the star is kept to the byte. With the "
        "seeds 2 to 7 and one try each, four of six cars came out red.",
        ('mezzotint imagine "" --size 128x64 --window-stride 32 --region "0,0,0.5,1:a yellow star" '
         '--region "0.5,0,1,1:a blue car" --seed 2 --out two.png',
         'mezzotint edit two.png "a yellow star and a red car" --fix-detail --seed 5 --out fixed.png'),
        (("two.png", "two.png"), ("fixed.png", "a yellow star and a red car")),
        "--image two.png",
    ),
    Row(
        "inversion", "From the noise that a picture came from", ("invert",),
        "Less of the picture stays than in the first row, more of it is the prompt's: a narrower apple, whose leaf has "
        "a stalk.",
        (APPLE,
         'mezzotint edit apple.png "a green apple" --invert --source-prompt "a red apple" --seed 7 --out inverted.png'),
        (("apple.png", "apple.png"), ("inverted.png", "a green apple")),
        "--image apple.png",
    ),
    Row(
        "layout-kept", "Another prompt in the same layout", ("keep_layout",),
        "Of a picture drawn here only its recipe is needed: both are drawn together, and attend alike. The outline is "
        "the same; the leaf is lost.",
        (APPLE, 'mezzotint edit apple.png "a green apple" --keep-layout 0.6 --out alike-laid-out.png'),
        (("apple.png", "apple.png"), ("alike-laid-out.png", "a green apple")),
    ),
    Row(
        "variation", "Variations", ("vary",),
        "Noise between the picture's own and another seed's. So plain a thing hardly changes: `subtle` moves its edges "
        "by a pixel, and `strong` gives it two bumps to stand on.",
        (APPLE, "mezzotint vary apple.png --n 1 --out subtle.png",
         "mezzotint vary apple.png --strength strong --n 1 --out strong.png"),
        (("apple.png", "apple.png"), ("subtle.png", "subtle"), ("strong.png", "strong")),
    ),
    Row(
        "blend", "A blend of pictures", ("invert",),
        "The noise of both is mixed on the sphere, and drawn as what both are.",
        (APPLE, LEMON, 'mezzotint blend apple.png lemon.png --prompt "a fruit" --guidance 2 --seed 1 --out fruit.png'),
        (("apple.png", "apple.png"), ("lemon.png", "lemon.png"), ("fruit.png", "a fruit")),
        "--image apple.png --blend-image lemon.png",
    ),
    Row(
        "prompts", "A blend of prompts", (),
        "What the network believes under both prompts is averaged in every step. With things less alike, such as a cat "
        "and an owl, it is neither.",
        ('mezzotint imagine "a red apple" --blend "a yellow lemon" --seed 4 --out both.png',),
        (("both.png", "an apple and a lemon"),),
    ),
    Row(
        "style", "After the style of a picture", ("style_ref",),
        "The thing is the prompt's, and some of the reference's purple comes along, on the beam and the ground; the "
        "roof stays red. At weights of much more than 1 it falls to pieces.",
        (HEART, 'mezzotint imagine "a house" --style-ref heart.png --style-weight 0.7 --seed 11 --out house.png'),
        (("heart.png", "heart.png"), ("house.png", "a house")),
        "--style-ref heart.png",
    ),
    Row(
        "image", "After what a picture shows", ("image_ref",),
        "The prompt's thing in the reference's smooth round; the colour stays the prompt's. Above 0.5 little of the "
        "prompt is left.",
        (APPLE, 'mezzotint imagine "a pumpkin" --image-ref apple.png --image-weight 0.3 --seed 11 --out alike.png'),
        (("apple.png", "apple.png"), ("alike.png", "a pumpkin")),
        "--image-ref apple.png",
    ),
    Row(
        "structure", "With the edges of a picture", ("structure",),
        "The outline of the apple with what a pumpkin is to the model: a dark orange, and green specks for a face.",
        (APPLE, 'mezzotint imagine "a pumpkin" --structure-ref apple.png --seed 2 --out pumpkin.png'),
        (("apple.png", "apple.png"), ("pumpkin.png", "a pumpkin")),
        "--structure-ref apple.png",
    ),
    Row(
        "layout", "With the colours of a picture at their places", ("structure",),
        "The mean colour of each square of 8 pixels is kept, but where the prompt resists: a car that is red below, as "
        "the apple is, with blue and purple above.",
        (APPLE, 'mezzotint imagine "a blue car" --structure-ref apple.png --structure layout --seed 11 --out car.png'),
        (("apple.png", "apple.png"), ("car.png", "a blue car")),
        "--structure-ref apple.png",
    ),
    Row(
        "regions", "Parts with prompts of their own", ("regions",),
        "Simple things sit where their boxes are. A cat and a dog come out as animals, and hardly as these.",
        ('mezzotint imagine "" --region "0,0,0.5,0.5:a red heart" --region "0.5,0.5,1,1:a yellow star" --seed 2 '
         "--out parts.png",),
        (("parts.png", "a heart, a star"),),
    ),
    Row(
        "region-masks", "Parts of any shape", ("regions",),
        "A mask says where its prompt counts: one car, red above the diagonal. A cat and a dog become one animal.",
        ('mezzotint imagine "a blue car" --region "mask-diagonal.png:a red car" --seed 1 --out two-colours.png',),
        (("mask-diagonal.png", "mask"), ("two-colours.png", "a blue car, a red car")),
        "--region-mask mask-diagonal.png",
    ),
    Row(
        "windows", "A larger picture", ("windows",),
        "Three widths of what the model draws at once, in windows that overlap and agree; the ground "
        "still changes from one to the next.",
        ('mezzotint imagine "a mountain landscape" --size 192x64 --seed 4 --out wide.png',),
        (("wide.png", "a mountain landscape, 192 x 64"),),
    ),
    Row(
        "hires", "A larger picture of one thing", ("windows",),
        "Drawn at the model's size first, then enlarged and drawn on; on the left what the size alone gives.",
        ('mezzotint imagine "a red apple" --size 128 --upscaler none --seed 7 --out large.png',
         'mezzotint imagine "a red apple" --size 128 --hires --seed 7 --out hires.png'),
        (("large.png", "--size 128 --upscaler none"), ("hires.png", "--size 128 --hires")),
    ),
    Row(
        "tile", "A picture that goes on over its edges", ("windows",),
        "Four of them side by side show no seam.",
        ('mezzotint imagine "green leaves" --tile both --seed 4 --out leaves.png',),
        (("2 x leaves.png", "four of it"), ("leaves.png", "green leaves")),
    ),
    Row(
        "upscale", "Four times as wide", (),
        "On the left every pixel of the small picture, on the right what is drawn of it. Edges are sharp; on the two "
        "round tops some corners are left of its steps.",
        (HEART, "mezzotint upscale heart.png --out enlarged.png"),
        (("heart.png", "heart.png, pixel by pixel"), ("enlarged.png", "enlarged.png")),
        "--image heart.png",
        large=True,
    ),
)  # fmt: skip
"""The rows, in the order of the page."""
_REASONS = (
    ("n seed steps guidance guidance-interval guidance-method distilled-guidance solver eta grid stop",
     "says how is drawn, for a picture from nothing as for an edit"),
    ("negative also style style-start chaos lora weak-model model",
     "is of prompts and models, and draws from nothing too"),
    ("out format watch strict svg-colours batching device dtype threads compile keep-inputs help-all",
     "changes what is written or computed, not what is drawn"),
    ("invert-mask", "is --mask, with black and white turned round"),
    ("detail detail-strength tries", "is --fix-detail, with the parts or tries named"),
    ("vary vary-seed", "is the command vary, whose row it is"),
    ("weights prompt", "is of the command blend: equal ones are in its row"),
    ("structure-weight", "is 1 in the rows of --structure-ref"),
    ("image blend-image region-mask", "gives vary a picture that an edit was made from"),
    ("factor", "is 4 in the row of upscale"),
)  # fmt: skip
UNSHOWN = {name: why for names, why in _REASONS for name in names.split()}
"""Why an option of the commands that edit has no row: by its name without the dashes."""


def gallery() -> str:
    """The rows that were drawn, as the page shows them."""
    found = json.loads(FOUND.read_text("utf-8")) if FOUND.is_file() else {}
    rows = [row for row in ROWS if row.name in found]
    if not rows:
        return "There are no pictures yet."
    same = sum(found[row.name]["reproduced"] == "identical" for row in rows)
    weights = {found[row.name]["weights_sha256"][:16] for row in rows}
    end = (
        f"Drawn with the weights `{'`, `'.join(sorted(weights))}`. `mezzotint reproduce` drew all {len(rows)} again "
        f"from their recipes: {same} of {len(rows)} are identical, every pixel of them (`docs/gallery.json`)."
    )
    return "\n\n".join([*(part for row in rows for part in _page(row)), end])


def _page(row: Row) -> Iterator[str]:
    yield f"**{row.title}.** {row.text}"
    yield "```console\n" + "\n".join(f"$ {command}" for command in row.commands) + "\n```"
    yield f"![{row.title}](images/gallery/{row.name}.png)"
