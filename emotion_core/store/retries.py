"""Retries of refused files, and the batches that take them over."""

from sqlalchemy import Connection

from emotion_core.store.queries import query


def request_retry(
    connection: Connection, *, code: str, run_key: str | None, requested_by: str
) -> int:
    """Put back the refused files of closed batches; returns how many.

    Args:
        connection: Transaction of role ``emotion_score``.
        code: A key of ``rejection_reason``, or ``quarantined``.
        run_key: Only what this batch refused; None for every batch. Other files with the same
            content go with it, because content is scored once.
        requested_by: Who asked; kept.
    """
    return connection.execute(
        query("request_retry"), {"code": code, "run_key": run_key, "requested_by": requested_by}
    ).rowcount


def take_over_files(connection: Connection, batch_id: int) -> int:
    """Give this batch the files of its source that are to be retried; returns how many.

    Only files whose content is known; those that could not be read are entered by
    :func:`emotion_core.store.batches.enter_files` when they are found again.
    """
    return int(connection.execute(query("take_over_files"), {"batch_id": batch_id}).scalar_one())


def refusal_codes(connection: Connection) -> list[str]:
    """Every reason for which something can be refused or set aside."""
    return list(connection.execute(query("refusal_codes")).scalars())
