"""A server that an earlier release set up lacks a role: that is a sentence, not half a grant."""

import pytest
from own_database import Own
from sqlalchemy import text
from sqlalchemy.engine import make_url

from emotion_core.errors import StoreError
from emotion_core.store.database import Database
from emotion_core.store.migrations import _has_group_roles


def test_a_role_that_is_missing_among_the_others_is_named(own: Own) -> None:
    address = make_url(own.urls["emotion_app"]).set(
        username="postgres", password=own.server._password
    )
    administrator = Database(address.render_as_string(hide_password=False))

    with administrator.connect() as connection:
        transaction = connection.begin()
        connection.execute(text("ALTER ROLE emotion_erase RENAME TO emotion_before"))
        with pytest.raises(StoreError, match=r"lacks emotion_erase: run `psql -f sql/roles\.sql`"):
            _has_group_roles(connection)
        transaction.rollback()
    administrator.close()
