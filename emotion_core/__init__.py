"""Train, compare and nightly apply facial-emotion networks; everything they say is in Postgres."""

__version__ = "0.1.0"
