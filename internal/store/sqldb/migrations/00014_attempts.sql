-- An attempt to hand out a copy that an earlier attempt entered is entered as well: the earlier one cannot make the copy
-- void any more.
{{if .Postgres}}ALTER TABLE release DROP CONSTRAINT release_state_check;
ALTER TABLE release ADD CONSTRAINT release_state_check CHECK (state IN ('released', 'void', 'reserved'));
{{else}}ALTER TABLE release RENAME TO release_before;
CREATE TABLE release (
    seq        INTEGER PRIMARY KEY,
    copy       BLOB NOT NULL REFERENCES copy (id),
    submission BLOB NOT NULL REFERENCES submission (id),
    state      TEXT NOT NULL CHECK (state IN ('released', 'void', 'reserved')),
    note       TEXT NOT NULL,
    entered    INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    salt       BLOB NOT NULL CHECK (length(salt) = 32)
) STRICT;
INSERT INTO release SELECT * FROM release_before;
DROP TABLE release_before;
CREATE INDEX release_copy ON release (copy);
CREATE INDEX release_submission ON release (submission);
{{end}}
