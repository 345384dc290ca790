"""The eight expressions in AffectNet's order. No other order exists anywhere in the system."""

from typing import Final

EXPRESSIONS: Final = (
    "Neutral",
    "Happy",
    "Sad",
    "Surprise",
    "Fear",
    "Disgust",
    "Anger",
    "Contempt",
)
"""Label names; the index in this tuple is the label's id in files, arrays and tables."""

PROBABILITY_COLUMNS: Final = tuple(f"p_{name.lower()}" for name in EXPRESSIONS)
"""Column names of the eight probabilities, in label order, in tables and parquet files."""

DIMENSIONS: Final = ("valence", "arousal")
"""The two affect dimensions, each in [-1, 1]; the order of the last axis of every V/A array."""
