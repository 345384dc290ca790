"""``python -m emotion_core.cli``."""

from emotion_core.cli import main

main()
