"""Tests of hokusai_assets.evaluation, a module each."""
