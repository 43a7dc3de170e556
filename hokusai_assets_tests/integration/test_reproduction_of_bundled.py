"""Long: every bundled contribution, evaluated in turn, is reproduced hash by hash by a stranger."""

import json
from pathlib import Path

import pytest

from hokusai_assets_tests.cli.test_commands import DATA, hokusai

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("benchmark", ["sms-spam", "adult-income", "letter"])
def test_all_bundled_contributions_are_reproduced(benchmark: str, tmp_path: Path):
    home, files = tmp_path / "home", DATA / "contributions" / benchmark
    attestations = []
    for file in sorted(path for path in files.iterdir() if path.name.startswith("batch-")):
        if file.name.endswith(".contribution.yaml"):
            continue
        done = hokusai("evaluate", file, "-b", benchmark, "--json", home=home)
        assert done.returncode == 0, done.stderr
        attestations.append(Path(json.loads(done.stdout)["attestation"]))
    assert len(attestations) >= 4
    history = tmp_path / "history"
    history.write_text(hokusai("benchmarks", "history", benchmark, home=home).stdout)
    for attestation in attestations:
        (public_key,) = attestation.parent.glob("public_key.*.pem")
        arguments = ("--public-key", public_key, "--contributions", files, "--history", history)
        arguments += ("--predecessors", attestation.parent)
        # With a home of its own, which knows nothing of what was evaluated.
        verified = hokusai(
            "verify", attestation, *arguments, "--reproduce", "--json", home=tmp_path / "stranger"
        )
        checks = json.loads(verified.stdout)["checks"]
        by_name = {check["name"]: check for check in checks}
        for name in ("reproduced", "predecessors"):
            assert by_name[name]["outcome"] == "pass", by_name[name]["detail"]
        assert "the same models to the byte" in by_name["reproduced"]["detail"]
        assert verified.returncode == 0
