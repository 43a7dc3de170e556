"""Settings of a deployment, read from the environment in this one place.

| variable | meaning | default |
|---|---|---|
| HOKUSAI_HOME | folder for all that runs write | ``.hokusai`` in the working directory |
| HOKUSAI_DATA | folder with ``benchmarks/`` and ``drops/`` | ``data`` in the working directory |
| HOKUSAI_DROPS | where drops arrive: a folder or an fsspec URL | ``<HOKUSAI_DATA>/drops`` |
| HOKUSAI_MODE | ``development`` or ``production`` (demands given keys) | ``development`` |
| HOKUSAI_TRACKING | ``required`` or ``optional``; overrides each benchmark's ``tracking`` | unset |
| HOKUSAI_WITNESS | ``on`` writes a prover's witness beside each attestation | ``off`` |
| HOKUSAI_PII_KEY, HOKUSAI_PII_KEY_FILE | key for pseudonyms, 64 or more hex digits | generated |
| HOKUSAI_SIGNING_KEY, HOKUSAI_SIGNING_KEY_FILE | PEM, or ``awskms:ID`` | the home's |
| HOKUSAI_ATTESTER_KEY, HOKUSAI_ATTESTER_KEY_FILE | secp256k1 private key, 64 hex digits | unset |
| HOKUSAI_TRACKING_SECONDS | how long a run waits for MLflow in all | ``120`` |
| HOKUSAI_LOG_MODELS | ``off`` keeps models out of MLflow | ``on`` |
| HOKUSAI_DAGSTER_URL | of Dagster's web UI, for links from MLflow | unset; `hokusai dev` sets it |
| HOKUSAI_MLFLOW_URL | of MLflow's web UI, for links from Dagster | as above; an http tracking URI |
| HOKUSAI_RETENTION_DAYS | age from which superseded Dagster runs are pruned | unset: none is |
| HOKUSAI_NOTIFY_WEBHOOK | URL that failures are posted to as JSON | unset |
| HOKUSAI_NOTIFY_EMAIL | addresses that failures are mailed to, comma between | unset |
| HOKUSAI_NOTIFY_REJECTED | ``on`` tells of rejected contributions too | ``off`` |
| HOKUSAI_SMTP_SERVER | mail server, ``host:port`` | ``localhost:25`` |
| HOKUSAI_SMTP_TLS | ``off``, ``starttls`` or ``tls`` | ``starttls`` |
| HOKUSAI_SMTP_FROM | sender's address | ``hokusai@localhost`` |
| HOKUSAI_SMTP_USER, HOKUSAI_SMTP_PASSWORD | login, where the server asks for one | unset |
| MLFLOW_TRACKING_URI | MLflow's store or server | SQLite in the home |
| MLFLOW_EXPERIMENT_NAME | experiment that runs are logged to | ``hokusai-pipeline`` |
| MLFLOW_ARTIFACT_ROOT | where a new experiment keeps artifacts | folder in the home |

Keys are read where they are used, never stored in settings, so no log of settings holds one.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_MODES = ("development", "production")
_TRACKING = ("required", "optional")
_SWITCH = ("on", "off")
_TLS = ("starttls", "off", "tls")
ATTESTATION_ENDING = ".dsse.json"
HASH_IN_NAME = 12
"""How many characters of its hash the name of an attestation's file has."""
_ADDRESS = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")
_FIX = "give a folder that this user can read"


class SettingsError(ValueError):
    """An environment variable has a value that is not allowed; names it and what is."""


