"""The index of words: an FTS5 table on SQLite, a table of `tsvector` beside the main one on PostgreSQL.

Triggers keep it, so that no way of writing can forget it; they fire only where the text changes. On PostgreSQL the words have
a table of their own because an UPDATE writes a row anew with an entry in every index, and the engine updates all day.

Whoever lets a later migration rebuild the table of generations on SQLite (most changes of a column do) must put the triggers
back afterwards, as 0004 does: SQLite drops them with the old table. The tests of search fail if that is forgotten.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

SQLITE_TRIGGERS = (
    """CREATE TRIGGER generations_search_insert AFTER INSERT ON generations_generation BEGIN
        INSERT INTO generations_search(rowid, workspace_id, title, prompt, task_id)
        VALUES (new.id, new.workspace_id, new.title, new.prompt, new.task_id);
    END""",
    """CREATE TRIGGER generations_search_delete AFTER DELETE ON generations_generation BEGIN
        INSERT INTO generations_search(generations_search, rowid, workspace_id, title, prompt, task_id)
        VALUES ('delete', old.id, old.workspace_id, old.title, old.prompt, old.task_id);
    END""",
    """CREATE TRIGGER generations_search_update AFTER UPDATE OF title, prompt, task_id ON generations_generation
    WHEN old.title IS NOT new.title OR old.prompt IS NOT new.prompt OR old.task_id IS NOT new.task_id BEGIN
        INSERT INTO generations_search(generations_search, rowid, workspace_id, title, prompt, task_id)
        VALUES ('delete', old.id, old.workspace_id, old.title, old.prompt, old.task_id);
        INSERT INTO generations_search(rowid, workspace_id, title, prompt, task_id)
        VALUES (new.id, new.workspace_id, new.title, new.prompt, new.task_id);
    END""",
)
_SQLITE = (
    # columnsize=0: nothing is ranked. No prefix index: it made inserts four times dearer and few searches faster.
    """CREATE VIRTUAL TABLE generations_search USING fts5(
        workspace_id, title, prompt, task_id,
        content='generations_generation', content_rowid='id', columnsize=0, tokenize='unicode61 remove_diacritics 2'
    )""",
    "INSERT INTO generations_search(generations_search) VALUES ('rebuild')",
    *SQLITE_TRIGGERS,
)
_SQLITE_BACK = (
    "DROP TRIGGER generations_search_insert",
    "DROP TRIGGER generations_search_delete",
    "DROP TRIGGER generations_search_update",
    "DROP TABLE generations_search",
)

# Accents go, case goes, and everything that is neither letter nor digit parts words; `words.py` does the same to what is
# searched for. The parser of `to_tsvector` is passed by: it takes "12e45" in an id for a number and cuts it up.
# The lengths keep below what a tsvector can hold: an INSERT must not fail because somebody wrote much.
_POSTGRESQL = (
    r"""CREATE FUNCTION generations_words(workspace_id bigint, title text, prompt text, task_id text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
        SELECT array_to_tsvector(array_append(
            array_agg(DISTINCT left(word, 200)) FILTER (WHERE word <> ''), 'w:' || workspace_id
        ))
        FROM regexp_split_to_table(
            lower(normalize(regexp_replace(
                normalize(left(concat_ws(' ', title, task_id, prompt), 100000), NFD), '[\u0300-\u036f]+', '', 'g'
            ), NFC)),
            '[\u0001-/:-@[-`{-\u00bf\u00d7\u00f7\u2000-\u2bff\u2e00-\u2e7f\u3000-\u303f\ufe00-\ufe6f\uff00-\uff0f\uff1a-\uff20\U0001f000-\U0001faff]+'
        ) AS word
    $body$""",
    "CREATE TABLE generations_search (generation_id bigint PRIMARY KEY, document tsvector NOT NULL)",
    """INSERT INTO generations_search
        SELECT id, generations_words(workspace_id, title, prompt, task_id) FROM generations_generation""",
    "CREATE INDEX generations_search_words ON generations_search USING gin (document)",
    """CREATE FUNCTION generations_search_keep() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        IF TG_OP = 'TRUNCATE' THEN
            TRUNCATE generations_search;
        ELSIF TG_OP = 'DELETE' THEN
            DELETE FROM generations_search WHERE generation_id = old.id;
        ELSE
            INSERT INTO generations_search
            VALUES (new.id, generations_words(new.workspace_id, new.title, new.prompt, new.task_id))
            ON CONFLICT (generation_id) DO UPDATE SET document = excluded.document;
        END IF;
        RETURN NULL;
    END $body$""",
    """CREATE TRIGGER generations_search_insert AFTER INSERT OR DELETE ON generations_generation
    FOR EACH ROW EXECUTE FUNCTION generations_search_keep()""",
    """CREATE TRIGGER generations_search_update AFTER UPDATE OF title, prompt, task_id ON generations_generation
    FOR EACH ROW WHEN ((old.title, old.prompt, old.task_id) IS DISTINCT FROM (new.title, new.prompt, new.task_id))
    EXECUTE FUNCTION generations_search_keep()""",
    """CREATE TRIGGER generations_search_truncate AFTER TRUNCATE ON generations_generation
    FOR EACH STATEMENT EXECUTE FUNCTION generations_search_keep()""",
)
_POSTGRESQL_BACK = (
    "DROP TRIGGER generations_search_insert ON generations_generation",
    "DROP TRIGGER generations_search_update ON generations_generation",
    "DROP TRIGGER generations_search_truncate ON generations_generation",
    "DROP FUNCTION generations_search_keep()",
    "DROP TABLE generations_search",
    "DROP FUNCTION generations_words(bigint, text, text, text)",
)


def make(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


def unmake(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in {"sqlite": _SQLITE_BACK, "postgresql": _POSTGRESQL_BACK}[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("generations", "0001_initial")]
    operations = [migrations.RunPython(make, unmake)]
