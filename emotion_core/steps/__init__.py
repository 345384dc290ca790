"""One function per Airflow task: an installation, ids and counts in; ids, counts and paths out.

Only here do the rooms meet. Each step can be repeated: it finds what an earlier try did. Heavy
packages are imported inside the steps that need them, so that a step which only asks the database
starts at once.
"""
