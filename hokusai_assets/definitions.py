"""The Definitions that Dagster loads: this deployment's, from the environment."""

import os

from hokusai_assets.orchestration.build import build_definitions
from hokusai_assets.settings import Settings

defs = build_definitions(Settings.from_environment(os.environ))
