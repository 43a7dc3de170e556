"""The sensor that tells people of failed runs."""

import dagster as dg

from hokusai_assets.orchestration.notifications import Notification, Notifier
from hokusai_assets.orchestration.run_outcome import how_it_ended
from hokusai_assets.orchestration.tracking import benchmark_of, contribution_of, run_url

FAILURE_SENSOR = "failures"
_UNEXPLAINED = "It failed in a way that nobody foresaw; the run's page has the error."
_NO_STEP = "The run ended before or between its steps; the run's page says more."
_REJECTED = "It breaks a rule of the benchmark; contributed_data's metadata has the reasons."


def build_failure_sensor(notifier: Notifier) -> dg.SensorDefinition:
    """Return the sensor that tells of each failed run, of any job; on, since receivers are set."""

    @dg.run_failure_sensor(
        name=FAILURE_SENSOR,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description=(
            "Tells the webhook and e-mail addresses of the settings of each run that failed"
            + (", and of rejected contributions." if notifier.rejected_too else ".")
        ),
    )
    def failures(context: dg.RunFailureSensorContext) -> None:
        told = notification_of(context.instance, context.dagster_run, notifier.dagster_url)
        if told.kind == "rejected" and not notifier.rejected_too:
            return
        for delivery in notifier.tell(told):
            if delivery.failed:
                context.log.error(
                    f"{delivery.receiver} was not told of run {told.run_id}: {delivery.failed}"
                )

    return failures


def notification_of(
    instance: dg.DagsterInstance, run: dg.DagsterRun, dagster_url: str
) -> Notification:
    """Return what is told of a run that ended as failed."""
    end = how_it_ended(instance, run)
    step, sentence = end.failed[0] if end.failed else ("", "")
    rejected = end.outcome == "rejected"
    if rejected:
        step, sentence = "contributed_data", _REJECTED
    return Notification(
        kind="rejected" if rejected else "failed",
        benchmark=benchmark_of(run),
        contribution=contribution_of(run),
        step=step,
        sentence=sentence or (_UNEXPLAINED if step else _NO_STEP),
        run_id=run.run_id,
        run_url=run_url(dagster_url, run),
    )
