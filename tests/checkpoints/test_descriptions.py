"""What a model's folder says of itself, from strangers: each damage is one sentence, and what loads also draws."""

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mezzotint.checkpoints.model_folder import ModelFolder, read_description, read_model_folder
from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.load import compose
from mezzotint.pipeline import Pipeline
from mezzotint.request import Request
from tests.support import model_folder

CPU = torch.device("cpu")
WRONG = (None, -1, 7, "x", [1, "a"])
MORE = (*WRONG, 0, 1, 2**40, 0.5, 1e300, float("nan"), True, [], {}, [None], {"a": 1})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    return read_model_folder(model_folder(tmp_path_factory.mktemp("models") / "m"))


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything inside of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*at, key)
        yield from places(inner, (*at, key))


def mutations(description: Any, wrongs: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """A description with one thing in it changed or left out, and what that is."""
    for at in places(description):
        for wrong in (..., *wrongs):
            changed = copy.deepcopy(description)
            holder = changed
            for key in at[:-1]:
                holder = holder[key]
            if wrong is ...:
                del holder[at[-1]]
            else:
                holder[at[-1]] = wrong
            yield f"{'.'.join(map(str, at))} = {'nothing' if wrong is ... else wrong}", changed


def composed(root: Path, whole: ModelFolder, text: str) -> str | None:
    """What is said of a folder with this description; None if it can be drawn with."""
    (root / "model.json").write_text(text)
    try:
        description = read_description(root)
        encoder = whole.encoder if "text/encoder.safetensors" in description["files"] else {}
        model = compose(replace(whole, description=description, encoder=encoder), CPU, torch.float32)
        Pipeline(model).generate(Request(prompt="a fox", steps=1, size=model.size, style="flat"))
    except (InvalidCheckpoint, InvalidOption) as error:
        return str(error)
    return None


@pytest.mark.parametrize("wrongs", [WRONG, pytest.param(MORE, marks=pytest.mark.slow)], ids=["few", "many"])
def test_any_one_thing_changed_is_a_sentence_or_still_draws(
    tmp_path: Path, whole: ModelFolder, wrongs: tuple[Any, ...]
) -> None:
    failed, said = [], 0
    for what, description in mutations(json.loads((whole.root / "model.json").read_text()), wrongs):
        try:
            sentence = composed(tmp_path, whole, json.dumps(description))
        except Exception as error:  # the sentence is what is tested
            failed.append(f"{what}: {type(error).__name__}: {error}")
            continue
        said += sentence is not None
        if sentence is not None and (len(sentence) - len(str(tmp_path)) > 1500 or "\n" in sentence):
            failed.append(f"{what}: {sentence}")
    assert not failed, "\n".join(failed)
    assert said > 100
    assert composed(tmp_path, whole, (whole.root / "model.json").read_text()) is None


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"format":' * 100_000,
        "[]",
        "7",
        "null",
        '{"format": 1}',
        '{"format": 1, "files": []}',
        "",
        "\x00",
    ],
    ids=["lists", "objects", "a list", "a number", "null", "no files", "files in a list", "nothing", "a NUL"],
)
def test_a_description_that_is_none_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(InvalidCheckpoint, match=r"model\.json"):
        read_model_folder(tmp_path)


def test_a_description_out_of_all_proportion_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(" " * 10_000_001)
    with pytest.raises(InvalidCheckpoint, match="missing or damaged"):
        read_description(tmp_path)


OUTSIDE = (
    "..",
    "../{}",
    "a/../../{}",
    "/{}",
    "{}/..",
    ".",
    "",
    "a//{}",
    "..\\{}",
    "C:{}",
    "C:\\{}",
    "\\\\host\\{}",
    "{}\0",
    "a/./{}",
    "{}\r\n",
)


@settings(max_examples=40)
@given(st.sampled_from(OUTSIDE), st.text(max_size=20))
def test_names_of_files_cannot_leave_the_folder(tmp_path_factory: pytest.TempPathFactory, form: str, rest: str) -> None:
    """What is there and what is not are told the same, before anything is opened."""
    root = tmp_path_factory.getbasetemp() / "named"
    root.mkdir(exist_ok=True)
    (root.parent / "secret").touch()
    said = set()
    for inner in ("secret", "absent", rest):
        name = form.format(inner)
        files = {"network.safetensors": "0" * 64, name: "0" * 64}
        (root / "model.json").write_text(json.dumps({"format": 1, "files": files}))
        with pytest.raises(InvalidCheckpoint) as caught:
            read_model_folder(root)
        said.add(str(caught.value).replace(repr(name), ""))
    assert len(said) == 1, said
    assert "outside of its folder" in said.pop()


@given(st.text(min_size=1, max_size=30))
def test_any_name_that_is_taken_lies_in_the_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    root = tmp_path_factory.getbasetemp() / "any"
    root.mkdir(exist_ok=True)
    files = {"network.safetensors": "0" * 64, name: "0" * 64}
    (root / "model.json").write_text(json.dumps({"format": 1, "files": files}))
    try:
        names = read_description(root)["files"]
    except InvalidCheckpoint:
        return
    assert all((root / one).resolve().is_relative_to(root.resolve()) for one in names)


def damaged(change: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of which the last one is missing, has another shape, or has one beside it."""
    name = sorted(tensors)[-1]
    others = {key: value for key, value in tensors.items() if key != name}
    changed = {
        "missing": {},
        "misshapen": {name: tensors[name][..., :1]},
        "extra": {name: tensors[name], "zz.more": tensors[name]},
    }
    return others | changed[change]


@pytest.mark.parametrize("change", ["missing", "misshapen", "extra"])
@pytest.mark.parametrize("part", ["network", "encoder"])
def test_tensors_that_do_not_fit_are_named(whole: ModelFolder, part: str, change: str) -> None:
    tensors = dict(getattr(whole, part))
    files = replace(whole, **{part: damaged(change, tensors)})
    name = "zz.more" if change == "extra" else sorted(tensors)[-1]
    with pytest.raises(
        InvalidCheckpoint, match=f"1 tensors are missing, unknown or of another shape, the first is {name};"
    ):
        compose(files, CPU, torch.float32)


@pytest.mark.parametrize("name", ["vocabulary.txt", "config.json"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"[" * 200_000, b'{"architecture": "bert", "heads": 7}'])
def test_a_damaged_text_encoder_is_one_sentence(tmp_path: Path, name: str, content: bytes | None) -> None:
    files = read_model_folder(model_folder(tmp_path / "m"))
    (files.root / "text" / name).unlink()
    if content is not None:
        (files.root / "text" / name).write_bytes(content)
    with pytest.raises(InvalidCheckpoint, match=name):
        compose(files, CPU, torch.float32)


@pytest.mark.parametrize("length", [2, 0, -1, 129, 3.5, "7", None, True])
def test_a_length_that_the_text_encoder_cannot_read_is_refused(whole: ModelFolder, length: object) -> None:
    """With two word pieces a sentence, of which both are its boundaries, reading would never end."""
    files = replace(whole, description={**whole.description, "text_length": length})
    with pytest.raises(InvalidCheckpoint, match="3 to 128 word pieces"):
        compose(files, CPU, torch.float32)
