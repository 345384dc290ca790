"""Airflow's side of the steps: task context, alerts, metrics, access, form offers, runs."""
