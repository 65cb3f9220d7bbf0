"""Any other model: by name or folder, safetensors only, without code of its own."""

import json
import shutil

import numpy as np
import pytest

from sweeplens.embed import load_encoder
from sweeplens.embed.named import load_named
from sweeplens.embed.weights import find_minilm
from sweeplens.errors import EncoderError


@pytest.fixture
def folder(tmp_path):
    """A copy of the default encoder's folder, as somebody would keep a model of their own."""
    target = tmp_path / "my-model"
    shutil.copytree(find_minilm(), target, ignore=shutil.ignore_patterns("*.safetensors", "data_config.json"))
    (target / "model.safetensors").symlink_to(find_minilm() / "model.safetensors")
    return target


def test_a_folder_gives_the_vectors_of_its_model(folder, default):
    encoder = load_encoder(str(folder), models=folder, threads=2)
    texts = ["How do I boil an egg?", "", "Write a poem about rain.", "x" * 100_000, "How do I boil an egg?"]
    vectors = encoder.encode(texts)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors * default.encode(texts)).sum(axis=1).min() > 0.9999
    assert encoder.encode([]).shape == (0, 384)
    assert encoder.name == str(folder)
    assert encoder.multilingual is False
    assert encoder.describe()["max_tokens"] == 256
    json.dumps(encoder.describe())
    assert encoder.fingerprint not in {default.fingerprint, load_after_change(folder).fingerprint}


def load_after_change(folder):
    config = json.loads((folder / "sentence_bert_config.json").read_text())
    (folder / "sentence_bert_config.json").write_text(json.dumps({**config, "max_seq_length": 64}))
    return load_named(str(folder), threads=2)


@pytest.mark.parametrize("name", ["no-such-model", "no/such-model", "./nowhere", "/nowhere/at/all", "bad name"])
def test_a_model_that_does_not_exist_is_said_in_one_sentence(name, tmp_path):
    with pytest.raises(
        EncoderError, match="the encoder must be auto, default, multilingual, fast, fast-english, or the name"
    ) as caught:
        load_encoder(name, models=tmp_path, threads=1)
    assert "\n" not in str(caught.value)


def test_pickled_weights_are_refused(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(EncoderError, match="must be safetensors"):
        load_named(str(folder), threads=1)


def test_pickled_weights_of_a_later_module_are_refused(folder):
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    modules = json.loads((folder / "modules.json").read_text())
    modules.append({"idx": 3, "name": "3", "path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(EncoderError, match="must be safetensors"):
        load_named(str(folder), threads=1)


def test_code_of_its_own_is_refused(folder):
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "my_package.Evil"
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(EncoderError, match="code of its own"):
        load_named(str(folder), threads=1)


def test_auto_map_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    with pytest.raises(EncoderError, match="code of its own"):
        load_named(str(folder), threads=1)


def test_a_folder_without_a_model_is_said(tmp_path):
    with pytest.raises(EncoderError, match="must hold a sentence-transformers model"):
        load_named(str(tmp_path), threads=1)


def test_broken_json_is_said(folder):
    (folder / "modules.json").write_text("{")
    with pytest.raises(EncoderError, match="must be JSON"):
        load_named(str(folder), threads=1)


@pytest.mark.parametrize(
    ("header", "multilingual"),
    [
        ("language: en", False),
        ("language:\n- en\n- de", True),
        ("language: multilingual", True),
        ("license: mit", None),
    ],
)
def test_the_card_says_whether_a_model_is_multilingual(folder, header, multilingual):
    from sweeplens.embed.named import _is_multilingual

    (folder / "README.md").write_text(f"---\n{header}\ntags: [x]\n---\n# A model\n")
    assert _is_multilingual(folder) is multilingual
