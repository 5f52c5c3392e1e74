SELECT size, hash FROM ledger_head WHERE id = 1
