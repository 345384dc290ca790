"""One function per Airflow task: ids, counts and paths in, ids, counts and paths out.

Only here do the rooms meet. Each step can be repeated: it finds what an earlier try did. Heavy
packages are imported inside the steps that need them, so that a step which only asks the database
starts at once.
"""

from emotion_core.steps.gauges import GaugeSteps
from emotion_core.steps.health import HealthSteps
from emotion_core.steps.labels import LabelSteps
from emotion_core.steps.promotion import PromotionSteps
from emotion_core.steps.rescoring import RescoringSteps
from emotion_core.steps.retention import RetentionSteps
from emotion_core.steps.standing import StandingSteps
from emotion_core.steps.training import TrainingSteps


class Steps(
    TrainingSteps,
    LabelSteps,
    StandingSteps,
    PromotionSteps,
    RescoringSteps,
    HealthSteps,
    GaugeSteps,
    RetentionSteps,
):
    """All steps, bound to one installation's folders and database."""
