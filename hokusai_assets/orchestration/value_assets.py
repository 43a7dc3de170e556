"""The asset of all contributions at once: what each is worth beside the others."""

import dagster as dg
from pydantic import Field

from hokusai_assets.benchmarks.loading import Benchmark
from hokusai_assets.benchmarks.spec import BenchmarkSpec
from hokusai_assets.evaluation.credit.methods import DEFAULT_METHOD, METHODS
from hokusai_assets.orchestration.asset_wiring import benchmark_wiring
from hokusai_assets.orchestration.descriptions import description_of
from hokusai_assets.orchestration.faults import explained
from hokusai_assets.orchestration.partitions import VALUES_ASSET
from hokusai_assets.orchestration.platform import Platform
from hokusai_assets.orchestration.presentation import json_text, share, values_table
from hokusai_assets.orchestration.stored_contributions import (
    NOT_A_PAYMENT,
    stored_contributions,
    value_stored,
)
from hokusai_assets.orchestration.tracking import Tracking

# Metadata lives in the event log: of more contributions the stored value has the rest.
_SHOWN = 100


class ValuesConfig(dg.Config):
    """How contributions are valued; the defaults need no typing."""

    method: str = Field(DEFAULT_METHOD, description=f"One of {', '.join(METHODS)}.")
    keys: list[str] = Field(
        [], description="Which contributions, in this order; none means all, as they were recorded."
    )
    max_models: int | None = Field(
        None, description="Models that may be trained; without it, what the method needs."
    )


def contribution_values_asset(spec: BenchmarkSpec) -> dg.AssetsDefinition:
    """Return the unpartitioned asset that values all accepted contributions of a benchmark."""
    benchmark_id = spec.id

    @dg.asset(
        **benchmark_wiring(spec, VALUES_ASSET),
        ins={"benchmark": dg.AssetIn([benchmark_id, "benchmark"])},
        # Read one by one, not as an input: a damaged partition must not stop the others.
        deps=[
            dg.AssetDep(
                [benchmark_id, "contributed_data"], partition_mapping=dg.AllPartitionMapping()
            )
        ],
        kinds={"json", "parquet"},
        description=description_of("contribution_values"),
    )
    def contribution_values(
        context: dg.AssetExecutionContext,
        config: ValuesConfig,
        platform: Platform,
        tracking: dg.ResourceParam[Tracking],
        benchmark: Benchmark,
    ):  # no annotation: with one, Dagster takes the value for "Nothing"
        with explained():
            stored = stored_contributions(platform, benchmark, config.keys)
            for left in stored.left_out:
                context.log.warning(f"{left.contribution} is left out: {left.message}")
            value = value_stored(
                benchmark,
                stored,
                config.method,
                max_models=config.max_models,
                on_model=lambda trained, most: context.log.info(f"model {trained} of {most}"),
            )
        document = value.document
        tracking.log_params({"value_method": config.method})
        tracking.log_metrics({"models_trained": document["models_trained"]})
        tracking.log_text(json_text(document), "contribution_values.json")
        shown = document["contributions"][:_SHOWN]
        return dg.MaterializeResult(
            value=value,
            metadata={
                "values": values_table(shown),
                "method": config.method,
                "measure": document["measure"],
                "contributions": len(document["contributions"]),
                "left_out": {left.contribution: left.message for left in stored.left_out[:_SHOWN]},
                "models_trained": document["models_trained"],
                "replicas": document["replicas"],
                "test_part": document["part"] or "none",
                "test_rows": document["test_rows"] or 0,
                "note": NOT_A_PAYMENT,
                **{f"value/{entry['contribution']}": share(entry["value_ppm"]) for entry in shown},
            },
        )

    return contribution_values
