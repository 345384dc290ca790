"""Pixels and networks: decoding, preprocessing, two-headed networks, inference. No database."""
