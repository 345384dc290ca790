"""Erasure, tombstones, retention, holds, purposes."""
