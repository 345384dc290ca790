"""One function per Airflow task: ids, counts and paths in, ids, counts and paths out.

Only here do the rooms meet. Each step can be repeated: it finds what an earlier try did. Heavy
packages are imported inside the steps that need them, so that a step which only asks the database
starts at once.
"""

from emotion_core.steps.models import ModelSteps
from emotion_core.steps.scoring import ScoringSteps
from emotion_core.steps.training import TrainingSteps


class Steps(TrainingSteps, ModelSteps, ScoringSteps):
    """All steps, bound to one installation's folders and database."""
