"""Run by test_other_airflow.py with the wheel's folder as its only path: the other Airflow.

One process for every command: each start of Airflow's command line costs five seconds.
"""

import json
import os
import sys
from pathlib import Path


def main(commands: list[list[str]]) -> None:
    """Do what the page says, then write down what this Airflow has."""
    # As the DAG processor does: connections come from Airflow's tables.
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
    from airflow.cli import cli_parser
    from airflow.utils.db import initdb

    initdb()
    for _, *words in commands:
        arguments = cli_parser.get_parser().parse_args(words)
        arguments.func(arguments)

    from airflow import plugins_manager
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.pool import Pool

    import emotion_core

    manager = DagBundlesManager()
    bundle = manager.get_bundle("emotion")
    bundle.initialize()
    bag = DagBag(dag_folder=str(bundle.path), bundle_path=bundle.path, bundle_name="emotion")
    tasks = [task for dag in bag.dags.values() for task in dag.tasks]
    apps, _ = plugins_manager.get_fastapi_plugins()
    ours = [app for app in apps if app["name"] == "Emotion Batch Scoring"]
    # Airflow's test() cannot look its deadlines up; tests/dags/test_deadlines.py is about them.
    bag.dags["watch_health"].deadline = None
    health = bag.dags["watch_health"].test()
    found = {
        "place": str(Path.cwd()),
        "package": emotion_core.__file__,
        "bundles": [one.name for one in manager.get_all_dag_bundles()],
        "bundle_path": str(bundle.path),
        "bundle_version": str(bundle.get_current_version()),
        "dags": sorted(bag.dags),
        "import_errors": bag.import_errors,
        "plugin_routes": [app["url_prefix"] for app in ours],
        "plugin_pages": len(ours[0]["app"].routes) if ours else 0,
        "pools": sorted(pool.pool for pool in Pool.get_pools()),
        "used_pools": sorted({task.pool for task in tasks}),
        "used_queues": sorted({task.queue for task in tasks}),
        "health_run": str(health.state),
    }
    Path("found.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
