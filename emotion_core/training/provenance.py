"""What a result was made with: library versions and the project's own revision."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version

from emotion_core import __version__
from emotion_core.settings import PACKAGE_DIR

_LIBRARIES = ("torch", "torchvision", "numpy", "pandas", "pillow", "safetensors")


def library_versions() -> dict[str, str]:
    """Of Python, this package and every library that takes part in training."""
    versions = {"python": platform.python_version(), "emotion_core": __version__}
    for library in _LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:  # e.g. a torch that was built in place
            versions[library] = "unknown"
    return versions


def git_revision() -> str | None:
    """The commit of the checkout that this package lies in; None when it lies in none."""
    project = PACKAGE_DIR.parent
    if not (project / ".git").exists():  # do not report a repository around an installation
        return None
    try:
        found = subprocess.run(  # noqa: S603
            ["git", "-C", str(project), "rev-parse", "--verify", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):  # no git, no commit yet, not our folder
        return None
    return found.stdout.strip() or None
