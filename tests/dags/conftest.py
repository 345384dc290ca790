"""DAGs as Airflow reads them, once for all tests of a worker: reading them costs seconds."""

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

DAGS = Path(__file__).parents[2] / "dags"


@pytest.fixture(scope="session")
def airflow_tables() -> None:
    """Airflow's own tables, where a run is kept."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def bag(airflow_tables: None) -> DagBag:
    """Every DAG, as a scheduler has it."""
    return DagBag(dag_folder=str(DAGS))


@pytest.fixture(scope="session")
def bag_to_run(airflow_tables: None) -> DagBag:
    """Every DAG, to be run by ``dag.test()``.

    That asks Airflow 3.3's tables for deadlines that it never stored there; a deadline as a
    scheduler has it is tested in test_deadlines.
    """
    made = DagBag(dag_folder=str(DAGS))
    made.dags["score_new_images"].deadline = None
    return made
