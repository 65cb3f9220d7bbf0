"""The file of 4-bit weights: read back exactly as it was written, and refused in one sentence where it is another."""

import numpy as np
import pytest

from support.tiny_e5 import BLOCK, HIDDEN, INNER, PIECES, POSITIONS, REPLACED, ROWS, TENSORS, TinyE5
from sweeplens.embed.e5 import look_up
from sweeplens.embed.e5file import read_e5
from sweeplens.errors import EncoderError


def _write(folder, data):
    path = folder / "e5.bin"
    path.write_bytes(data)
    return path


def _weights(tiny, name, inputs):
    """The weights of a matrix, one at a time as the layout is described."""
    rows = []
    for scale, codes in zip(tiny.scales[name], tiny.codes[name], strict=True):
        low = [(int(byte) % 16 - 8) * float(scale) for byte in codes]
        high = [(int(byte) // 16 - 8) * float(scale) for byte in codes]
        rows += low + high
    return np.array(rows, dtype=np.float32).reshape(-1, inputs)


def test_sizes_vocabulary_and_replacements_are_read_back(tmp_path):
    tiny = TinyE5()
    file = read_e5(_write(tmp_path, tiny.to_bytes()))
    assert (file.hidden, file.layers, file.heads, file.inner, file.positions) == (HIDDEN, 1, 2, INNER, POSITIONS)
    assert file.epsilon == pytest.approx(1e-12)
    assert file.pieces == PIECES
    assert file.scores.tolist() == list(tiny.scores)
    assert (file.start, file.end, file.unknown) == (0, 2, 3)
    assert file.replaced == REPLACED


def test_every_tensor_is_read_back(tmp_path):
    tiny = TinyE5()
    file = read_e5(_write(tmp_path, tiny.to_bytes()))
    assert file.tensors.keys() == {name for name, _, _ in TENSORS} - {"emb.word"}
    for name, outputs, inputs in TENSORS[1:]:
        if inputs:
            found = file.matrix(name)
            assert found.shape == (outputs, inputs)
            np.testing.assert_array_equal(found, _weights(tiny, name, inputs))
        else:
            np.testing.assert_array_equal(file.vector(name), tiny.floats[name])


def test_a_row_of_the_word_table_is_read_where_it_is_asked_for(tmp_path):
    tiny = TinyE5()
    file = read_e5(_write(tmp_path, tiny.to_bytes()))
    words = _weights(tiny, "emb.word", HIDDEN)
    assert file.words.shape == (ROWS, HIDDEN // BLOCK)
    ids = np.array([[8, 0, 3], [3, 3, 5]])
    np.testing.assert_array_equal(look_up(file, ids), words[ids])


def _why_refused(tmp_path, data):
    with pytest.raises(EncoderError, match=r"laid out otherwise$") as caught:
        read_e5(_write(tmp_path, data))
    return str(caught.value)


def test_a_file_that_ends_early_is_refused_wherever_it_ends(tmp_path):
    data = TinyE5().to_bytes()
    # Every byte of the parts before the weights, then some places among the weights.
    head = data.index(b"l0.oln.b") + 40
    for end in [*range(head), *range(head, len(data), 911), len(data) - 1]:
        assert "\n" not in _why_refused(tmp_path, data[:end])


@pytest.mark.parametrize(
    "change",
    [
        {"magic": b"GGUF"},
        {"magic": b"E5S2"},
        {"block": 64},
        {"block": 0},
        {"hidden": 48},
        {"hidden": 0},
        {"hidden": -32},
        {"rows": ROWS + 1},
        {"counts": {"emb.word": ROWS * HIDDEN - 32}},
        {"counts": {"l0.fo.w": 7}},
        {"counts": {"l0.q.b": 1 << 31}},
        {"offsets": {"l0.q.b": 1 << 63}},
        {"offsets": {"l0.q.w": 1 << 63}},
        {"offsets": {"emb.word": (1 << 64) - 1}},
        {"left_out": "emb.word"},
    ],
    ids=str,
)
def test_a_file_that_says_something_else_is_refused(tmp_path, change):
    tiny = TinyE5()
    for name, value in change.items():
        setattr(tiny, name, value)
    assert "\n" not in _why_refused(tmp_path, tiny.to_bytes())


def test_text_that_is_no_utf_8_is_refused(tmp_path):
    data = TinyE5().to_bytes()
    assert "\n" not in _why_refused(tmp_path, data.replace("猫".encode(), b"\xff\xfe\xfd"))


@pytest.mark.parametrize("data", [b"", b"E5S1", b"\0" * 4096, b"\xff" * 4096])
def test_anything_else_is_refused(tmp_path, data):
    assert "\n" not in _why_refused(tmp_path, data)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(EncoderError, match="laid out otherwise"):
        read_e5(tmp_path / "none.bin")


def test_bytes_that_changed_on_the_way_give_no_traceback(tmp_path):
    data = bytearray(TinyE5().to_bytes())
    head = data.index(b"l0.oln.b") + 40
    rng = np.random.default_rng(3)
    refused = 0
    for at in range(head):
        changed = bytearray(data)
        changed[at] ^= int(rng.integers(1, 256))
        try:
            read_e5(_write(tmp_path, changed))
        except EncoderError:
            refused += 1
    assert refused > head // 4
