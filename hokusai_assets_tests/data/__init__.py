"""Tests of the bundled data sets."""
