SELECT ref, hash, quality FROM submission WHERE ref > ? ORDER BY ref LIMIT ?
