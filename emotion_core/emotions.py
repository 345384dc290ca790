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

MIN_PER_EXPRESSION: Final = 2
"""Labelled images without which no set is divided: one to train on and one to validate with."""

DIMENSIONS: Final = ("valence", "arousal")
"""The two affect dimensions, each in [-1, 1]; the order of the last axis of every V/A array."""
