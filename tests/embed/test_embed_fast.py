"""The encoder fast: no script falls to one vector, and translations lie near each other."""

import shutil

import numpy as np
import pytest

from support.scripts import SCRIPTS, script_prompts
from sweeplens.embed.static import DATA, FAST_FILES, load_fast, pack_vocabulary, unpack_vocabulary
from sweeplens.errors import EncoderError

SENTENCES = {
    "en": ("How long do I have to boil an egg?", "Translate this contract for me.", "Why is the sky blue in summer?"),
    "de": (
        "Wie lange muss ich ein Ei kochen?",
        "Übersetze mir diesen Vertrag.",
        "Warum ist der Himmel im Sommer blau?",
    ),
    "zh": ("鸡蛋要煮多长时间？", "请帮我翻译这份合同。", "为什么夏天的天空是蓝色的？"),
    "ru": ("Сколько времени нужно варить яйцо?", "Переведи мне этот договор.", "Почему летом небо голубое?"),
    "ar": ("كم من الوقت يجب أن أسلق البيضة؟", "ترجم لي هذا العقد.", "لماذا السماء زرقاء في الصيف؟"),
    "th": ("ต้องต้มไข่นานเท่าไร", "ช่วยแปลสัญญาฉบับนี้", "ทำไมท้องฟ้าในฤดูร้อนเป็นสีฟ้า"),
}


def test_there_are_thirty_scripts_and_more():
    assert len(SCRIPTS) >= 30


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_no_script_falls_to_one_vector(fast, script):
    prompts = script_prompts(script)
    assert len(set(prompts)) == 400
    assert len(np.unique(fast.encode(prompts).astype(np.float16), axis=0)) >= 390


@pytest.mark.parametrize("language", ["de", "zh", "ru", "ar"])
def test_the_translation_of_a_sentence_is_the_nearest(fast, language):
    cosine = fast.encode(SENTENCES["en"]) @ fast.encode(SENTENCES[language]).T
    assert cosine.argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("language", [k for k in SENTENCES if k != "en"])
def test_translations_are_nearer_than_other_sentences(fast, language):
    cosine = fast.encode(SENTENCES["en"]) @ fast.encode(SENTENCES[language]).T
    assert np.diag(cosine).mean() > cosine[~np.eye(3, dtype=bool)].mean() + 0.1


def test_it_follows_multilingual(fast, multilingual):
    texts = [text for own in SENTENCES.values() for text in own]
    a, b = fast.encode(texts), multilingual.encode(texts)
    pairs = np.triu_indices(len(texts), 1)
    assert np.corrcoef((a @ a.T)[pairs], (b @ b.T)[pairs])[0, 1] > 0.7


def test_a_text_without_a_piece_has_the_vector_of_what_is_unknown(fast):
    empty, control = fast.encode(["", "\x01\x02"])
    np.testing.assert_array_equal(empty, control)
    assert np.isfinite(empty).all()


def test_a_vocabulary_comes_back_as_it_was_packed():
    pieces, replaced = ["<unk>", "\u2581", "\u2581a", "b", "\u0e01"], {9: " ", 173: "", 0xFB01: "fi"}
    packed = pack_vocabulary(pieces, np.array([0, -3, -1, -2, -2], np.float32), replaced)
    tokenizer, read = unpack_vocabulary(packed)
    assert read("a\tb\u00ad \ufb01") == "a b fi"
    assert tokenizer.encode(read("a b\u0e01"), add_special_tokens=False).tokens == ["\u2581a", "\u2581", "b", "\u0e01"]


def test_its_file_is_small_and_pinned():
    assert (DATA / "fast.safetensors").stat().st_size <= 32_000_000
    assert set(FAST_FILES) == {"fast.safetensors"}


def test_changed_weights_are_refused(tmp_path):
    shutil.copy(DATA / "fast.safetensors", tmp_path)
    with (tmp_path / "fast.safetensors").open("r+b") as stream:
        stream.seek(-100, 2)
        stream.write(b"\x55")
    with pytest.raises(EncoderError, match="must have SHA-256"):
        load_fast(folder=tmp_path)
