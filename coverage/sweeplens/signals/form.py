"""How uniform the look of an account's prompts is. Spreads only: what a style is says less than how much it varies."""

from sweeplens.signals.account import Account
from sweeplens.signals.ground import FORM, Ground


def measure_form(account: Account, ground: Ground) -> dict[str, float]:
    """Return the standard deviation of each number of form over the distinct prompts, and of their compressibility."""
    own = account.distinct
    if len(own) < 2:
        return dict.fromkeys([*(f"spread_{k}" for k in FORM), "pack", "pack_spread"], float("nan"))
    spread = ground.form[own].std(0)
    out = {f"spread_{k}": float(s) for k, s in zip(FORM, spread, strict=True)}
    return out | {"pack": float(ground.pack[own].mean()), "pack_spread": float(ground.pack[own].std())}
