"""Options of commands that verify an attestation: what it is held against."""

from pathlib import Path

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
log_key_option = click.option(
    "--log-key",
    type=EXISTING_FILE,
    help="The public key (PEM) that signs the log's checkpoints, if it is not the issuer's.",
)
predecessors_option = click.option(
    "--predecessors",
    type=EXISTING_FOLDER,
    help="A folder with the attestations (*.dsse.json) of those accepted before it: checks what "
    "was paid before. What else is in it is of no account.",
)
log_proof_option = click.option(
    "--log-proof",
    type=EXISTING_FILE,
    help="A proof (`hokusai log prove`) that it is in the issuer's log.",
)


def attestations_in(folder: Path | None) -> list[Path]:
    """Return the attestations in a folder, by name; none of no folder."""
    return sorted(folder.glob("*.dsse.json")) if folder is not None else []
