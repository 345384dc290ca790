"""The machine that this runs on: who runs it, and what it refuses, in words."""

import errno
import getpass
import os

from emotion_core.settings import Settings


def user_name() -> str:
    """Whoever runs this; the number of a user without a name, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError before Python 3.13
        return str(os.getuid())


def sentence(error: OSError) -> str | None:
    """What the machine refuses, in words; None for what should not happen at all."""
    place = error.filename or Settings.from_environment().home
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"the disk is full ({place}); make room and try again: nothing has to be undone"
        case errno.EACCES | errno.EPERM:
            return f"{place} may not be read or written by this user; set EMOTION_HOME elsewhere"
        case errno.EROFS:
            return f"{place} cannot be written to; set EMOTION_HOME to a folder on another disk"
        case errno.EMFILE | errno.ENFILE | errno.ENOMEM | errno.EAGAIN:
            return f"the machine has no room for more: {error.strerror}; close something"
        case errno.ENOENT | errno.ENOTDIR | errno.EISDIR | errno.EEXIST | errno.ENAMETOOLONG:
            return f"{place}: {error.strerror}"
    return None
