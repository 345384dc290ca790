"""Names that no sender means: what file servers, desktops and copying programs leave in a folder.

A folder of such a name is not walked into.
"""

from typing import Final

NAMES: Final = frozenset(
    {
        b"@eadir",  # Synology: thumbnails and indexes
        b"#recycle",
        b"#snapshot",
        b"@tmp",
        b"@recycle",  # QNAP
        b"@recently-snapshot",
        b"~snapshot",  # NetApp
        b"lost+found",
        b"__macosx",  # macOS
        b"icon\r",
        b"network trash folder",
        b"temporary items",
        b"$recycle.bin",  # Windows
        b"recycler",
        b"system volume information",
        b"thumbs.db",
        b"ehthumbs.db",
        b"desktop.ini",
        b"_temporary",  # Hadoop and Spark: output that is not committed yet
    }
)
"""In small letters; compared without regard to case."""

ENDINGS: Final = (
    b".tmp",
    b".temp",
    b".part",
    b".partial",
    b".filepart",
    b".crdownload",
    b".opdownload",
    b".download",
    b".aria2",
    b"._copying_",  # Hadoop
    b"_$folder$",
    b"@synoeastream",  # Synology
    b"@synoresource",
)
"""Of copies that are not finished, and of what goes beside a file."""

BEGINNINGS: Final = (
    # Most of them: .DS_Store, ._x.jpg, .Trash-1000, .snapshot, .stversions, .@__thumb, .nfs…,
    # .fuse_hidden…, .~lock…, and .x.jpg.Ab12Cd, a file that rsync is still writing.
    b".",
    b"~$",  # Office
)


def is_clutter(name: bytes) -> bool:
    """Whether a file or folder of this name is ignored and counted, unless a manifest lists it."""
    small = name.lower()
    return small.startswith(BEGINNINGS) or small.endswith(ENDINGS) or small in NAMES
