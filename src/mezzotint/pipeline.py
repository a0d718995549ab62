"""The pipeline: every model, task, solver and guidance runs through `stream`."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Self

import torch

from mezzotint.choices import check_network, fitted_for, grid_name, grid_of, shortfalls, solver_of, unsuited
from mezzotint.codecs.images import to_image
from mezzotint.conditioning.prompt import Reading
from mezzotint.diffusion.combinations import Combination, check_combination, target_of
from mezzotint.diffusion.denoiser import Bound, Denoiser
from mezzotint.diffusion.noise import NOISE_VERSION, PhiloxNoise
from mezzotint.diffusion.sampling import Step, charged, listeners, sample
from mezzotint.diffusion.solvers import Solver
from mezzotint.diffusion.timegrid import Denoise, TimeGrid, first_part, last_part
from mezzotint.editing import Canvas, Edit, Plain, nearest_seed
from mezzotint.editing.upscale import sized
from mezzotint.errors import InvalidOption
from mezzotint.guiding import (
    Guidance,
    Pair,
    further_prompt,
    guidance_of,
    independent_prompt,
    resolve_guidance,
    unread,
)
from mezzotint.idle import forgotten, unused
from mezzotint.model import Model, check_weak, with_learned_guidance
from mezzotint.passes import passes, read_by_parts, several, with_pass_strengths
from mezzotint.preview import Preview
from mezzotint.prompting import Script, make_request, script_of, unheard
from mezzotint.provenance.environment import describe_environment
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.recipe import Recipe, Result
from mezzotint.request import Request
from mezzotint.tasks import (
    Given,
    blended,
    edit_of,
    further_prompts,
    softened,
    taken,
    with_digests,
    with_strength,
)
from mezzotint.upscaled import INSTALLED, Enlarger, Upscaler, drawn_small, set_apart, steps_of, to_upscale, upscaled
from mezzotint.usual import plain_style, styled_from, usual, with_style_start

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["FAST_BATCH", "Pipeline", "Preview"]

FAST_BATCH = 8
"""Pictures that share a network call with `batching` "fast"."""


_Read = dict[int, dict[str, Any]]
"""The branches' conditionings of one request, by how many pictures share a call: all its pictures read the same."""


