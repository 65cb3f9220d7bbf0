"""Words and names in scripts without spaces, with marks, and with particles: whole words and no words of form."""

import unicodedata

import numpy as np
import pytest

from sweeplens.atlas.graphemes import graphemes
from sweeplens.atlas.lists import read_stop_words
from sweeplens.atlas.names import name_clusters
from sweeplens.atlas.words import learn_joins, split_words

# Three topics in each language: three prompts about a card, about rain, and about soup.
TOPICS = {
    "zh": (
        ("请问信用卡丢了怎么补办", "我的信用卡被偷了", "信用卡怎么还款"),
        ("明天会下雨吗，天气怎么样", "这个周末天气好吗", "北京的天气现在怎么样"),
    ),
    "ja": (
        (
            "クレジットカードをなくしました",
            "新しいクレジットカードを作りたいです",
            "クレジットカードの年会費を教えてください",
        ),
        ("明日の天気を教えてください", "週末の天気はどうですか", "東京の天気について教えて"),
    ),
    "ko": (
        ("카드를 잃어버렸어요", "카드가 안 돼요", "카드는 어떻게 만들어요"),
        ("내일 날씨가 어때요", "주말 날씨는 좋아요", "서울의 날씨를 알려주세요"),
    ),
    "th": (
        ("บัตรเครดิตหายต้องทำอย่างไร", "อยากสมัครบัตรเครดิตใหม่", "ยกเลิกบัตรเครดิตได้ไหม"),
        ("พรุ่งนี้ฝนตกไหมครับ", "ฝนตกหนักที่เชียงใหม่", "ทำไมฝนตกทุกวัน"),
    ),
    "ru": (
        (
            "Пожалуйста, скажите, как заблокировать карту",
            "Моя карта потерялась, что мне делать",
            "Где карта лояльности",
        ),
        ("Какая завтра погода", "Будет ли погода хорошей", "Расскажи, какая погода в Москве"),
    ),
    "hi": (
        ("कृपया बताइए कि कार्ड कैसे बंद करें", "मेरा कार्ड खो गया है", "नया कार्ड कब मिलेगा"),
        ("कल मौसम कैसा रहेगा", "क्या दिल्ली का मौसम ठीक है", "इस हफ़्ते मौसम कैसा है"),
    ),
    "ar": (
        ("كيف يمكنني إلغاء البطاقة من فضلك", "فقدت البطاقة أمس", "متى تصل البطاقة"),
        ("كيف الطقس غدا", "هل الطقس جميل اليوم", "ما هو الطقس في القاهرة"),
    ),
    "km": (
        ("កាតបាត់ត្រូវធ្វើយ៉ាងដូចម្តេច", "ខ្ញុំចង់បានកាតថ្មី", "តើកាតនេះប្រើបានទេ"),
        ("ប្រាសាទអង្គរវត្តនៅសៀមរាប", "ខ្ញុំចង់ទៅអង្គរវត្ត", "តើអង្គរវត្តបើកពេលណា"),
    ),
}
FIRST = {
    "zh": ("信用卡", "天气"), "ja": ("クレジットカード", "天気"), "ko": ("카드", "날씨"), "th": ("บัตรเครดิต", "ฝนตก"),
    "ru": ("карта", "погода"), "hi": ("कार्ड", "मौसम"), "ar": ("البطاقة", "الطقس"), "km": ("កាត", "អង្គរវត្ត"),
}  # fmt: skip


def name_topics(language: str) -> list[tuple[str, tuple[str, ...]]]:
    texts = [text for topic in TOPICS[language] for text in topic]
    return name_clusters(texts, [np.arange(3, dtype=np.int32), np.arange(3, 6, dtype=np.int32)])


@pytest.mark.parametrize("language", sorted(TOPICS))
def test_a_cluster_is_named_by_the_word_that_its_prompts_share(language):
    assert tuple(terms[0] for _, terms in name_topics(language)) == FIRST[language]


