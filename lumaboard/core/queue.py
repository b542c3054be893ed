"""Put work into the queue."""

from __future__ import annotations

from django.utils.module_loading import import_string
from django_q.tasks import async_task


def enqueue(path: str, *args: int | str, cluster: str | None = None) -> None:
    """Queue the job at this dotted path; it becomes visible when the current transaction commits.

    Arguments are ids, never keys, links or prompts: the queue stores them in clear. The queue only hints, so a job that
    is lost or run twice does no harm: what is due can always be found again from the rows. `cluster` names one of
    `Q_CLUSTER["ALT_CLUSTERS"]` for long work.
    """
    import_string(path)  # so that a typo fails here, not later in a worker
    async_task(
        path, *args, **({"cluster": cluster} if cluster else {})
    )  # the queue is a table: the job commits or vanishes with the transaction around it
