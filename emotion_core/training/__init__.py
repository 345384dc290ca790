"""From a labelled data set to a run directory. No database, no Airflow: runs on a bare GPU box."""
