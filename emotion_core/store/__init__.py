"""The only room that knows SQL: the database, its migrations, one module per family of tables."""
