-- Times are nanoseconds since 1970 UTC and 0 for none; those of runs are
-- milliseconds, durations of runs and roll-ups microseconds.

CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE states (
	id       TEXT PRIMARY KEY,
	type     TEXT NOT NULL,
	state    TEXT NOT NULL,
	since    INTEGER NOT NULL,
	failing  INTEGER NOT NULL,
	fails    INTEGER NOT NULL,
	passes   INTEGER NOT NULL,
	fault    TEXT NOT NULL, -- JSON, '' for none
	incident TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE incidents (
	id         TEXT PRIMARY KEY,
	cause_kind TEXT NOT NULL,
	cause_key  TEXT NOT NULL,
	fault      TEXT NOT NULL, -- JSON
	opened     INTEGER NOT NULL,
	closed     INTEGER NOT NULL,
	members    TEXT NOT NULL, -- JSON
	ledger     TEXT NOT NULL  -- JSON, '' for none
);
CREATE INDEX incidents_opened ON incidents (opened);
CREATE INDEX incidents_open ON incidents (opened) WHERE closed = 0;
CREATE INDEX incidents_closed ON incidents (closed) WHERE closed <> 0;

CREATE TABLE deliveries (
	id       INTEGER PRIMARY KEY,
	notifier TEXT NOT NULL,
	status   TEXT NOT NULL, -- queued, sending, delivered, refused, superseded, dropped
	changed  INTEGER NOT NULL,
	body     TEXT NOT NULL  -- JSON
);
CREATE INDEX deliveries_waiting ON deliveries (id) WHERE status IN ('queued', 'sending');
CREATE INDEX deliveries_finished ON deliveries (changed) WHERE status NOT IN ('queued', 'sending');

-- Numbers stand for monitors in the two tables of history.
CREATE TABLE monitors (
	num INTEGER PRIMARY KEY,
	id  TEXT NOT NULL UNIQUE
);

-- A slot is one flush. Its rows are written sorted and stand together, so that
-- writing, purging and the newest runs of a monitor each touch few pages.
CREATE TABLE slots (
	slot INTEGER PRIMARY KEY -- seconds since 1970 UTC
);

CREATE TABLE runs (
	slot       INTEGER NOT NULL,
	mon        INTEGER NOT NULL,
	ts         INTEGER NOT NULL,
	took       INTEGER NOT NULL,
	token      INTEGER NOT NULL,
	resolve    INTEGER NOT NULL,
	connect    INTEGER NOT NULL,
	tls        INTEGER NOT NULL,
	processing INTEGER NOT NULL,
	transfer   INTEGER NOT NULL,
	status     INTEGER NOT NULL,
	state      TEXT NOT NULL,
	reason     TEXT NOT NULL, -- '' when it passed; a reason has one class only
	message    TEXT NOT NULL,
	location   TEXT NOT NULL,
	PRIMARY KEY (slot, mon, ts)
) WITHOUT ROWID;

CREATE TABLE rollups (
	span       INTEGER NOT NULL, -- seconds
	start      INTEGER NOT NULL, -- seconds since 1970 UTC
	mon        INTEGER NOT NULL,
	runs       INTEGER NOT NULL,
	failures   INTEGER NOT NULL,
	up         INTEGER NOT NULL,
	known      INTEGER NOT NULL,
	took       INTEGER NOT NULL,
	token      INTEGER NOT NULL,
	resolve    INTEGER NOT NULL,
	connect    INTEGER NOT NULL,
	tls        INTEGER NOT NULL,
	processing INTEGER NOT NULL,
	transfer   INTEGER NOT NULL,
	PRIMARY KEY (span, start, mon)
) WITHOUT ROWID;
