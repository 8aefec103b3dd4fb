"""Texts that others wrote (names, paths, notes), put where they can do no harm."""

from __future__ import annotations

import hashlib
import re

# The last three begin bare links: https://, www. and a mail address.
_MARKUP = re.compile(r"[\\`*<|~]|(?<![^\W_])_|_(?![^\W_])|\](?=[\[(:])|&(?=#?\w+;)|:(?=//)|(?<=www)\.|@(?=\w)")


def file_name(name: str) -> str:
    """A text as a part of a file's name: itself where that is harmless, else its harmless characters and a digest.

    >>> file_name("coin-seed1"), file_name("../../evil")
    ('coin-seed1', 'evil-0fbfd372')
    """
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    kept = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip(".-")[:80]
    return kept if kept and kept == name else f"{kept or 'unnamed'}-{digest}"


def in_markdown(text: str) -> str:
    """A text as Markdown that shows it as it is: on one line, without markup, also within a table."""
    return _MARKUP.sub(r"\\\g<0>", one_line(text))


def in_code(text: str) -> str:
    """A text as it may stand between backticks in Markdown, which nothing within it can end; also within a table."""
    return one_line(text).replace("`", "'").replace("|", "\\|")


def one_line(text: str) -> str:
    """A text on one line, with nothing in it that cannot be seen."""
    return " ".join(visible(text).split())


def visible(text: str) -> str:
    """A text in which characters that cannot be written or seen (NUL, half of a surrogate pair) are escape codes."""
    return "".join(c if c.isprintable() or c.isspace() else c.encode("unicode-escape").decode() for c in text)
