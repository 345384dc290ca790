"""The whole system on one machine: PostgreSQL, Airflow and the demo that walks through it."""
