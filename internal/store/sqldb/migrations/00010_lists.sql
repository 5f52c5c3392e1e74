-- What lists commit to (package tlog): what is read is compared with them. id is the depth in two bytes, and
-- the first bits of a name's SHA-256. body is a list, or the hashes of two nodes below.
CREATE TABLE list_node (
    id   {{.Blob}} PRIMARY KEY CHECK (length(id) >= 2),
    body {{.Blob}} NOT NULL CHECK (length(body) IN (64, 72))
){{.Keyed}};

-- The root of the lists; empty until those of an older registry are made.
ALTER TABLE ledger_head ADD COLUMN lists {{.Blob}} NOT NULL DEFAULT {{.Hex}}' CHECK (length(lists) IN (0, 32));

-- Custody is read whole, and compared with its list.
DROP INDEX custody_since;
DROP INDEX custody_recipient;
