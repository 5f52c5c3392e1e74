-- Originals outside of the database: each is an object, named by the SHA-256 of its bytes. body is empty
-- then. originals is the address of the place of new objects; '' is the database.
ALTER TABLE registry ADD COLUMN originals TEXT NOT NULL DEFAULT '';
ALTER TABLE sealed ADD COLUMN object {{.Blob}} NOT NULL DEFAULT {{.Hex}}' CHECK (length(object) IN (0, 32));
ALTER TABLE sealed ADD COLUMN object_size {{.Int}} NOT NULL DEFAULT 0;

CREATE UNIQUE INDEX sealed_object ON sealed (object) WHERE object_size > 0;

-- Objects of erased originals that are still to be removed.
CREATE TABLE removal (
    object {{.Blob}} PRIMARY KEY
){{.Keyed}};
