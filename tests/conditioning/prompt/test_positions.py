"""Positions: the source at a node's place reads as that node, and nodes lie inside one another in order."""

from collections.abc import Iterator

from hypothesis import example, given, settings

from mezzotint.conditioning.prompt import Alternate, Item, Items, Switch, Weighted, Words, parse
from mezzotint.conditioning.prompt.scan import ESCAPE, unescaped
from mezzotint.errors import InvalidOption
from tests.conditioning.prompt.texts import texts


def children(item: Item) -> tuple[Items, ...]:
    match item:
        case Weighted(inside):
            return (inside,)
        case Switch(before, after):
            return (before, after)
        case Alternate(options):
            return options
    return ()


def nodes(items: Items, low: int, high: int) -> Iterator[Item]:
    """All nodes, each of which lies behind the one before and between the two places."""
    for item in items:
        begin, end = item.span
        assert low <= begin < end <= high, item
        yield item
        at = begin + 1  # behind the opening bracket
        for inside in children(item):
            yield from nodes(inside, at, end - 1)
            at = inside[-1].span[1] if inside else at
        low = end


def in_order(letters: str, source: str) -> bool:
    left = iter(source)
    return all(letter in left for letter in letters)


@settings(max_examples=1000, deadline=None)
@given(texts)
@example("(a [b|c:2|] :1.5) [d:(e):3]()f AND g(h):2 BREAK i :0.7 --no j --weird 3")
@example(r"a()b\(c (d())e[[f]::0.5]")
@example("a::2 (b)[]c::-1")
def test_every_node_is_where_it_says(text: str) -> None:
    try:
        prompt = parse(text)
    except InvalidOption:
        return
    at = 0
    for part in prompt.parts:
        begin, end = part.span
        assert at <= begin <= end <= len(text)
        at = end
        for chunk in part.chunks:
            for node in nodes(chunk, begin, end):
                source = text[slice(*node.span)]
                if not isinstance(node, Words):
                    assert parse(source).parts[0].chunks == ((node,),), "what stands there is this node and no more"
                elif any(mark in ESCAPE.sub("", source) for mark in "()[]"):  # brackets without words are passed over
                    assert in_order(node.text, source)
                else:
                    assert node.text.strip() == unescaped(source).strip()
            begin = chunk[-1].span[1] if chunk else begin
    for flag in prompt.flags:
        assert at <= flag.span[0] < flag.span[1] <= len(text)
        at = flag.span[1]
        assert parse("x " + text[slice(*flag.span)]).flags == (flag,)
