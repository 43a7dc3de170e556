"""Tests of finding and hashing personal data."""