@pytest.mark.parametrize("language", sorted(TOPICS))
def test_no_term_is_a_word_of_form_or_begins_with_a_mark(language):
    terms = [term for _, own in name_topics(language) for term in own]
    assert len(terms) >= 4
    assert not set(terms) & read_stop_words()
    assert not [term for term in terms if unicodedata.category(term[0]).startswith("M")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("请问交通事故后怎么申请赔偿", ["请问", "交通事故", "后", "怎么", "申请", "赔偿"]),
        ("朝食は普通でした", ["朝食", "普通", "でした"]),
        ("ลูกค้าสั่งซื้อกระเป๋า", ["ลูกค้า", "สั่งซื้อ", "กระเป๋า"]),
        ("ແປພາສາລາວ", ["ແປ", "ພາສາ", "ລາວ"]),
        ("ប្រាសាទ\u200bអង្គរវត្ត", ["ប្រាសាទ", "អង្គរវត្ត"]),
        ("ရန်ကုန်မြို့", ["ရန်ကုန်", "မြို့"]),
        ("मेरा क्रेडिट कार्ड", ["मेरा", "क्रेडिट", "कार्ड"]),
        ("ক্রেডিট কার্ড", ["ক্রেডিট", "কার্ড"]),
        ("كَتَبَ الكتـــاب", ["كتب", "الكتاب"]),
    ],
)
def test_words_are_whole(text, words):
    assert split_words(text) == words


def test_the_thai_vowel_am_stays_one_letter():
    assert split_words("น้ำปลา") == ["น้ำปลา"]
    assert "\u0e4d" not in "".join(split_words("ทำงานสำนักงาน"))


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("กี่", ["กี่"]),
        ("เก้าอี้", ["เก้า", "อี้"]),
        ("ខ្មែរ", ["ខ្មែ", "រ"]),
        ("ရန်", ["ရန်"]),
        ("नमस्ते", ["न", "म", "स्", "ते"]),
        ("卡片", ["卡", "片"]),
        ("abc", ["a", "b", "c"]),
    ],
)
def test_a_character_keeps_its_marks_and_vowels(word, parts):
    assert graphemes(word) == parts


def test_a_word_that_no_vocabulary_has_is_learnt_from_the_log():
    texts = [f"{a}ฟลูบิโกะ{b}" for a in ("ซื้อ", "ขาย", "ซ่อม", "เก็บ") for b in ("ราคา", "ที่บ้าน", "ใหม่")]
    joins = learn_joins(texts, read_stop_words())
    assert "ฟลูบิโกะ" in split_words("ซื้อฟลูบิโกะใหม่", joins)
    assert "ฟลูบิโกะ" not in split_words("ซื้อฟลูบิโกะใหม่")


def test_a_korean_particle_is_taken_from_a_noun_but_not_from_a_verb_or_a_name():
    joins = learn_joins(["고양이가 좋아하는 강아지", "고양이는 강아지를 좋아하는", "고양이 강아지"], frozenset())
    assert split_words("고양이가 강아지를 좋아하는", joins) == ["고양이", "강아지", "좋아하는"]


def test_forms_of_an_arabic_word_make_one_term():
    texts = ["الطقس جميل", "والطقس حار", "للطقس أثر"]
    (_, terms), _ = name_clusters([*texts, "كرة قدم"] * 2, [np.array([0, 1, 2]), np.array([3])])
    assert len([term for term in terms if "طقس" in term]) == 1


def test_english_needs_no_vocabulary_of_other_scripts(monkeypatch):
    monkeypatch.setattr("sweeplens.atlas.lists._read_vocabulary", lambda: pytest.fail("the vocabulary was read"))
    monkeypatch.setattr("sweeplens.atlas.words.read_pieces", lambda: pytest.fail("the vocabulary was read"))
    texts = ["bake bread at home", "bake rye bread", "tune a guitar", "guitar strings"]
    names = name_clusters(texts, [np.array([0, 1]), np.array([2, 3])])
    assert [terms[0] for _, terms in names] == ["bake", "guitar"]
