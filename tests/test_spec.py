"""Specs: the one syntax of solvers, grids and guidance methods."""

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezzotint.errors import InvalidOption
from mezzotint.spec import Spec, option_types, typed

words = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,8}", fullmatch=True).filter(lambda word: word not in ("true", "false"))
scalars = st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False) | words
values = scalars | st.lists(scalars, min_size=2, max_size=4).map(tuple)
names = st.text("abcxyz+-*0129 .", min_size=1, max_size=12).filter(lambda name: name.strip() == name)
keys = st.from_regex(r"[a-z]\w{0,8}", fullmatch=True)


@given(names, st.dictionaries(keys, values, max_size=3))
def test_what_is_written_is_read_again(name: str, options: dict[str, Any]) -> None:
    spec = Spec(name, tuple(options.items()))
    assert Spec.parse("thing", str(spec)) == spec
    assert str(Spec.parse("thing", str(spec))) == str(spec)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ddim", "ddim"),
        (" dpm++ 2m sde ", "dpm++ 2m sde"),
        ("cfg++:guidance=0.60", "cfg++:guidance=0.6"),
        ("a:z=1, b = -0.5 ,c=1e3,d=true,e=word,f=1+2+3,g=1e+5,h=.5,i=1.",
         "a:b=-0.5,c=1000,d=true,e=word,f=1+2+3,g=100000,h=0.5,i=1,z=1"),
        ("a:x=1e+30", "a:x=1e30"),
        ("a:x=-0.0", "a:x=0"),
    ],
)  # fmt: skip
def test_the_canonical_form(text: str, canonical: str) -> None:
    assert str(Spec.parse("thing", text)) == canonical


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "thing is ''; it must be NAME or NAME:option=value,option=value, such as"),
        (":a=1", "it must be NAME or"),
        ("a:", "it must be NAME or"),
        ("a:b", "it must be NAME or"),
        ("a:1=2", "it must be NAME or"),
        ("a=b", "it must be NAME or"),
        ("a:b=1,", "it must be NAME or"),
        ("a:b=1\n", "it must be NAME or"),
        (3, "it must be NAME or"),
        ("x" * 61, "it must be NAME or"),
        ("a:b=", "The option b of the thing a is ''; it must be a number, true, false or a word, or several"),
        ("a:b=1;2", "The option b of the thing a is '1;2'"),
        ("a:b=1++2", r"The option b of the thing a is '1\+\+2'"),
        ("a:b=1e999", "The option b of the thing a is '1e999'"),
        ("a:b=1,b=2", "The thing a is given its option b twice; give it once."),
    ],
)
def test_what_is_no_spec_is_refused(text: object, words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        Spec.parse("thing", text)


def build(
    steps: int, share: float, on: bool, kind: Literal["eps", "v"], blocks: tuple[int, ...] | None,
    pair: tuple[float, float], table: str, sigma: float | None, other: object,
) -> None:  # fmt: skip
    """Something with options of every type."""


TYPES = option_types(build, ["steps", "share", "on", "kind", "blocks", "pair", "table", "sigma", "other"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps=3", 3), ("share=1", 1.0), ("share=0.5", 0.5), ("on=true", True), ("kind=v", "v"), ("blocks=none", None),
        ("blocks=2", (2,)), ("blocks=1+-1", (1, -1)), ("pair=0+0.5", (0.0, 0.5)), ("table=sd1.5", "sd1.5"),
        ("sigma=none", None), ("sigma=2", 2.0),
    ],
)  # fmt: skip
def test_values_get_the_type_that_is_declared(text: str, expected: object) -> None:
    ((_, found),) = typed("thing", Spec.parse("thing", f"a:{text}"), TYPES).items()
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps=1.5", "The option steps of the thing a must be a whole number, not 1.5."),
        ("steps=true", "must be a whole number, not true"),
        ("share=half", "must be a number, not half"),
        ("share=true", "must be a number, not true"),
        ("on=1", "must be true or false, not 1"),
        ("kind=esp", "There is no kind of the thing a called 'esp'; did you mean eps"),
        ("kind=1", "must be one of eps, v, not 1"),
        ("blocks=1+x", r"must be a list with \+ between, each a whole number or none, not 1\+x"),
        ("pair=1", r"must be a list of 2 with \+ between, each a number, not 1"),
        ("pair=1+2+3", "must be a list of 2"),
        ("table=3", "must be a word, not 3"),
        ("sigma=wide", "must be a number or none, not wide"),
        ("other=x", "must be left out, since no text can give it, not x"),
        ("shaer=1", "The thing a has no option 'shaer'; did you mean share"),
        ("zzz=1", "has no option 'zzz'; it takes blocks, kind, on, other, pair, share, sigma, steps, table"),
    ],
)
def test_values_of_another_type_are_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        typed("thing", Spec.parse("thing", f"a:{text}"), TYPES)
