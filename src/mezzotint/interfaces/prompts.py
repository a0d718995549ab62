"""From what is asked in words to requests: files of prompts, braces, wildcards; which pictures are there already."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from mezzotint.conditioning.prompt import expanded_prompts, lifted, wildcards, with_wildcards
from mezzotint.conditioning.prompt.expand import MOST
from mezzotint.errors import InvalidFile, InvalidOption, unknown_name
from mezzotint.request import Request

if TYPE_CHECKING:
    from mezzotint.interfaces.pictures import Destination
    from mezzotint.pipeline import Pipeline

__all__ = ["Asked", "Wildcards", "at", "prompts_of", "requests_of", "resumed"]

T = TypeVar("T")
Read = Callable[[Mapping[str, Any]], dict[str, Any]]
"""From options to the same with digests in the place of files."""
MAX_BYTES = 10_000_000
"""Of a file of prompts, or of a wildcard."""


class Asked(NamedTuple):
    """A prompt, and where it is from: a file and its line, or nothing."""

    text: str
    place: str = ""


def prompts_of(prompt: str | None, file: Path | None) -> tuple[Asked, ...]:
    """The prompts of a call: the one that is given, or those of a file. Raises InvalidOption for both."""
    if file is None:
        return () if prompt is None else (Asked(prompt),)
    if prompt is not None:
        raise InvalidOption(f"prompts is {file}, and there is a PROMPT too; give one of them.")
    return tuple(Asked(line, f"{file}, line {number}") for number, line in lines_of(file, "prompt").items())


def lines_of(path: Path, what: str) -> dict[int, str]:
    """The lines of a text file, by their numbers; empty ones, and those that begin with #, are left out. Raises
    InvalidFile."""
    kind = f"give a text file with one {what} a line"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidFile(f"{path} has more than {MAX_BYTES} bytes; {kind}.")
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidFile(f"{path} cannot be read ({why}); {kind}.") from None
    kept = {number: line for number, line in enumerate(lines, 1) if line and not line.startswith("#")}
    if not kept:
        raise InvalidFile(f"{path} has no {what}; {kind}.")
    return kept


@dataclass(frozen=True)
class Wildcards:
    """A folder of wildcards, or none: `__name__` stands for a line of its file name.txt. Raises InvalidFile for a
    folder that is not there."""

    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.folder is not None and not self.folder.is_dir():
            raise InvalidFile(f"{self.folder} is no folder; give the one with the files of wildcards with --wildcards.")

    def ignored(self, prompts: Sequence[str]) -> tuple[str, ...]:
        """What has no effect: the folder, if no prompt has a wildcard."""
        used = self.folder is None or any(wildcards(prompt) for prompt in prompts)
        return () if used else (f"wildcards {self.folder}: no prompt has one",)

    def picked(self, text: str, seed: int) -> str:
        """The text with a line for every wildcard: which one, the seed and the wildcard's place decide.

        Raises InvalidOption for a wildcard that is not there, and InvalidFile for one that cannot be read.
        """
        import torch

        from mezzotint.diffusion.noise import Purpose, philox_uniform

        shares = philox_uniform(seed, torch.arange(len(wildcards(text))), Purpose.PROMPT).tolist()

        def pick(name: str, place: int) -> str:
            lines = self._lines(name)
            chosen = lines[int(shares[place] * len(lines))]
            if len(expanded_prompts(chosen)) > 1:
                raise InvalidOption(f"The line {chosen!r} of the wildcard {name} has braces; give each choice a line.")
            return chosen

        return with_wildcards(text, pick)

    def _lines(self, name: str) -> tuple[str, ...]:
        if self.folder is None:
            raise InvalidOption(
                f"The prompt has the wildcard __{name}__; give the folder of {name}.txt with --wildcards, or write "
                r"\_\_ for the marks themselves."
            )
        path = self.folder / f"{name}.txt"
        if not path.is_file():
            names = [file.relative_to(self.folder).with_suffix("").as_posix() for file in self.folder.rglob("*.txt")]
            raise unknown_name("wildcard", name, names)
        return tuple(lines_of(path, "choice").values())


def requests_of(
    prompts: Sequence[Asked], options: Mapping[str, Any], cards: Wildcards, seed: Callable[[], int], read: Read
) -> tuple[tuple[Request, ...], tuple[str, ...]]:
    """The requests of prompts with the same options, and the place of each: one for each choice of braces, and where
    there are wildcards one for each picture. seed: for prompts that state none; read: reads the files that they name.
    Raises InvalidOption and InvalidFile."""

    def of(prompt: str) -> list[Request]:
        texts = expanded_prompts(prompt)
        return [request for text in texts for request in _requests(read(lifted(text, options)), cards, seed, read)]

    found = [(request, place) for prompt, place in prompts for request in at(place, of, prompt)]
    return tuple(request for request, _ in found), tuple(place for _, place in found)


def at(place: str, work: Callable[..., T], *given: Any) -> T:
    """`work(*given)`, whose InvalidOption or InvalidFile says the place of the prompt too, if it has one."""
    try:
        return work(*given)
    except (InvalidOption, InvalidFile) as error:
        if not place:
            raise
        raise type(error)(f"{place}: {error}") from None


def _requests(options: dict[str, Any], cards: Wildcards, seed: Callable[[], int], read: Read) -> Iterator[Request]:
    if options.get("seed") is None:
        options["seed"] = seed()
    prompt = options["prompt"]
    if not wildcards(prompt):
        yield Request.from_json_dict(options)
        return
    whole = Request.from_json_dict({**options, "prompt": ""})
    if whole.n > MOST:
        raise InvalidOption(f"n is {whole.n}; of a prompt with wildcards it must be at most {MOST}.")
    for number in range(whole.n):
        one = whole.picture(number)
        own = {**options, "n": 1, "seed": one.seed} | ({"vary": one.vary} if one.vary else {})
        # what was picked may name LoRAs and options
        yield Request.from_json_dict(read(lifted(cards.picked(prompt, own["seed"]), own)))


def resumed(
    pipe: "Pipeline", requests: Sequence[Request], to: "Destination", tries: int | None = None
) -> tuple[tuple[Request, ...], tuple[Path, ...]]:
    """What is still to be drawn of some requests, and the files of the pictures that are there.

    A picture is there if a file of the destination has the recipe that this model would write into it, with these very
    weights, LoRAs and text encoder. tries: of
    pictures that are looked at, how many seeds one may have; those of a request are there together, or not at all.
    """
    from mezzotint.checkpoints.model_folder import read_model_folder
    from mezzotint.evaluation.choosing import seed_of_try
    from mezzotint.load import find_model
    from mezzotint.upscaled import INSTALLED

    there = _recipes(to, looked_at=tries is not None)
    other = cache(lambda name: read_model_folder(find_model(name), find_model).weights_sha256)
    left: list[Request] = []
    found: list[Path] = []
    for request in requests:
        adapted = pipe.adapted(request)
        named = adapted.named(adapted.resolve(request))
        made_with = _Digests(
            pipe.model.weights_sha256,
            pipe.model.text_encoder_sha256,
            None if named.weak_model is None else other(request.weak_model),
            None if named.upscaler is None else other(request.upscaler or INSTALLED),
            tuple(digest for _, digest in adapted.model.loras),
        )
        files = []
        for number in range(request.n):
            seeds = (seed_of_try(named, number, attempt) for attempt in range(tries or 1))
            known = (there.get((replace(named, n=1).with_seed(seed), made_with)) for seed in seeds)
            files.append(next((file for file in known if file is not None), None))
        if all(file is None for file in files) or (tries is not None and None in files):
            left.append(request)
            continue
        found += [file for file in files if file is not None]
        left += [request.picture(number) for number, file in enumerate(files) if file is None]
    return tuple(left), tuple(found)


class _Digests(NamedTuple):
    """What a picture was made with besides its request, as its recipe states it."""

    weights: str
    text_encoder: str | None
    weak_weights: str | None
    upscaler_weights: str | None
    loras: tuple[str, ...]


def _recipes(to: "Destination", looked_at: bool) -> dict[tuple[Request, _Digests], Path]:
    """The pictures that are at the destination, by what was asked for and what they were made with."""
    from mezzotint.provenance.read import read_metadata

    found: dict[tuple[Request, _Digests], Path] = {}
    for path in sorted(to.folder.glob(f"*{to.suffix}")) if to.file is None else [to.file]:
        try:
            recipe = read_metadata(path).recipe
        except InvalidFile:
            continue
        if recipe is not None and looked_at == (recipe.check is not None):
            made_with = _Digests(
                recipe.weights_sha256,
                recipe.text_encoder_sha256,
                recipe.weak_weights_sha256,
                recipe.upscaler_weights_sha256,
                recipe.lora_sha256,
            )
            found.setdefault((recipe.request, made_with), path)
    return found
