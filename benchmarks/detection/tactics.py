"""What a campaign can do to be missed: one prompt set made into the requests of accounts, by stated numbers."""

import itertools
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from prompt_sets import Talk, share_out

Messages = list[dict[str, str]]

DAY = 86_400_000_000  # microseconds
DAYS = 12.0  # a campaign is busy for so long
_HOURS = 2 / 24
_LINES = (
    "{}\n\nAnswer in full and show every step of your reasoning.",
    "You are an expert. Solve the following task and justify each decision.\n\n{}",
    "### Task\n{}\n\n### Answer",
)
_LONG = (
    "You are a patient assistant with broad knowledge of science, writing, law, medicine and programming. Read the text"
    " between the marks with care. First say in your own words what is wanted and which facts are given. Then think it"
    " through one step after another, checking each step before you take the next. Name what remains unsure. At the"
    " end write the final answer on a line of its own, complete and without greetings, in the language of the text.\n"
    "<<<\n{}\n>>>"
)
_BY_ACCOUNT = (
    "Please help me with this: {}", "{}\n\nExplain step by step.", "Question: {}\nAnswer:",
    "I need this for a project.\n{}", "### Task\n{}\n### Reply", "{} Keep it short, please.",
    "You are an expert in the field. {}", "Hi there! {} Thanks a lot!", "<request>{}</request>",
    "Think carefully before you reply.\n\n{}",
)  # fmt: skip
_OPENERS = (
    "Hey, me again.", "Ok thanks, that helped a lot!", "Hm, not quite what I meant, but fine.", "Good morning!",
    "Sorry to bother you once more.", "So I talked to my sister about it.", "Right, that makes sense now.",
    "Haha ok, fair enough.", "I'm back from lunch.", "Still stuck here, to be honest.", "That one worked, great.",
    "Let's leave that for later.", "My boss just asked me something.", "Yes, exactly like that.",
)  # fmt: skip
_MIDDLES = (
    "There's this other thing I wanted to ask:", "Can you also look at this one for me?", "Now what about this:",
    "A friend sent me the following and I have no idea:", "Next on my list is this one.", "I still need this, too:",
    "While we're at it, could you do this?", "This came up again and I'd like to get it right:",
    "Here's what I have so far, maybe you can help:", "It's a bit different from the last one:",
    "I copied it from my notes, so bear with me:", "I was wondering about that all day:",
)  # fmt: skip
_CLOSERS = (
    "No rush.", "Thanks, you're a star!", "And please don't make it too long.", "I hope that makes sense.",
    "Same as before if you can.", "I'll read it on the train later.", "But only if it isn't too much work.",
    "Tell me if you need more from me.", "It's for tomorrow, so anything helps.", "Then I'm done for today, I think.",
    "Otherwise I'll ask again later.", "That would really save me.",
)  # fmt: skip
_CONSTANT = "Please answer the question above."
_READY = "Sure, I have read it. What shall I do with it?"


@dataclass(frozen=True)
class Tactic:
    """How a prompt set is dealt out and sent.

    accounts, prompts  how many accounts, and how many different prompts each has of the set; no two share one
    chat      share of an account's requests that are ordinary chat, added to its prompts
    sent      how often each prompt is sent: in a row, or with `passes` pass after pass
    days      how long the campaign takes, within the time of the log
    order     one of ORDERS
    around    what is put around each prompt, or done to its words; one of AROUND
    place     where in a request the prompt stands, one of PLACES
    split     each account is split into accounts of so many requests; 0 for none
    clock     what the log's times are good for, of honest accounts too; one of CLOCKS
    """

    accounts: int = 20
    prompts: int = 40
    chat: float = 0.0
    sent: int = 1
    passes: bool = False
    days: float = DAYS
    order: str = "random"
    around: str = "nothing"
    place: str = "last turn"
    split: int = 0
    clock: str = "kept"