@dataclass(frozen=True)
class Settings:
    """Where a deployment keeps things and how strict it is; see the module for the variables."""

    home: Path
    data: Path
    drops: str
    production: bool = False
    tracking: str | None = None
    mlflow_tracking_uri: str = ""
    mlflow_experiment: str = "hokusai-pipeline"
    mlflow_artifact_root: str | None = None
    dry_run: bool = False
    witness: bool = False
    tracking_seconds: float = 120.0
    log_models: bool = True
    dagster_url: str = ""
    mlflow_url: str = ""
    retention_days: int | None = None
    notify_webhook: str = ""
    notify_email: tuple[str, ...] = ()
    notify_rejected: bool = False
    smtp_server: str = "localhost:25"
    smtp_tls: str = "starttls"
    smtp_from: str = "hokusai@localhost"

    @property
    def benchmarks(self) -> Path:
        """Folder with one folder per benchmark."""
        return self.data / "benchmarks"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own folder."""
        return self.home / "dagster"

    @property
    def storage(self) -> Path:
        """What assets hold."""
        return self.home / "storage"

    @property
    def attestations(self) -> Path:
        """Issued attestations, one folder per benchmark."""
        return self.home / "attestations"

    @property
    def keys(self) -> Path:
        """The home's keys and the records of them."""
        return self.home / "keys"

    def contributions(self, benchmark_id: str) -> Path:
        """Store of a benchmark's contributions as they came."""
        return self.home / "contributions" / benchmark_id

    @property
    def scratch(self) -> Path:
        """Folders of running steps, each removed when its step ends."""
        return self.home / "scratch"

    @property
    def run_marks(self) -> Path:
        """What Dagster runs that have a process hold, each a locked file."""
        return self.home / "running"

    @property
    def model_lock(self) -> Path:
        """Held while a model is registered in MLflow, so that none is registered twice."""
        return self.home / "mlflow" / "models.lock"

    def row_index(self, benchmark_id: str) -> Path:
        """Index of the rows that a benchmark's accepted contributions brought."""
        return self.home / "row_index" / benchmark_id

    def ledger(self, benchmark_id: str) -> Path:
        """Ledger of what was settled on a benchmark."""
        return self.home / "ledger" / f"{benchmark_id}.jsonl"

    def outcomes(self, benchmark_id: str) -> Path:
        """Index of what may be told of a benchmark's contributions; made anew when it is lost."""
        return self.home / "outcomes" / f"{benchmark_id}.jsonl"

    def attestation_file(self, benchmark_id: str, key: str, attestation_hash: str) -> Path:
        """Where an issued attestation is kept; a different one never replaces it."""
        return self.attestations / benchmark_id / attestation_name(key, attestation_hash)

    @property
    def log(self) -> Path:
        """Log of all issued attestations."""
        return self.home / "log"

    def witness_file(self, benchmark_id: str, key: str, attestation_hash: str) -> Path:
        """Where the private witness of an attestation is kept, if the operator wants one."""
        return self.home / "witness" / benchmark_id / f"{key}.{attestation_hash[:12]}.json"

    def report_file(self, benchmark_id: str, key: str | None) -> Path:
        """Where the page of a contribution goes, or with None that of the benchmark itself."""
        # No key starts with an underscore.
        return self.home / "reports" / benchmark_id / f"{key or '_benchmark'}.html"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises:
            SettingsError: a variable has a value that is not allowed, or names a folder that
                can't be read.
        """
        home = _folder(environment, "HOKUSAI_HOME", ".hokusai")
        data = _folder(environment, "HOKUSAI_DATA", "data")
        mode = _one_of(environment, "HOKUSAI_MODE", _MODES) or "development"
        uri = environment.get("MLFLOW_TRACKING_URI")
        artifacts = environment.get("MLFLOW_ARTIFACT_ROOT")
        if not uri:
            uri = f"sqlite:///{home / 'mlflow' / 'mlflow.db'}"
            artifacts = artifacts or (home / "mlflow" / "artifacts").as_uri()
        return cls(
            home=home,
            data=data,
            drops=_folder_or_url(environment, "HOKUSAI_DROPS", data / "drops"),
            production=mode == "production",
            tracking=_one_of(environment, "HOKUSAI_TRACKING", _TRACKING),
            mlflow_tracking_uri=uri,
            mlflow_experiment=environment.get("MLFLOW_EXPERIMENT_NAME") or "hokusai-pipeline",
            mlflow_artifact_root=artifacts,
            witness=_one_of(environment, "HOKUSAI_WITNESS", _SWITCH) == "on",
            tracking_seconds=_seconds(environment, "HOKUSAI_TRACKING_SECONDS", "120"),
            log_models=_one_of(environment, "HOKUSAI_LOG_MODELS", _SWITCH) != "off",
            dagster_url=environment.get("HOKUSAI_DAGSTER_URL") or "",
            retention_days=_days(environment, "HOKUSAI_RETENTION_DAYS"),
            notify_webhook=_web_address(environment, "HOKUSAI_NOTIFY_WEBHOOK"),
            notify_email=_addresses(environment, "HOKUSAI_NOTIFY_EMAIL"),
            notify_rejected=_one_of(environment, "HOKUSAI_NOTIFY_REJECTED", _SWITCH) == "on",
            smtp_server=_server(environment, "HOKUSAI_SMTP_SERVER", "localhost:25"),
            smtp_tls=_one_of(environment, "HOKUSAI_SMTP_TLS", _TLS) or "starttls",
            smtp_from=(_addresses(environment, "HOKUSAI_SMTP_FROM") or ("hokusai@localhost",))[0],
            mlflow_url=environment.get("HOKUSAI_MLFLOW_URL") or (uri if "http" in uri[:4] else ""),
        )


def attestation_name(key: str, attestation_hash: str) -> str:
    """Return what an issued attestation's file is called."""
    return f"{key}.{attestation_hash[:HASH_IN_NAME]}{ATTESTATION_ENDING}"


