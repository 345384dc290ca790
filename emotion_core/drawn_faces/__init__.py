"""Cartoon faces whose muscles follow expression, valence and arousal; a data set of them."""
