"""Cartoon faces whose muscles follow expression, valence and arousal."""
