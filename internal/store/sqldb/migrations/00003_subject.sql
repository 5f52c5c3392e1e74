-- Subject references that were entered after their uploads. The last row of an upload counts.
-- reference and blind of earlier rows, and of erased uploads, are blank; digest binds them.
CREATE TABLE subject (
    seq        {{.Int}} PRIMARY KEY,
    submission {{.Blob}} NOT NULL REFERENCES submission (id),
    reference  TEXT NOT NULL,
    blind      {{.Blob}} NOT NULL CHECK (length(blind) = 32),
    digest     {{.Blob}} NOT NULL CHECK (length(digest) = 32),
    entered    {{.Int}} NOT NULL,
    actor      TEXT NOT NULL,
    salt       {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};

CREATE INDEX subject_submission ON subject (submission);
CREATE UNIQUE INDEX subject_present ON subject (submission) WHERE reference <> '';
CREATE INDEX subject_reference ON subject (reference) WHERE reference <> '';
{{if .Postgres}}ALTER TABLE subject ALTER reference SET STATISTICS 0, ALTER blind SET STATISTICS 0;
{{end}}