-- SHA-256 of the upright pixels that copies are made from and leaks compared with: empty
-- where no original is kept, and in rows of the schema before.
ALTER TABLE submission ADD COLUMN rendition {{.Blob}} NOT NULL DEFAULT {{.Hex}}' CHECK (length(rendition) IN (0, 32));
{{if .Postgres}}ALTER TABLE submission ALTER rendition SET STATISTICS 0;
{{end}}