"""The whole system on one machine: PostgreSQL, Airflow and a demo of it."""
