"""Runs a command with the words of an environment variable behind it.

    python scripts/with_words.py ARGS command …

Words are told apart as a shell does it, by quotes and spaces, and ``~`` is the home; but no shell
runs them: dollars, semicolons and backticks are letters like others.
"""

import os
import shlex
import sys


def main() -> None:
    """Become the command, or end with a sentence when a quote is left open."""
    variable, *command = sys.argv[1:]
    text = os.environ.get(variable, "")
    try:
        words = shlex.split(text)
    except ValueError as error:
        sys.exit(f"error: {variable} is {text!r}: {error}; put quotes around such a word")
    os.execvp(command[0], [*command, *map(os.path.expanduser, words)])  # noqa: S606


if __name__ == "__main__":
    main()