ORDERS = ("random", "sorted", "dealt")  # sorted by likeness in each account; the set sorted, then dealt in runs
PLACES = ("last turn", "system prompt", "earlier turn", "behind chat")  # the last: system prompt, a chat prompt as turn
CLOCKS = ("kept", "to the hour", "none")
PLAIN = Tactic()
SETTINGS: dict[str, tuple[tuple[str, Tactic], ...]] = {
    "plain": (("20 accounts of 40 prompts, at random", PLAIN),),
    "order": (
        ("sorted: neighbours alike", Tactic(order="sorted")),
        ("set sorted, then dealt in runs", Tactic(order="dealt")),
    ),
    "words around": (
        ("a constant line", Tactic(around="line")),
        ("a constant paragraph", Tactic(around="paragraph")),
        ("a line of each account's own", Tactic(around="by account")),
        ("JSON", Tactic(around="JSON")),
        ("filler, other for each request", Tactic(around="filler")),
        ("a fifth of the words left out", Tactic(around="words dropped")),
    ),
    "chat mixed in": tuple((f"{100 * s:.0f} %", Tactic(chat=s)) for s in (0.2, 0.4, 0.6, 0.7, 0.8, 0.9)),
    "prompts per account": tuple((f"{n:,}", Tactic(prompts=n)) for n in (5, 10, 20, 100, 250, 1000)),
    "accounts": tuple((str(n), Tactic(accounts=n)) for n in (1, 5, 10, 50, 100, 200)),
    "resending": (
        *((f"{n} times in a row", Tactic(sent=n)) for n in (2, 4, 8)),
        ("4 passes over the set", Tactic(sent=4, passes=True)),
    ),
    "pace": (
        ("all within two hours", Tactic(days=_HOURS)),
        ("over four weeks", Tactic(days=28)),
        ("two prompts a week for four weeks", Tactic(days=28, prompts=8)),
    ),
    "place": (
        ("system prompt, constant last turn", Tactic(place="system prompt")),
        ("earlier turn, constant last turn", Tactic(place="earlier turn")),
    ),
    "split": (("accounts of nine prompts", Tactic(split=9)),),
    "two at once": (
        ("filler + sorted", Tactic(around="filler", order="sorted")),
        ("JSON + sorted", Tactic(around="JSON", order="sorted")),
        ("chat 70 % + constant line", Tactic(chat=0.7, around="line")),
        ("chat 70 % + sorted", Tactic(chat=0.7, order="sorted")),
        ("chat 70 % + system prompt", Tactic(chat=0.7, place="system prompt")),
        ("chat 70 % + earlier turn", Tactic(chat=0.7, place="earlier turn")),
        ("system prompt + chat as last turn", Tactic(place="behind chat")),
        ("split + filler", Tactic(split=9, around="filler")),
        ("split + chat 70 %", Tactic(split=9, chat=0.7)),
        ("two a week + filler", Tactic(days=28, prompts=8, around="filler")),
    ),
    "the log": (
        ("times to the hour only", Tactic(clock="to the hour")),
        ("no times", Tactic(clock="none")),
    ),
}
"""What is varied -> (label, tactic): what the attacker does, and last what the log lacks."""


@dataclass(frozen=True)
class Made:
    """A campaign that was made.

    rows     requests as rows of a generic log, in order of time
    useful   different prompts of the set that are answered; a second answer to one is not counted
    chars    characters of all that is sent
    plain    characters of those prompts alone
    """

    rows: list[dict[str, object]]
    useful: int
    chars: int
    plain: int

    def costs(self) -> dict[str, float]:
        """Return what the campaign costs its owner for what it gets."""
        return {
            "requests_per_answer": len(self.rows) / self.useful,
            "accounts_per_1000": 1000 * len({r["account_id"] for r in self.rows}) / self.useful,
            "chars": self.chars / self.plain,
        }


def has_chat(tactic: Tactic) -> bool:
    """Return whether a tactic needs conversations."""
    return tactic.chat > 0 or tactic.place == "behind chat"


def make_attack(
    name: str, prompts: Sequence[str], tactic: Tactic, talks: Sequence[Talk], span: tuple[int, int]
) -> Made:
    """Return the requests of a campaign on the prompt set `name`, somewhere in the time `span` of the log.

    The same set gives the same deal whatever else is set. Chat is whole conversations of `talks`; `span` is in
    microseconds since 1970.
    """
    seed = zlib.crc32(name.encode())
    rng = np.random.default_rng(seed + 1)
    dealt = _deal(prompts, tactic, np.random.default_rng(seed))
    chat = share_out(talks, len(dealt)) if has_chat(tactic) else []
    begin = rng.uniform(span[0], max(span[0], span[1] - tactic.days * DAY))
    end = min(span[1], begin + tactic.days * DAY)
    rows: list[dict[str, object]] = []
    for k, own in enumerate(dealt):
        dress = _dresser(tactic.around, seed, k, rng)
        turns = itertools.chain.from_iterable(chat[k]) if tactic.place == "behind chat" else itertools.repeat(_CONSTANT)
        requests = [_place(dress(p), tactic.place, turn) for p, turn in zip(own, turns, strict=False)]
        requests = requests * tactic.sent if tactic.passes else [r for r in requests for _ in range(tactic.sent)]
        requests = _blend(requests, tactic.chat, chat[k], rng) if tactic.chat else requests
        times = np.sort(rng.uniform(begin, end, len(requests))).astype(np.int64).tolist()
        rows += [
            {"request_id": f"made-{k}-{i}", "account_id": f"made-{k:04d}", "ts": t / 1e6, "messages": messages}
            for i, (t, messages) in enumerate(zip(times, requests, strict=True))
        ]
    rows.sort(key=lambda r: r["ts"])
    sent = sum(len(m["content"]) for r in rows for m in r["messages"])  # type: ignore[attr-defined]
    asked = [p for own in dealt for p in own]
    return Made(rows, len(asked), sent, sum(map(len, asked)))