def _folder(environment: Mapping[str, str], name: str, default: str) -> Path:
    """Return an absolute folder, there or not; one that may not be read is told at once."""
    folder = _absolute(name, environment.get(name) or default)
    try:
        with os.scandir(folder):
            pass
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise SettingsError(f"{name}: {folder} can't be read: {error.strerror}; {_FIX}") from None
    return folder


def _folder_or_url(environment: Mapping[str, str], name: str, default: Path) -> str:
    text = environment.get(name) or str(default)
    # Whoever only sends may write to a drop folder without listing it.
    return text if "://" in text else str(_absolute(name, text))


def _absolute(name: str, text: str) -> Path:
    try:
        # Here and now: the daemon's working directory may be another.
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError):
        # The working directory is gone, an unknown `~user`, a ring of links, a NUL.
        raise SettingsError(f"{name}: its path leads nowhere; {_FIX}") from None


def _days(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 36_500):
        raise SettingsError(f"{name}: give a whole number of days from 1 up, found {text!r}")
    return int(text)


def _web_address(environment: Mapping[str, str], name: str) -> str:
    # The value is not repeated: a webhook's address often is its password.
    text = environment.get(name) or ""
    if text and not text.startswith(("http://", "https://")):
        raise SettingsError(f"{name}: give an address that begins with http:// or https://")
    return text


def _addresses(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = [one.strip() for one in (environment.get(name) or "").split(",") if one.strip()]
    if wrong := [one for one in found if not _ADDRESS.fullmatch(one)]:
        raise SettingsError(f"{name}: {wrong[0]!r} is no e-mail address")
    return tuple(found)


def _server(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name) or default
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise SettingsError(f"{name}: give host:port, found {text!r}")
    return text


def _one_of(environment: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    value = environment.get(name)
    if value and value not in allowed:
        raise SettingsError(f"{name}: found {value!r}, allowed are {', '.join(allowed)}")
    return value or None


def _seconds(environment: Mapping[str, str], name: str, default: str) -> float:
    value = environment.get(name) or default
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise SettingsError(f"{name}: found {value!r}, allowed is a number of seconds above 0")
    return seconds
