INSERT INTO ledger (seq, entry, hash) VALUES (?, ?, ?)
