"""The encoders: what they are made from is checked, and their vectors depend on nothing but the text."""

import json
import shutil

import numpy as np
import pytest

from sweeplens.embed import load_encoder
from sweeplens.embed.encoder import known_name
from sweeplens.embed.minilm import LONG, load_minilm
from sweeplens.embed.shipped import SHIPPED
from sweeplens.embed.static import DATA, FAST_ENGLISH_FILES, load_fast_english
from sweeplens.embed.weights import MINILM_FILES, find_minilm
from sweeplens.errors import EncoderError

TEXTS = [
    "How do I boil an egg?",
    "",
    "Write a short poem about rain on a tin roof.",
    "请把这段话翻译成英文，谢谢。",
    "for i in range(10):\n    print(i)",
    "\u2603 \U0001f600 \ud800",
    "nothing\x00between",
    "Explain, step by step, why the sum of two odd numbers is even. " * 30,
    "How do I boil an egg?",
]


@pytest.fixture(params=["fast", "fast_english", "default", "multilingual"])
def encoder(request):
    return request.getfixturevalue(request.param)


def test_rows_are_unit_vectors_in_the_order_of_the_texts(encoder):
    vectors = encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(vectors[0], vectors[-1])
    assert vectors[0] @ vectors[2] < vectors[0] @ vectors[-1] - 0.05


def test_a_vector_depends_on_no_other_text(encoder):
    together = encoder.encode(TEXTS)
    np.testing.assert_array_equal(together[::-1], encoder.encode(TEXTS[::-1]))
    np.testing.assert_array_equal(together, np.concatenate([encoder.encode([text]) for text in TEXTS]))


def test_no_texts_give_no_rows(encoder):
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_a_text_of_a_megabyte_is_read_at_both_ends(encoder):
    long = "all about the tides of the sea and the moon " * 24_000
    other = long[:-9000] + "a recipe for pancakes with sugar and lemon " * 200
    vectors = encoder.encode([long, other, "x" * 1_000_000])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] < 0.999


def test_similar_texts_are_nearer_than_others(encoder):
    near = ["How long do I boil an egg?", "How many minutes should eggs be boiled?"]
    a, b, c = encoder.encode([*near, "Prove that the root of two is irrational."])
    assert a @ b > a @ c + 0.1


def test_what_a_manifest_says(encoder):
    said = encoder.describe()
    (shipped,) = [each for each in SHIPPED if each.name == encoder.name]
    assert said["name"] == encoder.name
    assert said["dim"] == encoder.dim == shipped.dim
    assert said["fingerprint"] == encoder.fingerprint
    assert said["multilingual"] is (shipped.reads != "English")
    assert {"model", "runtime", "policy", "weights_sha256", "max_tokens"} <= said.keys()
    assert len(encoder.fingerprint) == 64
    assert known_name(said) == encoder.name
    json.dumps(said)


def test_encoders_have_their_own_fingerprints(default, fast, fast_english, multilingual, models):
    assert len({encoder.fingerprint for encoder in (default, fast, fast_english, multilingual)}) == 4
    assert load_encoder("default", models=models, threads=1).fingerprint == default.fingerprint


# What stores of earlier versions say of their encoder; they must stay readable.
@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("default", "1038cbe387bb522875551bbef2e3dc653afd1579eafd4d61a944af507c868021"),
        ("fast-english", "d6e7062bef6b34af5e119e82e9ef7a87d49b9a983994500cf4ddb7a3ae6edab7"),
    ],
)
def test_fingerprints_are_those_of_earlier_versions(name, fingerprint, models):
    assert load_encoder(name, models=models, threads=1).fingerprint == fingerprint


def test_a_renamed_encoder_is_known_by_its_fingerprint(fast_english):
    assert known_name({"name": "fast", "fingerprint": fast_english.fingerprint}) == "fast-english"
    assert known_name({"name": "fast-english", "fingerprint": fast_english.fingerprint}) == "fast-english"
    assert known_name({"name": "fast", "fingerprint": "0" * 64}) == "fast"
    assert known_name({"name": "own/model", "fingerprint": fast_english.fingerprint}) == "own/model"
    assert known_name({"name": "fast"}) == "fast"
    assert known_name({}) == ""


