-- Who had copies besides their recipients. submissions has 16 bytes for each listed upload; empty:
-- all. A copy is meant if it was issued to giver, for the purpose if there is one, from since to until.
CREATE TABLE handon (
    seq         {{.Int}} PRIMARY KEY,
    giver       {{.Name}} NOT NULL REFERENCES recipient (name),
    taker       {{.Name}} NOT NULL REFERENCES recipient (name),
    how         TEXT NOT NULL,
    purpose     TEXT NOT NULL,
    since       {{.Int}} NOT NULL,
    until       {{.Int}} NOT NULL,
    submissions {{.Blob}} NOT NULL CHECK (length(submissions) % 16 = 0),
    happened    {{.Int}} NOT NULL,
    document    TEXT NOT NULL,
    sha256      {{.Blob}} NOT NULL CHECK (length(sha256) IN (0, 32)),
    entered     {{.Int}} NOT NULL,
    actor       TEXT NOT NULL,
    salt        {{.Blob}} NOT NULL CHECK (length(salt) = 32),
    CHECK (since <= until)
){{.Rows}};
