"""Headers of safetensors files from strangers: each is refused in one sentence, early and cheaply."""

import json
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mezzotint.checkpoints.header import LARGEST_HEADER, Entry, read_header
from mezzotint.checkpoints.tensors import load_tensors
from mezzotint.errors import InvalidCheckpoint


def entry(begin: int = 0, end: int = 8, shape: object = (2,), dtype: object = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def written(path: Path, header: object, data: bytes = bytes(8)) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


TWICE = b'{"a":%b,"a":%b}' % ((json.dumps(entry()).encode(),) * 2)
KEY_TWICE = b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}'

HOSTILE: dict[str, object] = {
    "no keys": {"a": {}},
    "a list": [1, 2],
    "a number": 7,
    "null": {"a": None},
    "one offset": {"a": entry() | {"data_offsets": [0]}},
    "three offsets": {"a": entry() | {"data_offsets": [0, 4, 8]}},
    "offsets that are no numbers": {"a": entry() | {"data_offsets": ["0", 8]}},
    "offsets that are fractions": {"a": entry() | {"data_offsets": [0.0, 8.0]}},
    "offsets that are booleans": {"a": entry() | {"data_offsets": [False, 8]}},
    "offsets backwards": {"a": entry(8, 0)},
    "offsets below 0": {"a": entry(-8, 0)},
    "offsets beyond the end": {"a": entry(0, 2**40, [2**38])},
    "overlap": {"a": entry(), "b": entry(4, 8, [1])},
    "the same bytes twice": {"a": entry(), "b": entry()},
    "hole before": {"a": entry(4, 8, [1])},
    "hole between": {"a": entry(0, 2, [2], "I8"), "b": entry(4, 8, [1])},
    "bytes left over": {"a": entry(0, 4, [1])},
    "no tensors but bytes": {},
    "unknown dtype": {"a": entry(dtype="PICKLE")},
    "dtype that is no text": {"a": entry(dtype=["F32"])},
    "shape of other bytes": {"a": entry(shape=[3])},
    "shape that is no list": {"a": entry(shape="2")},
    "shape with a size below 0": {"a": entry(shape=[-1, -2])},
    "shape with a boolean": {"a": entry(shape=[True, 2])},
    "shape that holds nothing but is endless": {"a": entry(0, 0, [0, 2**62]), "b": entry()},
    "shape of a thousand sizes": {"a": entry(shape=[2] + [1] * 1000)},
    "a further key": {"a": entry() | {"run": "this"}},
    "tensor twice": TWICE,
    "key twice": KEY_TWICE,
    "not UTF-8": b'{"\xff":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
    "UTF-16": json.dumps({"a": entry()}).encode("utf-16"),
    "half a surrogate pair": {"\ud800": entry()},
    "half a pair in the metadata": {"__metadata__": {"a": "\udfff"}, "a": entry()},
    "metadata that are numbers": {"__metadata__": {"a": 1}, "a": entry()},
    "metadata that are null": {"__metadata__": None, "a": entry()},
    "lists in lists": b"[" * 200_000,
    "objects in objects": b'{"a":' * 100_000,
    "an endless number": b'{"a":' + b"9" * 100_000 + b"}",
    "half of it": b'{"a":{"dtype":"F32"',
    "not JSON": b"cannot be read",
    "spaces": b" " * 100,
}


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_header_is_one_sentence(tmp_path: Path, header: object) -> None:
    path = written(tmp_path / "w.safetensors", header)
    with pytest.raises(InvalidCheckpoint) as caught:
        load_tensors(path)
    said = str(caught.value)
    assert str(path) in said
    assert len(said) - len(str(path)) < 200
    assert said.endswith(".")
    assert "\n" not in said


def test_the_table_can_fail(tmp_path: Path) -> None:
    assert read_header(written(tmp_path / "w", {"a": entry()})) == {"a": Entry("F32", (2,), 0, 8)}
    assert read_header(written(tmp_path / "w", b'{"a":%b}  ' % json.dumps(entry()).encode()))
    assert read_header(written(tmp_path / "w", {}, b"")) == {}


@pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int8, torch.uint8, torch.int64, torch.bool],
)
def test_what_the_library_writes_is_read(tmp_path: Path, dtype: torch.dtype) -> None:
    path = tmp_path / "w"
    shapes = {"ä": (3, 2), "none": (0, 4), "one": ()}
    given = {name: torch.ones(shape, dtype=dtype) for name, shape in shapes.items()}
    save_file(given, path, metadata={"note": "ü"})
    assert {name: one.shape for name, one in read_header(path).items()} == shapes
    found, said = load_tensors(path)
    assert all(torch.equal(found[name], value) for name, value in given.items())
    assert said == {"note": "ü"}


@pytest.mark.parametrize("unit", [b"[],", b"{},", b'"a",', b"[[[[[[[["], ids=["lists", "objects", "texts", "nested"])
@pytest.mark.parametrize("length", [LARGEST_HEADER, 20_000_000], ids=["as large as it may be", "larger"])
def test_a_large_header_costs_little(tmp_path: Path, unit: bytes, length: int) -> None:
    path = written(tmp_path / "w", (b"[" + unit * (length // len(unit)))[:length])
    begin = time.process_time()
    with pytest.raises(InvalidCheckpoint):
        read_header(path)
    assert time.process_time() - begin < 5  # .03 on an idle core; half a minute for 99 million bytes without a cap
    tracemalloc.start()
    with pytest.raises(InvalidCheckpoint):
        read_header(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 50e6
