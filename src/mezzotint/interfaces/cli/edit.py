"""`mezzotint edit`: draw on a picture."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.conditioning.prompt import lifted
from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.brief import Brief
from mezzotint.interfaces.cli.drawing import drawing_options
from mezzotint.interfaces.cli.formats import Formats, written_options
from mezzotint.interfaces.cli.kept_layout import draw_alike, is_of_a_recipe
from mezzotint.interfaces.cli.on_a_picture import picture_options
from mezzotint.interfaces.cli.options import (
    REAL,
    WHOLE,
    aside,
    compile_option,
    keep_inputs_option,
    set_threads,
    upscaler_option,
    wait_quietly,
)
from mezzotint.interfaces.cli.references import reference_options
from mezzotint.interfaces.cli.session import Previews, Session, counted_previews, draw, refuse_ignored
from mezzotint.interfaces.drawn_on import drawn_on
from mezzotint.interfaces.fixing import Fixing, fixing_of
from mezzotint.interfaces.keeping import check_keeping, keeping
from mezzotint.interfaces.pictures import Destination, check_apart
from mezzotint.interfaces.references import NAMES, References
from mezzotint.interfaces.sheet_actions import check_one
from mezzotint.interfaces.sources import Sources, named, read_sources, without_effect
from mezzotint.request import Request, random_seed

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.pipeline import Pipeline


@click.command(
    cls=Brief,
    short_help="Draw on a picture: all over, or where a mask says.",
    usual={
        "What is drawn anew": ("--strength", "--mask", "--feather", "--crop-to-mask", "--expand", "--zoom"),
        "What is kept in other ways": ("--invert", "--keep-layout", "--fix-detail"),
        "How it is drawn, and whereto": ("--n", "--seed", "--guidance", "--steps", "--model", "--out"),
    },
)
@click.argument("image", type=click.Path(path_type=Path))
@click.argument("prompt", default="")
@picture_options
@click.option(
    "--source-prompt",
    default="",
    metavar="TEXT",
    help="With --invert or --keep-layout: what the picture shows now; may be left out.",
)
@click.option(
    "--keep-layout",
    type=REAL,
    metavar="SHARE",
    help="Keep the layout of what --source-prompt draws for this share of the steps; of a picture drawn here without "
    "it, of its recipe.",
)
@click.option(
    "--fix-detail",
    is_flag=True,
    help="Look at the picture, and redraw at the model's size what is not as PROMPT says, or what the mask names; keep "
    "what is better.",
)
@click.option(
    "--tries", type=WHOLE, metavar="N", help="With --fix-detail: how often at most a part is redrawn; 4 if not given."
)
@drawing_options
@compile_option
@reference_options
@upscaler_option
@keep_inputs_option
@click.option("--watch", is_flag=True, help="Also write the denoising: a contact sheet and an animation.")
@click.option("--strict", is_flag=True, help="Refuse a prompt or option of which a part would be ignored.")
@written_options
def edit(
    image: Path,
    prompt: str,
    mask: Path | str | None,
    fix_detail: bool,
    tries: Any,
    model: str,
    out: str | None,
    threads: Any,
    compiled: bool,
    upscaler: str | None,
    keep_inputs: bool,
    watch: bool,
    strict: bool,
    form: Formats,
    svg_colours: Any,
    **options: Any,
) -> None:
    """Draw PROMPT on IMAGE, a PNG, JPEG or WebP file, and say where the new picture is.

    A picture of another size is fitted into the model's square, and what is drawn enlarged again where an upscaler is
    installed; what a mask covers of a large picture, or a part, is drawn by itself and put back. The recipe holds
    the digests of picture and mask: `mezzotint reproduce FILE --image IMAGE --mask MASK` draws it again.

    \b
    mezzotint edit apple.png "a green apple" --strength 0.9
    mezzotint edit apple.png "an apple with a worm" --mask hole.png --feather 2
    mezzotint edit photo.jpg "an apple" --mask there.png --crop-to-mask
    mezzotint edit apple.png "a green apple" --invert --source-prompt "a red apple"
    mezzotint edit apple.png "a green apple" --keep-layout 0.6
    mezzotint edit both.png "a red apple and a blue cup" --fix-detail
    mezzotint edit apple.png "apples" --expand left=32,right=32
    """
    if is_of_a_recipe(context := click.get_current_context()):
        to = Destination.of(out, 1, form.written(svg_colours))
        draw_alike(image, prompt, context, to, threads=threads, watch=watch, strict=strict, form=form.printed)
        return
    asked = _asked(image, mask, prompt, options)
    if fix_detail:
        asked = asked.with_fixing(tries)
    elif tries is not None:
        raise InvalidOption(f"tries is {tries}, but nothing is looked at; give --fix-detail too.")
    asked = _anew(asked)
    # what can be refused is refused before the model is loaded; the digests are those of the fitted pictures in the end
    request = asked.request(named(asked.sources))
    to = Destination.of(out, request.n, form.written(svg_colours))
    check_keeping(keep_inputs, to)
    check_apart(to, asked.files)
    wait_quietly()
    set_threads(threads)
    from mezzotint.pipeline import Pipeline

    pipe = Pipeline.load(model, device=request.device, dtype=request.dtype, compiled=compiled, said=aside)
    request, pictures = asked.fitted(pipe, upscaler)
    to, _ = keeping(keep_inputs, to, [pictures])
    previews, steps = asked.previews(pipe, request, pictures, strict, form.printed)
    draw(Session(pipe, to, watch, unused=asked.unused), previews, steps, request.n, form.printed)


@dataclass(frozen=True)
class _Asked:
    """What is asked for: the options of a request, and what was read from the files among them.

    files: these; unused: what there is to say of a mask that covers all of the picture; fixing: how parts are redrawn.
    """

    prompt: str
    options: dict[str, Any]
    sources: Sources
    references: References
    files: tuple[Path, ...]
    unused: tuple[str, ...] = ()
    fixing: Fixing | None = None

    def request(self, pictures: Mapping[str, "Image"]) -> Request:
        """The request for pictures by the names of their options."""
        from mezzotint.tasks import with_digests

        return Request.from_json_dict(with_digests(self.prompt, self.options, pictures))

    def with_fixing(self, tries: Any) -> "_Asked":
        """The same where parts are redrawn, which a mask only names. Raises InvalidOption."""
        fixing = fixing_of(self.options["prompt"], self.options, self.sources[1], tries)
        return replace(self, sources=(self.sources[0], None), options=fixing.options, fixing=fixing, unused=())

    def fitted(self, pipe: "Pipeline", upscaler: str | None) -> tuple[Request, dict[str, Any]]:
        """The request, as large as it is drawn and in the end, for the pictures as a pipeline draws on them; these."""
        request = self.request(named(self.sources))
        return drawn_on(pipe, request, self.sources, self.references, upscaler, aside)

    def previews(
        self, pipe: "Pipeline", request: Request, pictures: Mapping[str, Any], strict: bool, form: str
    ) -> tuple[Previews, int]:
        """From what hears of every step to the previews, and how many steps they have."""
        resolved, fixing = pipe.resolve(request), self.fixing
        if strict:
            refuse_ignored(pipe, resolved if fixing is None else fixing.redrawing(resolved), self.unused)
        if fixing is not None:
            return fixing.previews(pipe, request, pictures, form), fixing.steps(pipe, resolved)
        return partial(counted_previews, pipe.stream(request, **pictures)), request.n * pipe.count(resolved)


def _asked(image: Path, mask: Path | str | None, prompt: str, options: Mapping[str, Any]) -> _Asked:
    """What a call asks for, with a seed. Raises InvalidOption and InvalidFile."""
    found = lifted(prompt, options)
    if found["seed"] is None:
        found["seed"] = random_seed()
    sources, refs = read_sources(image, mask), References()
    check_one(image)
    given = (image, mask, *(found.get(name) for name in NAMES))
    files = tuple(Path(file) for file in given if isinstance(file, Path | str) and file != "alpha")
    unused = without_effect(sources[1], bool(found["invert_mask"]))
    return _Asked(prompt, refs.digests(found), sources, refs, files, unused)


def _anew(asked: _Asked) -> _Asked:
    """What is asked for where a mask covers all of the picture: drawing it anew, which is what it is at strength 1
    without a mask; so it has the drawing style that a new picture would have. Other edits with such a mask stay."""
    options = asked.options
    others = ("soft_mask", "crop_to_mask", "expand", "zoom", "aspect")
    if not asked.unused or options["strength"] not in (None, 1) or any(options[name] for name in others):
        return asked
    changed = {**options, "strength": 1.0, "feather": 0.0, "invert_mask": False}
    return replace(asked, sources=(asked.sources[0], None), options=changed)
