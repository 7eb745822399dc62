-- Of which certificates people were told that they are about to expire: JSON, ''
-- for none.
ALTER TABLE states ADD COLUMN warned TEXT NOT NULL DEFAULT '';
