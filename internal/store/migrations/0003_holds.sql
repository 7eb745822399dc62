-- The maintenance that a monitor is in, or was in until a run has said how it
-- stands: JSON, '' for none.
ALTER TABLE states ADD COLUMN cover TEXT NOT NULL DEFAULT '';

-- What people ordered by hand: pauses, maintenance that is not in the
-- configuration.
CREATE TABLE orders (
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	body TEXT NOT NULL, -- JSON
	PRIMARY KEY (kind, name)
) WITHOUT ROWID;
