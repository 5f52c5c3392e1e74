-- Signatures of witnesses, and timestamps, of checkpoints: what proves when entries were there. Those that an earlier
-- version kept are in the checkpoints alone.
CREATE TABLE cosigned (
    seq     {{.Int}} PRIMARY KEY,
    size    {{.Int}} NOT NULL CHECK (size > 0),
    root    {{.Blob}} NOT NULL CHECK (length(root) = 32),
    witness TEXT NOT NULL,
    dated   {{.Int}} NOT NULL,
    proof   {{.Blob}} NOT NULL,
    entered {{.Int}} NOT NULL,
    salt    {{.Blob}} NOT NULL CHECK (length(salt) = 32)
){{.Rows}};
