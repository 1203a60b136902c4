"""What Alembic runs to migrate: always on the connection that `upgrade` handed in."""

from alembic import context

from jobs.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