def _deal(prompts: Sequence[str], tactic: Tactic, rng: np.random.Generator) -> list[list[str]]:
    """Return the prompts of each account. A set that is too small: fewer accounts, in large campaigns fewer prompts."""
    order = rng.permutation(len(prompts)).tolist()
    accounts, each = tactic.accounts, tactic.prompts
    if accounts * each > len(prompts):
        each = min(each, len(prompts)) if accounts == PLAIN.accounts else len(prompts) // accounts
        accounts = min(accounts, len(prompts) // each)
    asked = [prompts[i] for i in order[: accounts * each]]
    if tactic.order == "dealt":
        asked = sort_by_likeness(asked)
    if tactic.split:
        each = max(1, round(tactic.split * (1 - tactic.chat)))
    dealt = [asked[at : at + each] for at in range(0, len(asked) - each + 1, each)]
    return [sort_by_likeness(own) for own in dealt] if tactic.order == "sorted" else dealt


def sort_by_likeness(texts: Sequence[str]) -> list[str]:
    """Return a walk from each text to the likest one left, by the character n-grams of their beginnings."""
    from sklearn.feature_extraction.text import HashingVectorizer

    if len(texts) < 3:
        return list(texts)
    hashing = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=2**12, alternate_sign=False)
    vectors = hashing.transform([t[:500] for t in texts]).toarray().astype(np.float32)
    likeness = vectors @ vectors.T
    at, out = 0, []
    for _ in texts:
        out.append(texts[at])
        likeness[:, at] = -1
        at = int(np.argmax(likeness[at]))
    return out


def _dresser(around: str, seed: int, account: int, rng: np.random.Generator) -> Callable[[str], str]:
    """Return what is done to each prompt of an account."""
    frames = {
        "nothing": "{}", "line": _LINES[seed % len(_LINES)], "paragraph": _LONG,
        "by account": _BY_ACCOUNT[account % len(_BY_ACCOUNT)],
    }  # fmt: skip
    if around in frames:
        return lambda prompt: frames[around].replace("{}", prompt, 1)
    return {"JSON": _to_json, "filler": _fill, "words dropped": _drop}[around](rng)


def _to_json(rng: np.random.Generator) -> Callable[[str], str]:
    def dress(prompt: str) -> str:
        task = {
            "task_id": f"t-{int(rng.integers(10**6)):06d}", "type": "completion", "input": prompt,
            "options": {"style": "detailed", "max_words": 600, "format": "markdown"},
        }  # fmt: skip
        return json.dumps(task, ensure_ascii=False, indent=1)

    return dress


def _fill(rng: np.random.Generator) -> Callable[[str], str]:
    def dress(prompt: str) -> str:
        opener, middle, closer = (str(rng.choice(k)) for k in (_OPENERS, _MIDDLES, _CLOSERS))
        return f"{opener} {middle}\n\n{prompt}\n\n{closer}"

    return dress


def _drop(rng: np.random.Generator) -> Callable[[str], str]:
    def dress(prompt: str) -> str:
        between = " " if prompt.count(" ") > 2 else ""  # characters, in a language that writes no spaces
        words = prompt.split(" ") if between else list(prompt)
        kept = rng.random(len(words)) >= 0.2
        return between.join(w for w, k in zip(words, kept, strict=True) if k).strip() or prompt

    return dress


def _place(text: str, place: str, turn: str) -> Messages:
    if place == "last turn":
        return [{"role": "user", "content": text}]
    last = {"role": "user", "content": turn}
    if place == "earlier turn":
        return [{"role": "user", "content": text}, {"role": "assistant", "content": _READY}, last]
    return [{"role": "system", "content": text}, last]


def _blend(own: list[Messages], share: float, talks: Iterator[Talk], rng: np.random.Generator) -> list[Messages]:
    """Put whole conversations between the requests, until they make up the share."""
    gaps: list[list[Messages]] = [[] for _ in range(len(own) + 1)]
    extra = round(len(own) * share / (1 - share))
    while extra > 0:
        talk = next(talks)[:extra]
        gaps[int(rng.integers(len(gaps)))] += [[{"role": "user", "content": p}] for p in talk]
        extra -= len(talk)
    return gaps[0] + [r for one, gap in zip(own, gaps[1:], strict=True) for r in (one, *gap)]
