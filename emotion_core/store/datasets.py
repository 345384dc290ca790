"""Data sets, their labels and their splits, as rows."""

from collections.abc import Mapping, Sequence

import pandas as pd
from sqlalchemy import Connection, text

from emotion_core.store.copying import copy_frame, make_temporary_table
from emotion_core.store.queries import query


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
    row = connection.execute(
        query("register_dataset"),
        {
            "fingerprint": bytes.fromhex(fingerprint),
            "name": name,
            "location": location,
            "is_drawn": is_drawn,
            "count_samples": len(labels),
            "count_excluded": len(exclusions),
        },
    ).one()
    dataset_id = int(row.id)
    if row.is_new:
        _enter_labels(connection, dataset_id, labels)
        if exclusions:
            frame = pd.DataFrame(exclusions, columns=["name", "code", "detail"])
            frame = frame.drop_duplicates(["name", "code"])
            frame.insert(0, "dataset_id", dataset_id)
            copy_frame(connection, "dataset_exclusion", frame)
    return dataset_id


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
    """Enter a split once; returns its id.

    Args:
        connection: Transaction of role ``emotion_train``.
        dataset_id: From :func:`register_dataset`.
        seed: Of the split.
        validation_share: Above 0, below 1.
        fold: Which share is held out, from 0.
        fingerprint: 64 hex digits over the membership.
        members: ``{"train": [...], "validation": [...]}``, image SHA-256 in hex.
    """
    row = connection.execute(
        query("register_split"),
        {
            "dataset_id": dataset_id,
            "seed": seed,
            "validation_share": validation_share,
            "fold": fold,
            "fingerprint": bytes.fromhex(fingerprint),
        },
    ).one()
    split_id = int(row.id)
    if row.is_new:
        frame = pd.DataFrame(
            [(name, "\\x" + sha256) for name, images in members.items() for sha256 in images],
            columns=["part", "sha256"],
        ).drop_duplicates()
        make_temporary_table(connection, "member", "part text, sha256 bytea")
        copy_frame(connection, "member", frame)
        connection.execute(
            text(
                "INSERT INTO split_member (split_id, image_id, part) "
                "SELECT :split_id, image.id, member.part FROM member JOIN image USING (sha256)"
            ),
            {"split_id": split_id},
        )
    return split_id


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
    dataset_id = connection.execute(
        query("forget_doubtful_labels"),
        {"fingerprint": bytes.fromhex(fingerprint), "group_key": group_key},
    ).scalar_one()
    frame = errors.rename(columns={"expression": "expression_id", "suggested": "suggested_id"})
    frame = frame.assign(dataset_id=dataset_id, group_key=group_key)
    copy_frame(connection, "doubtful_label", frame)


def _enter_labels(connection: Connection, dataset_id: int, labels: pd.DataFrame) -> None:
    frame = labels[["sample_id", "sha256", "expression", "valence", "arousal"]].copy()
    frame["sha256"] = "\\x" + frame["sha256"]
    make_temporary_table(
        connection,
        "incoming_label",
        "sample_id text, sha256 bytea, expression smallint, valence real, arousal real",
    )
    copy_frame(connection, "incoming_label", frame)
    connection.execute(
        text(
            "INSERT INTO image (sha256) SELECT DISTINCT sha256 FROM incoming_label "
            "ORDER BY sha256 ON CONFLICT (sha256) DO NOTHING"
        )
    )
    connection.execute(
        text(
            "INSERT INTO label "
            "(dataset_id, sample_id, image_id, expression_id, valence, arousal) "
            "SELECT :dataset_id, sample_id, image.id, expression, valence, arousal "
            "FROM incoming_label JOIN image USING (sha256)"
        ),
        {"dataset_id": dataset_id},
    )
