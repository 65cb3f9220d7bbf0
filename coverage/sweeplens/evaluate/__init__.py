"""How well accounts and campaigns of a snapshot agree with labels, beside the published detectors."""
