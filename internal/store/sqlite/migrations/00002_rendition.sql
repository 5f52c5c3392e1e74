-- +goose Up
-- SHA-256 of the upright pixels that copies are made from and leaks compared with: empty
-- where no original is kept, and in rows of the schema before.
ALTER TABLE submission ADD COLUMN rendition BLOB NOT NULL DEFAULT x'' CHECK (length(rendition) IN (0, 32));
