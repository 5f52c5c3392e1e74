-- What an investigation is about: when the files were found, how that is known, and which files
-- they are. -62135596800000000 is the zero time: not stated. pictures is the SHA-256 of digests,
-- which has 16 bytes a file; both are empty in rows of the schema before.
ALTER TABLE investigation ADD COLUMN found {{.Int}} NOT NULL DEFAULT -62135596800000000;
ALTER TABLE investigation ADD COLUMN evidence TEXT NOT NULL DEFAULT '';
ALTER TABLE investigation ADD COLUMN evidence_sha256 {{.Blob}} NOT NULL DEFAULT {{.Hex}}' CHECK (length(evidence_sha256) IN (0, 32));
ALTER TABLE investigation ADD COLUMN pictures {{.Blob}} NOT NULL DEFAULT {{.Hex}}' CHECK (length(pictures) IN (0, 32));
ALTER TABLE investigation ADD COLUMN digests {{.Blob}} NOT NULL DEFAULT {{.Hex}}' CHECK (length(digests) % 16 = 0);

-- What was concluded at the end. named has one recipient a line, copies 8 bytes for each copy
-- that was confirmed.
CREATE TABLE conclusion (
    seq           {{.Int}} PRIMARY KEY,
    investigation {{.Int}} NOT NULL REFERENCES investigation (seq),
    entered       {{.Int}} NOT NULL,
    named         TEXT NOT NULL,
    copies        {{.Blob}} NOT NULL CHECK (length(copies) % 8 = 0),
    actor         TEXT NOT NULL,
    salt          {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};
