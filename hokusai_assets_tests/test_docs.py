"""The documents say what the code does: commands, keys, variables, rules and links are real."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from pydantic import BaseModel

from hokusai_assets import settings
from hokusai_assets.benchmarks.spec import ESTIMATOR_NAMES, METRIC_NAMES, BenchmarkSpec
from hokusai_assets.cli.main import main
from hokusai_assets.tables.columns import COLUMN_TYPES

ROOT = Path(__file__).resolve().parent.parent
PIPELINE = ROOT / "docs" / "PIPELINE_README.md"
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    PIPELINE,
    ROOT / "docs" / "DECISIONS.md",
    ROOT / "docs" / "EVALUATION.md",
]
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def commands(document: Path) -> Iterator[str]:
    """Yield every `hokusai ...` command of a document: shown on a line of its own, or in a text."""
    text = document.read_text(encoding="utf-8")
    for line in text.splitlines():
        if re.match(r" {4}\S", line) and "hokusai " in line:
            yield re.sub(r"^(?:\w+=\S+ +)*(?:\S*/)?(?=hokusai )", "", line.strip())
    for inline in re.findall(r"`([^`\n]+)`", _FENCE.sub("", text)):
        if inline.startswith("hokusai "):
            yield inline


SHOWN = sorted({(path.name, command) for path in DOCUMENTS for command in commands(path)})


def test_commands_are_found():
    assert {name for name, _ in SHOWN} >= {"README.md", "PIPELINE_README.md", "CONTRIBUTING.md"}
    assert len(SHOWN) > 15


@pytest.mark.parametrize(("document", "command"), SHOWN)
def test_command_parses(document: str, command: str):
    words = shlex.split(command.partition(" #")[0])
    assert words[0] == "hokusai"
    verb: click.Command = main
    context = click.Context(main, info_name="hokusai")
    words = words[1:]
    while isinstance(verb, click.Group) and words and not words[0].startswith("-"):
        found = verb.get_command(context, words[0])
        assert found is not None, f"{document}: no command {words[0]!r}"
        verb, words = found, words[1:]
        context = click.Context(verb, parent=context, info_name=verb.name)
    _, leftover, _ = verb.make_parser(context).parse_args(list(words))
    assert not leftover, f"{document}: {leftover} is too much in {command!r}"
    for word in words:
        if word.startswith("data/"):
            assert (ROOT / word).exists(), f"{document}: {word} does not exist"


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def spec_keys(model: type[BaseModel] = BenchmarkSpec, prefix: str = "") -> Iterator[str]:
    """Yield every key of benchmark.yaml as the document writes it: `model.text.min_df`."""
    for name, field in model.model_fields.items():
        nested = list(models_in(field.annotation))
        if not nested:
            yield prefix + name
        # Keys of these two mappings are the spec's own words: columns.<name>.type.
        between = {"columns": "<name>.", "guardrails": "<metric>."}.get(name, "")
        for part in nested:
            yield from spec_keys(part, f"{prefix}{name}.{between}")


def described_rows(heading: str) -> dict[str, str]:
    """Return the first cell's code words of each table row in a section, with the row's text."""
    section = PIPELINE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            for word in re.findall(r"`([^`]+)`", line.split("|")[1]):
                rows[word] = line
    return rows


def test_every_spec_key_has_a_row():
    described = described_rows("2. benchmark.yaml")
    keys = set(spec_keys())
    assert {"id", "data.train", "columns.<name>.pii", "guardrails.<metric>.max_drop_bps"} <= keys
    assert keys <= set(described)
    assert set(described) <= keys | {"columns"}


def test_spec_defaults_are_the_described_ones():
    described = described_rows("2. benchmark.yaml")
    models = {
        name: part
        for name, field in BenchmarkSpec.model_fields.items()
        for part in models_in(field.annotation)
    }
    nested = {
        f"intake.{name}": part
        for name, field in models["intake"].model_fields.items()
        for part in models_in(field.annotation)
    }
    for section, model in {
        **{name: models[name] for name in ("delta_one", "intake")},
        **nested,
    }.items():
        for name, field in model.model_fields.items():
            if list(models_in(field.annotation)):
                continue
            default = described[f"{section}.{name}"].split("|")[3].strip(" `")
            assert default == str(field.default), f"{section}.{name}"


@pytest.mark.parametrize("word", [*ESTIMATOR_NAMES, *METRIC_NAMES, *COLUMN_TYPES])
def test_every_choice_of_the_spec_is_named(word: str):
    assert f"`{word}`" in PIPELINE.read_text(encoding="utf-8")


def test_every_environment_variable_has_a_row():
    assert settings.__doc__ is not None
    table = "\n".join(line for line in settings.__doc__.splitlines() if line.startswith("|"))
    variables = set(re.findall(r"\b(?:HOKUSAI|MLFLOW)_[A-Z_]+", table))
    assert "HOKUSAI_HOME" in variables
    assert variables == set(described_rows("3. Environment variables"))


# What is called with the name of a rule.
_NAMES_A_RULE = {"Problem", "LabelCheck", "_compared", "_problem", "_refuse", "add", "refuse"}


def rules_in_code() -> set[str]:
    """Return the rule of every problem that the package makes."""
    rules = set()
    for path in (ROOT / "hokusai_assets").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called not in _NAMES_A_RULE:
                continue
            given = [*node.args[:2], *(k.value for k in node.keywords if k.arg == "rule")]
            rules |= {
                part.value
                for part in given
                if isinstance(part, ast.Constant)
                and isinstance(part.value, str)
                and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", part.value)
            }
    return rules


def test_the_rules_described_are_those_of_the_code():
    rules = rules_in_code()
    assert {"unknown-label", "bad-manifest", "wrong-type"} <= rules
    assert rules == set(described_rows("6. Rules that reject"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings(document: Path):
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), f"{document.name}: {target}"
        if heading:
            assert heading in anchors(path), f"{document.name}: {target}"


def anchors(document: Path) -> set[str]:
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
