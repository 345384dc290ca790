"""One function per Airflow task: ids, counts and paths in, ids, counts and paths out.

Only here do the rooms meet. Each step can be repeated: it finds what an earlier try did. Heavy
packages are imported inside the steps that need them, so that a step which only asks the database
starts at once.
"""

from emotion_core.steps.health import HealthSteps
from emotion_core.steps.promotion import PromotionSteps
from emotion_core.steps.reports import ReportSteps
from emotion_core.steps.rescoring import RescoringSteps
from emotion_core.steps.retention import RetentionSteps
from emotion_core.steps.training import TrainingSteps


class Steps(
    TrainingSteps, ReportSteps, PromotionSteps, RescoringSteps, HealthSteps, RetentionSteps
):
    """All steps, bound to one installation's folders and database."""
