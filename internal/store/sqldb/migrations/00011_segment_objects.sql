-- A segment in a bucket is an object: size is its bytes, and digest the SHA-256 of all. In a file size is 0. wrapped
-- is the key of a sealed segment, also of hashes, and is empty after an erasure.
ALTER TABLE segment ADD COLUMN size {{.Int}} NOT NULL DEFAULT 0;
