"""The one family of exceptions. Its messages are read by operators: say what, where, what to do."""


class EmotionError(Exception):
    """Anything this system refuses on purpose. Shown as one sentence, never as a traceback."""


class SettingsError(EmotionError):
    """A setting is missing or cannot be used."""


class PlaceError(EmotionError):
    """A folder or an address is written so that no place is meant; says why."""


class DataError(EmotionError):
    """A data set cannot be read or is not usable for training."""


class RecipeError(EmotionError):
    """A training recipe asks for something impossible; names the field."""


class WeightsError(EmotionError):
    """Pretrained weights or a stored model are missing or do not match."""


class TrainingError(EmotionError):
    """Training ended without a usable model; says why."""


class StorageError(EmotionError, OSError):
    """A file cannot be written: the disk is full, or the folder does not allow it."""


class StoreError(EmotionError):
    """The database cannot be reached, or is not the one this code expects."""


class ScoringError(EmotionError):
    """A batch cannot be scored or closed; says what is left."""


class SourceUnreachableError(StoreError):
    """An inbox in an object store does not answer; worth trying again."""


class NoChampionError(ScoringError):
    """Scoring was asked for before any model was promoted."""


class PromotionRefusedError(EmotionError):
    """A model may not become champion; names each figure that fell short."""


class ErasureError(EmotionError):
    """What is to be erased, held or kept is not named, or not known here."""


class ProhibitedUseError(ScoringError):
    """Images are for a use that is prohibited, or their purpose cannot be recorded so."""


class RunRefusedError(EmotionError):
    """A run that one of our pages or a form asked for is not started, or not gone on with."""


class ReportError(EmotionError):
    """A report cannot be made from what the tables hold."""


class LocalSystemError(EmotionError):
    """The local system (PostgreSQL, Airflow and their folders) cannot start or stop."""


class ImageRefused(EmotionError):  # noqa: N818  - a refusal is an outcome, recorded as a row
    """One image cannot be scored. Becomes a row with a reason code; its neighbours go on.

    ``code`` is a key of the table ``rejection_reason``; ``detail`` is free text for people.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