def test_other_settings_have_another_fingerprint(models, default):
    other = load_minilm(models=models, threads=1, long=LONG._replace(window=64))
    assert other.fingerprint != default.fingerprint


def test_threads_change_no_bit(models, default):
    one = load_encoder("default", models=models, threads=1)
    np.testing.assert_array_equal(one.encode(TEXTS), default.encode(TEXTS))


def test_default_agrees_with_sentence_transformers(default):
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(find_minilm()), device="cpu", local_files_only=True)
    reference.max_seq_length = default.model.long.window
    texts = [text for text in TEXTS if "\ud800" not in text and len(text) < 400]
    expected = reference.encode(texts, normalize_embeddings=True)
    assert (default.encode(texts) * expected).sum(axis=1).min() > 0.99999


def test_torch_and_onnx_share_vectors_and_the_fingerprint(models, default, monkeypatch):
    monkeypatch.setattr("sweeplens.embed.minilm.has_onnx", lambda: False)
    torch = load_minilm(models=models, threads=2)
    assert torch.describe()["runtime"] == "torch (cpu)"
    assert default.describe()["runtime"] == "onnxruntime (cpu)"
    assert torch.fingerprint == default.fingerprint
    assert (torch.encode(TEXTS) * default.encode(TEXTS)).sum(axis=1).min() > 0.99999


def test_fast_english_follows_default(fast_english, default):
    kinds, topics = ("a story", "the truth", "a joke"), ("cats", "law", "Rome")
    texts = [f"Tell me {kind} about {topic}" for kind in kinds for topic in topics]
    a, b = fast_english.encode(texts), default.encode(texts)
    pairs = np.triu_indices(len(texts), 1)
    assert np.corrcoef((a @ a.T)[pairs], (b @ b.T)[pairs])[0, 1] > 0.6


def test_fast_english_is_the_static_embedding_of_sentence_transformers(fast_english):
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    words = Tokenizer.from_file(str(find_minilm() / "tokenizer.json"))
    words.no_truncation()
    static = StaticEmbedding(words, embedding_weights=torch.from_numpy(fast_english.rows))
    texts = [text for text in TEXTS if text and "\ud800" not in text]
    expected = SentenceTransformer(modules=[static], device="cpu").encode(texts, normalize_embeddings=True)
    np.testing.assert_allclose(fast_english.encode(texts), expected, atol=1e-6)


def test_text_without_a_known_word_has_a_vector_of_its_own(fast_english):
    nothing, unknown, word = fast_english.encode(["", "\u2603", "snow"])
    np.testing.assert_allclose(nothing, unknown, atol=1e-6)
    assert nothing @ word < 0.99


@pytest.mark.parametrize("name", sorted(MINILM_FILES))
def test_a_changed_file_of_the_default_encoder_is_refused(tmp_path, models, name):
    folder = tmp_path / "model"
    folder.mkdir()
    for each in MINILM_FILES:
        (folder / each).parent.mkdir(exist_ok=True)
        (folder / each).symlink_to(find_minilm() / each)
    _flip(folder / name)
    with pytest.raises(EncoderError, match="must have SHA-256") as caught:
        load_minilm(models=models, threads=1, folder=folder)
    assert name in str(caught.value)


def test_a_missing_file_of_the_default_encoder_is_named(tmp_path, models):
    with pytest.raises(EncoderError, match=r"model\.safetensors cannot be read"):
        load_minilm(models=models, threads=1, folder=tmp_path)


def test_changed_weights_of_the_fast_english_encoder_are_refused(tmp_path):
    shutil.copy(DATA / "fast-english.safetensors", tmp_path)
    _flip(tmp_path / "fast-english.safetensors")
    with pytest.raises(EncoderError, match="must have SHA-256"):
        load_fast_english(folder=tmp_path)


def test_the_weights_of_the_fast_english_encoder_are_small_and_pinned():
    assert (DATA / "fast-english.safetensors").stat().st_size <= 8_000_000
    assert set(FAST_ENGLISH_FILES) == {"fast-english.safetensors"}


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if path.is_symlink():
        path.unlink()
    path.write_bytes(data)
