"""Telling an unforeseen error by its kind and place, without its message, which may quote data."""

import os
import traceback

_PACKAGE = f"{os.sep}hokusai_assets{os.sep}"


def without_message(error: BaseException) -> str:
    """Return a sentence that names the error's class and where in this package it arose."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next((f for f in reversed(frames) if _PACKAGE in f.filename), None)
    where = f" at {place.filename.rsplit(_PACKAGE, 1)[-1]}:{place.lineno}" if place else ""
    return (
        f"{type(error).__name__}{where}; its message is withheld because it may quote "
        "contributed data"
    )
