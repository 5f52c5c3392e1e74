SELECT seq, entry, hash FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?
