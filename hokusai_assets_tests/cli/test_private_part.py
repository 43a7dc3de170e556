"""Where a private part decides, a refusal tells none of its numbers, but what fell in public."""

import json
from pathlib import Path

from hokusai_assets.benchmarks.generated import write_generated_benchmark

from .test_commands import hokusai


def test_a_ruined_class_is_named_by_the_public_part_and_no_private_number_is_told(tmp_path: Path):
    folder, file = write_generated_benchmark(tmp_path / "data", seed=7)
    with (folder / "benchmark.yaml").open("a") as stream:
        stream.write(
            "test_split: {public_share: 0.2}\nclass_guardrails: {recall: {max_drop_bps: 300}}\n"
        )
    ruined = tmp_path / "ruined.csv"
    ruined.write_text(file.read_text().replace(',"yes"', ',"no"').replace(",yes", ",no"))
    arguments = ("evaluate", ruined, "-b", "generated")
    data = str(tmp_path / "data")
    done = hokusai(*arguments, "--json", home=tmp_path / "home", HOKUSAI_DATA=data)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    decision = document["delta_one"]
    assert (decision["accepted"], decision["bps"], decision["conditions"]) == (False, None, [])
    assert document["measured_on"] == {"part": "public", "test_rows": 200}
    (told,) = [line for line in document["warnings"] if line.startswith("On the public part")]
    assert "recall of class 'yes' fell by" in told
    shown = hokusai(*arguments, home=tmp_path / "home", HOKUSAI_DATA=data, COLUMNS="300")
    assert told in shown.stdout
