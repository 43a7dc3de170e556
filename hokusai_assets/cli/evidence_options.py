"""Options of commands that verify an attestation: what it is held against."""

import click

from hokusai_assets.cli.common_options import EXISTING_FILE, EXISTING_FOLDER

predictions_option = click.option(
    "--predictions",
    multiple=True,
    type=EXISTING_FILE,
    help="A per-row Parquet file (repeat for the settlement's own): checks the commitments and "
    "computes every metric again.",
)
data_option = click.option(
    "--data",
    "data_folder",
    type=EXISTING_FOLDER,
    help="A data folder with benchmarks/<id>/: checks what is stated of the benchmark.",
)
log_proof_option = click.option(
    "--log-proof",
    type=EXISTING_FILE,
    help="A proof (`hokusai log prove`) that it is in the issuer's log.",
)
