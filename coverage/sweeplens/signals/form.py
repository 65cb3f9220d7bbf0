"""How an account's prompts look: how much that varies, and how dense and how self-contained they are."""

import numpy as np

from sweeplens.signals.account import Account
from sweeplens.signals.ground import FORM, Ground

_FEWEST = 10  # English prompts


def measure_form(account: Account, ground: Ground) -> dict[str, float]:
    """Return how the texts of an account's distinct prompts look.

    spread_*           standard deviation of each number of form
    pack, pack_spread  mean and standard deviation of the compressed length over the length, text by text
    leaning            leaning words ("it", "that", "again") over all words, in its English prompts; a prompt of a set
                       stands on its own. Missing under 10 English prompts.

    All are missing where the text of any prompt is not known.
    """
    own = account.distinct
    if len(own) < 2 or not ground.is_read(own):
        return dict.fromkeys([*(f"spread_{k}" for k in FORM), "pack", "pack_spread", "leaning"], float("nan"))
    spread = ground.form[own].std(0)
    leaning = ground.leaning[own]
    english = leaning[~np.isnan(leaning)]
    out = {f"spread_{k}": float(s) for k, s in zip(FORM, spread, strict=True)}
    return out | {
        "pack": float(ground.pack[own].mean()),
        "pack_spread": float(ground.pack[own].std()),
        "leaning": float(english.mean()) if len(english) >= _FEWEST else float("nan"),
    }
