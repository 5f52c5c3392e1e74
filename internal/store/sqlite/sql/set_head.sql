UPDATE ledger_head SET size = ?, hash = ? WHERE id = 1
