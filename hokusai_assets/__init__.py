"""Hokusai measures how much a data contribution improves a model, and attests it."""

__version__ = "0.1.0"
