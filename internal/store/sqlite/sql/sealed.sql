SELECT key_id, wrapped, body FROM sealed WHERE submission = ?