class Pipeline:
    """Draws. Immutable: one loaded pipeline serves many requests, also at once.

    pipe = Pipeline.load("house")
    pipe.generate("a red apple", seed=7).images[0]
    """

    def __init__(
        self,
        model: Model,
        load: Callable[[str], Model] | None = None,
        adapt: Callable[[Sequence[str]], Model] | None = None,
    ) -> None:
        """`load` reads another model, by name or folder, onto this one's device: a weak one, or one that enlarges.
        `adapt` gives this model with LoRAs in its network, by names or files."""
        self.model = model
        self._load = None if load is None else lru_cache(maxsize=3)(load)  # models do not change
        self._adapt = adapt

    @classmethod
    def load(
        cls,
        model: str = "house",
        *,
        device: str = "auto",
        dtype: str = "auto",
        compiled: bool = False,
        said: Callable[[str], None] = lambda sentence: None,
    ) -> Self:
        """A pipeline from a name or a model's folder. Raises `InvalidOption`, `InvalidCheckpoint`.

        compiled: the network's blocks are compiled, for a CPU (`mezzotint.compiled`); `said` hears a sentence before
        each wait for that. The recipe says so, since the last bits of a picture may differ.
        """
        from mezzotint.load import adapting, beside, load_model  # composes pipelines, so it cannot be imported above

        loaded = load_model(model, device=device, dtype=dtype, compiled=compiled, said=said)
        return cls(loaded, beside(loaded, compiled, said), adapting(loaded))

    def generate(self, prompt: str | Request, **options: Any) -> Result:
        """Draw to the end. `options` are the fields of `Request`; unknown ones are refused with the nearest names.

        image: a picture to edit, of the size that is drawn; mask: bright where it is to be drawn anew, of the same
        size, or "alpha": where the picture is clear. Those that a request names by their digests (`tasks.PICTURES`) are
        given as Pillow images.
        """
        steps = self.stream(prompt, **options)
        done = {}
        for step in steps:
            if step.image is not None and step.recipe is not None:
                done[step.picture] = step.image, step.recipe
            del step  # a preview holds what was believed, several times as large as the picture
        found = [done[number] for number in sorted(done)]
        return Result([image for image, _ in found], [recipe for _, recipe in found])

    def stream(self, prompt: str | Request, **options: Any) -> Iterator[Preview]:
        """Draw step by step. All options are checked before this returns; the work happens between two `next`."""
        pictures, options = taken(options)
        request = softened(make_request(prompt, with_digests(prompt, options, pictures)), pictures)
        pipe = self.adapted(request)
        resolved = pipe.resolve(request)
        whole = pipe.time_grid(replace(resolved, strength=None, stop=None))
        small, model, by = drawn_small(resolved), pipe.model, pipe._enlarger(resolved)
        drawn_on, stays = set_apart(resolved, pictures)
        given = Given(small, drawn_on, model.codec, model.size, whole, enlarges=model.enlarges)
        if by is not None and resolved.upscale_to is None:  # parts, where they are put back
            given = replace(given, enlarge=by)
        if several(small):
            first = passes(small, given.native, drawn_on)[0]
            edit_of(
                replace(given, request=first.request, pictures=first.begin(None))
            )  # what is refused is refused here
            drawn = pipe._in_passes(given)
        else:
            drawn = pipe._stream(small, edit_of(given))
        return drawn if by is None else upscaled(drawn, by, resolved, stays)

    def upscaled(self, previews: Iterator[Preview], request: Request) -> Iterator[Preview]:
        """The steps of pictures, and of enlarging them as a resolved request says, if it does."""
        by = self._enlarger(request)
        return previews if by is None else upscaled(previews, by, request)

    def adapted(self, request: Request) -> Self:
        """The pipeline whose network has the LoRAs of a request, in its order; it shares every weight with this one.

        Raises InvalidOption and InvalidCheckpoint for LoRAs that are not there or belong to another model.
        """
        names = [name for name, _ in request.lora]
        if names == [name for name, _ in self.model.loras]:
            return self
        if self._adapt is None:
            raise InvalidOption(f"The model {self.model.name} cannot be drawn with together with these LoRAs.")
        other = copy(self)
        other.model = self._adapt(names)
        return other

    def resolve(self, request: Request) -> Request:
        """The request with nothing left open. Raises `InvalidOption` for what this model cannot do."""
        asked, model, defaults = request, self.model, self.model.defaults
        request = with_learned_guidance(model, resolve_guidance(request, defaults))
        request = sized(request, model.name, model.size, model.codec, model.enlarges)
        theirs, names = usual(request, model), ("style", "steps", "solver", "grid")
        chosen = {n: getattr(theirs, n) for n in names if getattr(request, n) is None}
        leaf = self.model.denoiser
        resolved = replace(
            request,
            **chosen,
            model=self.model.name,
            device=str(leaf.device),
            dtype=str(leaf.dtype).removeprefix("torch."),
        )
        resolved = with_style_start(plain_style(resolved, model), asked, theirs)
        resolved = with_pass_strengths(with_strength(resolved))
        self.model.conditioner.style_index(resolved.style)
        resolved = replace(resolved, solver=solver_of(resolved)[0])
        if fitted := fitted_for(resolved, model.grids, model.name, asked, defaults):
            resolved = replace(resolved, solver=fitted.solver, grid=fitted.times)
        resolved = replace(resolved, grid=grid_name(resolved, leaf.network))
        check_network(resolved, model.name, model.size, leaf.network)
        for one in self.drawings(resolved):
            if moves := self.time_grid(one):  # none where nothing is redrawn
                combination = Combination(self.solver(one), moves, leaf.schedule, target_of(leaf))
                check_combination(combination)
                if combination.asks_pure_noise:
                    self._guidance(one).check_pure_noise()
            self._guided(one)
            tuple(self.script(one).pieces(self.model.conditioner))
        by = self._enlarger(resolved)
        return resolved if by is None else to_upscale(resolved, by.up.model)

    def drawings(self, request: Request) -> tuple[Request, ...]:
        """What a resolved request is drawn as: itself, or one request for each of its passes."""
        return tuple(one.request for one in passes(request, self.model.size)) if several(request) else (request,)

    def count(self, request: Request) -> int:
        """How many steps a picture of a resolved request has, those of all passes."""
        by = self._enlarger(request)
        own = sum(max(1, len(self.time_grid(one))) for one in self.drawings(request))
        return own if by is None else own + steps_of(request, by.up.model)

    def ignored(self, request: Request) -> tuple[str, ...]:
        """What of a resolved request has no effect: word pieces that the vocabulary lacks, texts that no step reads,
        prompts that no branch reads, flags without a meaning, guidance methods that change nothing, a weak model that
        is not asked, a LoRA of strength 0, a solver's order for which the steps are too few, a solver for other
        networks."""
        guidance, script = self._guidance(request), self.script(request)
        said = dict.fromkeys((*script.pieces(self.model.conditioner), *unheard(script, request.prompt)))
        weak = self._weak(request)
        spare = [] if weak is None or guidance.needs_weak else [f"weak_model: {weak.name}"]
        spare += [f"lora: {name}" for name, strength in request.lora if strength == 0]
        spec, solver = solver_of(request)
        spare += (*unsuited(spec, solver, self.model.denoiser.network), *unused(request, read_by_parts(request)))
        whole = self.time_grid(replace(request, strength=None, stop=None))
        schedule = self.model.denoiser.schedule
        for one in self.drawings(request):
            spare += shortfalls(one, self.time_grid(one), schedule, partial(guidance.still, schedule))
            spare += forgotten(one, len(self.time_grid(replace(one, stop=None))), len(whole))
            said |= dict.fromkeys(self.script(one).pieces(self.model.conditioner))
        return tuple(dict.fromkeys((*said, *unread(request, guidance), *self._guided(request)[1], *spare)))

    def named(self, request: Request) -> Request:
        """A resolved request as recipes have it: LoRAs and the upscaler by name, and the weak model, if it is asked at
        all."""
        weak = self._weak(request) if self._guidance(request).needs_weak else None
        by = self._enlarger(request)
        pairs = zip(self.model.loras, request.lora, strict=True)
        lora = tuple((name, strength) for (name, _), (_, strength) in pairs)
        upscaler = None if by is None else by.up.model.name
        return replace(request, weak_model=None if weak is None else weak.name, lora=lora, upscaler=upscaler)

    def time_grid(self, request: Request) -> TimeGrid:
        """The moves of a resolved request."""
        whole = grid_of(request, self.model.denoiser.schedule)
        rest = whole if request.strength is None else last_part(whole, request.strength)
        return rest if request.stop is None else first_part(rest, request.stop)

    def solver(self, request: Request) -> Solver[Any]:
        """The solver of a resolved request."""
        return solver_of(request)[1]

    def _stream(self, request: Request, edit: Edit) -> Iterator[Preview]:
        size = 1 if request.batching == "exact" else FAST_BATCH
        read: _Read = {}
        for first in range(0, request.n, size):
            yield from self._group(request, range(first, min(first + size, request.n)), edit, read)

    def _in_passes(self, given: Given) -> Iterator[Preview]:
        """Pictures one by one, each in several passes; the recipe is that of the whole."""
        for number in range(given.request.n):
            asked = given.request.picture(number)
            turns = passes(asked, given.native, given.pictures)
            here: Image | None = None
            spent = 0
            for turn, one in enumerate(turns):
                edit = edit_of(replace(given, request=one.request, pictures=one.begin(here)))
                for step in self._group(one.request, range(1), edit):
                    shown = replace(step, picture=number, turn=turn, image=None, recipe=None)
                    if step.image is not None and step.recipe is not None:
                        here, spent = step.image, spent + step.recipe.evaluations
                        if turn + 1 == len(turns):
                            shown = replace(shown, image=here, recipe=self._recipe(asked, here, spent))
                    yield shown

    def _group(self, request: Request, numbers: range, edit: Edit, read: _Read | None = None) -> Iterator[Preview]:
        """The pictures that share network calls, one step of each in turn; `read` remembers prompts for the next."""
        with torch.inference_mode():
            steps = self._steps(request, numbers, edit, {} if read is None else read)
        evaluations = 0
        while True:
            with torch.inference_mode():  # never across a yield: the mode would leak into the caller
                step = next(steps, None)
            if step is None:
                return
            evaluations += step.evaluations
            yield from self._previews(request, numbers, step, evaluations, edit)
            del step  # as above

    def _steps(self, request: Request, numbers: range, edit: Edit, read: _Read) -> Iterator[Step]:
        """Where sampling starts, what surrounds the denoiser, what it is told: then the one loop."""
        model, count = self.model, len(numbers)
        noise = edit.noise(PhiloxNoise([request.picture(i).seed for i in numbers]))
        grid = self.time_grid(request)
        _, down, across = model.codec.factors  # one frame is one latent frame in every codec
        width, height = request.size or model.size
        shape = (count, model.codec.channels, 1, height // down, width // across)
        if not grid:  # strength 0: the picture as the codec gives it back
            source = edit.start(Canvas(model.denoiser.schedule, model.codec, shape, 0.0), noise)
            assert source is not None, "strength 0 without a picture"
            return iter([Step(0, 1, Denoise(0.0, 0.0), source, None, 0)])
        script = self.script(request)
        branches = read.get(count) or {n: self._condition(request, numbers, script, n) for n in script.prompts}
        if all(None not in line for line in script.lines.values()):  # else each picture reads something at random
            read[count] = branches
        own = {name: told.strong if isinstance(told, Pair) else told for name, told in branches.items()}
        plain = Plain(edit.unguided(script.leaf(model.denoiser)), own)
        solver = self.solver(request)
        canvas = Canvas(model.denoiser.schedule, model.codec, shape, grid[0].t, plain, grid, solver)
        start = edit.start(canvas, noise)
        assert start is not None, "an edit that is not composed"
        told = edit.condition(branches, replace(canvas, x=start), noise)
        denoise = Bound(edit.wrap(self._guided(request)[0]), told)
        drawing = sample(denoise, start, grid, solver, noise, told=listeners(denoise))
        return charged(drawing, plain.evaluations)

    def _guidance(self, request: Request) -> Guidance:
        return guidance_of(request, self.model.defaults)

    def script(self, request: Request) -> Script:
        """What each branch of a resolved request reads, step by step."""
        texts = further_prompts(request).items()
        further = {name: further_prompt(name.partition("-")[0], text) for name, text in texts}
        begin = styled_from(request)
        return script_of(self._guidance(request), self.time_grid(request), further, blended(request), begin)

    def _guided(self, request: Request) -> tuple[Denoiser[Any], tuple[str, ...]]:
        """The guided denoiser, for one group of pictures, and the guidance methods that change nothing."""
        weak, script = self._weak(request), self.script(request)
        theirs = None if weak is None else script.leaf(weak.denoiser)
        return self._guidance(request).wrap(script.leaf(self.model.denoiser), theirs, script.calls)

    def _condition(self, request: Request, numbers: range, script: Script, branch: str) -> Any:
        """A branch's conditioning for some pictures, as the network reads it, or both networks do."""
        model, weak = self.model, self._weak(request)

        def texts(reading: Reading | None) -> list[str | Reading]:
            if reading is not None:
                return [reading] * len(numbers)
            vocabulary = model.conditioner.tokenizer.get_vocab()
            alone = (request.picture(number) for number in numbers)
            return [independent_prompt(nearest_seed(one.seed, one.vary), vocabulary) for one in alone]

        def told(by: Model, *more: Any) -> Any:
            styles = {styled: [request.style if styled else None] * len(numbers) for styled in (False, True)}
            return script.told(branch, lambda reading, styled: by.prepare(texts(reading), styles[styled], *more))

        cond = told(model, [strength for _, strength in request.lora], request.distilled_guidance)
        return cond if weak is None or not self._guidance(request).needs_weak else Pair(cond, told(weak))

    def _weak(self, request: Request) -> Model | None:
        """The weak model that a request names. Raises InvalidOption for one that does not suit this one."""
        if request.weak_model is None:
            return None
        if self._load is None:
            raise InvalidOption(f"The model {self.model.name} cannot be drawn with together with a weak model.")
        weak = self._load(request.weak_model)
        check_weak(self.model, weak)
        return weak

    def _enlarger(self, request: Request) -> Enlarger | None:
        """What enlarges the pictures of a request, or its parts, on the same device."""
        if request.upscaler is None and request.upscale_to is None:
            return None
        if self._load is None:
            raise InvalidOption(f"The model {self.model.name} cannot be drawn with together with an upscaler.")
        up = Pipeline(self._load(request.upscaler or INSTALLED))
        return Enlarger(Upscaler(up.model, lambda asked, image: up.stream(asked, image=image)))

    def _previews(
        self, request: Request, numbers: range, step: Step, evaluations: int, edit: Edit
    ) -> Iterator[Preview]:
        codec = self.model.codec
        with torch.inference_mode():
            pixels = codec.decode(step.x)
            believed = pixels if step.prediction is None else codec.decode(step.prediction.x0)
        last = step.index + 1 == step.total
        for row, number in enumerate(numbers):
            image = edit.finished(to_image(pixels[row])) if last else None
            recipe = self._recipe(request.picture(number), image, evaluations) if image is not None else None
            yield Preview(number, step, pixels[row], believed[row], image, recipe)

    def _recipe(self, request: Request, image: "Image", evaluations: int) -> Recipe:
        empty = self.script(request).empty and not (request.region or request.region_masks)
        empty = empty and self.model.enlarges == 1  # what enlarges reads none
        warnings = ("The prompt is empty: the picture is drawn without one.",) if empty else ()
        warnings = (*self.model.warnings, *warnings)
        weak = self._weak(request) if self._guidance(request).needs_weak else None
        named = self.named(request)
        return Recipe(
            request=named,
            weights_sha256=self.model.weights_sha256,
            text_encoder_sha256=self.model.text_encoder_sha256,
            schedule=self.model.schedule_name,
            codec=self.model.codec.name,
            noise_version=NOISE_VERSION,
            environment=describe_environment(str(self.model.denoiser.device), compiled=self.model.compiled),
            pixels_sha256=pixel_sha256(image),
            evaluations=evaluations,
            ignored=self.ignored(replace(request, lora=named.lora)),
            warnings=warnings,
            weak_weights_sha256=None if weak is None else weak.weights_sha256,
            lora_sha256=tuple(digest for _, digest in self.model.loras),
        )
