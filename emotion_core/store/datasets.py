"""Data sets, their labels and their splits, as rows."""

from collections.abc import Mapping, Sequence

import pandas as pd
from sqlalchemy import Connection

from emotion_core.store.copying import copy_frame, copy_temporary
from emotion_core.store.queries import execute


def register_dataset(
    connection: Connection,
    *,
    fingerprint: str,
    name: str,
    location: str,
    is_drawn: bool,
    labels: pd.DataFrame,
    exclusions: Sequence[tuple[str, str, str]],
) -> int:
    """Enter a labelled data set once; returns its id, the same for the same fingerprint.

    Args:
        connection: Transaction of role ``emotion_train``.
        fingerprint: 64 hex digits over ids, image bytes and labels.
        name: For people.
        location: Where it was read.
        is_drawn: True for drawn faces.
        labels: Columns ``sample_id``, ``sha256`` (hex), ``expression`` (0–7), ``valence`` and
            ``arousal`` in [-1, 1].
        exclusions: ``(file name, code, detail)`` of what was left out.
    """
    dataset_id, is_new = execute(
        connection,
        "register_dataset",
        fingerprint=fingerprint,
        name=name,
        location=location,
        is_drawn=is_drawn,
        count_samples=len(labels),
        count_excluded=len(exclusions),
    ).one()
    if is_new:
        copy_temporary(
            connection,
            "incoming_label",
            "sample_id text, sha256 text, expression smallint, valence real, arousal real",
            labels[["sample_id", "sha256", "expression", "valence", "arousal"]],
        )
        execute(connection, "enter_labelled_images")
        execute(connection, "enter_labels", dataset_id=dataset_id)
        left_out = pd.DataFrame(exclusions, columns=["name", "code", "detail"])
        left_out = left_out.drop_duplicates(["name", "code"]).assign(dataset_id=dataset_id)
        copy_frame(connection, "dataset_exclusion", left_out)
    return int(dataset_id)


def register_split(
    connection: Connection,
    *,
    dataset_id: int,
    seed: int,
    validation_share: float,
    fold: int,
    fingerprint: str,
    members: Mapping[str, Sequence[str]],
) -> int:
    """Enter a division into train and validation once; returns its id.

    Args:
        connection: Transaction of role ``emotion_train``.
        dataset_id: From :func:`register_dataset`.
        seed: Of the division.
        validation_share: Above 0, below 1.
        fold: Which share is held out, from 0.
        fingerprint: 64 hex digits over the membership.
        members: ``{"train": [...], "validation": [...]}``, image SHA-256 in hex.
    """
    split_id, is_new = execute(
        connection,
        "register_split",
        dataset_id=dataset_id,
        seed=seed,
        validation_share=validation_share,
        fold=fold,
        fingerprint=fingerprint,
    ).one()
    if is_new:
        frame = pd.DataFrame(
            [(split, sha256) for split, images in members.items() for sha256 in images],
            columns=["split", "sha256"],
        ).drop_duplicates()
        copy_temporary(connection, "member", "split text, sha256 text", frame)
        execute(connection, "enter_split_members", split_id=split_id)
    return int(split_id)


def record_label_errors(
    connection: Connection, *, fingerprint: str, group_key: str, errors: pd.DataFrame
) -> None:
    """Write the likely label errors of one cross-validation; writing again replaces them.

    Args:
        connection: Transaction of role ``emotion_train``.
        fingerprint: Of a data set that :func:`register_dataset` has entered.
        group_key: Names the cross-validation.
        errors: Columns ``sample_id``, ``expression``, ``suggested``, ``p_given``, ``p_suggested``.
    """
    dataset_id = execute(
        connection, "forget_label_errors", fingerprint=fingerprint, group_key=group_key
    ).scalar_one()
    frame = errors.rename(columns={"expression": "expression_id", "suggested": "suggested_id"})
    frame = frame.assign(dataset_id=dataset_id, group_key=group_key)
    copy_frame(connection, "label_error", frame)
