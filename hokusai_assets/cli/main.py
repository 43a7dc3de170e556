"""The `hokusai` command and its verbs."""

import importlib
import os
import sys
import warnings

import click

import hokusai_assets

_VERBS = {
    "check": "hokusai_assets.cli.check",
    "evaluate": "hokusai_assets.cli.evaluate",
    "report": "hokusai_assets.cli.report",
    "verify": "hokusai_assets.cli.verify",
    "prove-row": "hokusai_assets.cli.prove_row",
    "mint-request": "hokusai_assets.cli.mint_request",
    "log": "hokusai_assets.cli.log",
    "export": "hokusai_assets.cli.export",
    "keys": "hokusai_assets.cli.keys",
    "value": "hokusai_assets.cli.value",
    "promote": "hokusai_assets.cli.promote",
    "backfill": "hokusai_assets.cli.backfill",
    "benchmarks": "hokusai_assets.cli.benchmarks",
    "metrics": "hokusai_assets.cli.metrics",
    "dev": "hokusai_assets.cli.dev",
}

_VERB = "hokusai.verb"
# As shells number the end by SIGINT.
INTERRUPTED = 130

# Packages of the extra `platform`, without which files are verified all the same.
_PLATFORM = ("dagster", "dagster_mlflow", "fsspec", "matplotlib", "mlflow", "sqlalchemy")


class _LazyVerbs(click.Group):
    """Imports a verb's module when it is asked for: `--help` needs neither Dagster nor MLflow."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        ctx.meta[_VERB] = cmd_name
        command: click.Command = importlib.import_module(_VERBS[cmd_name]).command
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # It is how `dev` is ended; it only wasn't up yet.
            if ctx.meta.get(_VERB) == "dev":
                raise SystemExit(0) from None
            # A terminal has just shown ^C.
            click.echo("\nInterrupted." if sys.stderr.isatty() else "Interrupted.", err=True)
            raise SystemExit(INTERRUPTED) from None
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _PLATFORM:
                raise
            raise click.ClickException(
                f"this needs the platform, and {error.name} is not installed: "
                "pip install 'hokusai-assets[platform]'"
            ) from None


@click.command(
    cls=_LazyVerbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "Exit codes: 0 done, 1 platform fault, 2 wrong usage, 3 contribution rejected by a rule, "
        "130 interrupted. Settings come from the environment (HOKUSAI_HOME, HOKUSAI_DATA, "
        "HOKUSAI_MODE, HOKUSAI_TRACKING, MLFLOW_TRACKING_URI ...): see docs/PIPELINE_README.md."
    ),
)
@click.version_option(hokusai_assets.__version__, prog_name="hokusai")
def main() -> None:
    """Measure how much contributed data improves a model, and attest it.

    \b
    Try it without touching anything real:
        hokusai evaluate --dry-run
    Check a file before you send it:
        hokusai check data/contributions/sms-spam/batch-01.csv --benchmark sms-spam
    Evaluate a contribution:
        hokusai evaluate data/test_fixtures/test_queries.csv --benchmark sms-spam
    Make a page of it to send to someone:
        hokusai report KEY -o report.html
    Check what came out, as a stranger would:
        hokusai verify ATTESTATION --public-key KEY.pem
    Sign what it entitles to, for a contract:
        hokusai mint-request ATTESTATION --contract ADDR --chain-id N --model-id N
    See whether any contribution is attested twice:
        hokusai log check
    See what each contribution is worth beside the others:
        hokusai value --benchmark sms-spam
    Put what was accepted into the base set, as a new version of the benchmark:
        hokusai promote --benchmark sms-spam
    Watch it in the browser, drop files into data/drops/<benchmark>/:
        hokusai dev
    """
    # Dagster and MLflow announce their beta features at every start; no user can act on it.
    warnings.filterwarnings("ignore", module=r"(dagster|dagster_mlflow|mlflow|hokusai_assets)\b")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")


if __name__ == "__main__":
    main()
