"""Folder names from keys. Airflow's run ids hold ``:`` and ``+``; folders and URLs must not."""

import hashlib
import re


def folder_name(key: str) -> str:
    """A name safe for folders and URLs, the same for the same key, different for different keys.

    Keys that are already safe stay readable as they are; any other gets eight hex digits of its
    SHA-256 so that two keys which differ only in what was replaced do not meet.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", key).strip("._")[:100]
    if safe == key:
        return safe
    return f"{safe}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
