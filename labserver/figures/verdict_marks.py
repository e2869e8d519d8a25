"""How a verdict on the note looks wherever it is shown: a sign, and a tint behind dark text.

The tints are Okabe and Ito's colours, lightened so that `INK` on them has a contrast of at least
7 to 1 in both themes. The sign says the same to those who cannot tell the colours apart.
"""

from __future__ import annotations

MARKS = {
    "holds": ("#8CD4BC", "✓"),
    "holds when": ("#F0CB7F", "~"),
    "does not hold": ("#EEA37B", "✗"),
    "undecided": ("#CFCFCF", "?"),
}
INK = "#1A1A1A"
