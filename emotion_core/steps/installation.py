"""One installation: its folders and its database."""

from emotion_core.settings import Settings
from emotion_core.store.database import Database
from emotion_core.store.migrations import require_current_schema


class Installation:
    """Folders and database, checked once; the steps stand on it."""

    def __init__(
        self,
        settings: Settings,
        database_url: str | None = None,
        named: str = "EMOTION_DATABASE_URL",
    ) -> None:
        """Connects and checks that the tables are the ones this code expects.

        Args:
            settings: Folders and device.
            database_url: In place of the settings' own, e.g. from an Airflow Connection.
            named: Where the address stands, for messages.

        Raises:
            StoreError: The database cannot be reached or is at another schema version.
        """
        self.settings = settings
        self.database = Database(database_url or settings.require_database_url(), named)
        with self.database.connect() as connection:
            require_current_schema(connection)
