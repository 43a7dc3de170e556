"""`hokusai prove-row`: open one test row of an attestation, with the proof that it is in it."""

import json
from pathlib import Path

import click

from hokusai_assets.cli.common_options import EXISTING_FILE, EXISTING_FOLDER, REJECTED


@click.command("prove-row")
@click.argument("attestation", type=EXISTING_FILE)
@click.option(
    "--predictions",
    required=True,
    type=EXISTING_FILE,
    help="The per-row Parquet file that `hokusai evaluate --json` names.",
)
@click.option("--row", metavar="DIGEST", help="The row, by its digest (64 hex digits).")
@click.option("--index", type=click.IntRange(min=0), help="The row, by its place from 0.")
@click.option(
    "--data",
    "data_folder",
    type=EXISTING_FOLDER,
    help="A data folder with benchmarks/<id>/: also opens the row itself, its cells.",
)
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="Write here. Default: standard output."
)
def command(
    attestation: Path,
    predictions: Path,
    row: str | None,
    index: int | None,
    data_folder: Path | None,
    out: Path | None,
) -> None:
    """Open one test row of ATTESTATION: what both models said of it, with audit paths.

    Whoever has the attestation checks it: `hokusai verify ATTESTATION --row-proof FILE`. Other rows
    stay closed. Exits 3 when the files do not belong together.
    """
    if (row is None) == (index is None):
        raise click.UsageError("give --row DIGEST or --index N")
    import pyarrow as pa
    import pyarrow.parquet as pq

    from hokusai_assets.attestation.benchmark_check import attested_benchmark
    from hokusai_assets.attestation.envelope import NoEnvelope, open_envelope
    from hokusai_assets.attestation.relations import Broken
    from hokusai_assets.attestation.row_proof import NoSuchRow, prove_row
    from hokusai_assets.canonical.rows import row_bytes
    from hokusai_assets.privacy.tokens import reduce_table

    try:
        _, statement = open_envelope(attestation.read_bytes())
        opened = None
        if data_folder is not None:
            test = attested_benchmark(statement["predicate"]["claim"], data_folder).test
            cells = row_bytes(reduce_table(test.table))
            opened = {d.hex(): data for d, data in zip(test.digests, cells, strict=True)}
        choice = row if row is not None else index
        assert choice is not None
        proof = prove_row(statement, pq.read_table(predictions), choice, row_bytes=opened)
    except NoSuchRow as error:
        raise click.UsageError(str(error)) from None
    except (NoEnvelope, Broken) as error:
        raise _refused(str(error)) from None
    except (LookupError, TypeError, ValueError, OSError, pa.ArrowException) as error:
        raise _refused(
            f"the files are not an attestation and its per-row file ({type(error).__name__})"
        ) from None
    text = json.dumps(proof, indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        click.echo(f"Wrote {out}; check it: hokusai verify {attestation} --row-proof {out}")


def _refused(message: str) -> click.ClickException:
    refusal = click.ClickException(message)
    refusal.exit_code = REJECTED
    return refusal
