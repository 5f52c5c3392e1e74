INSERT INTO submission (id, sha256, size, format, decoder, width, height, submitted, received,
    subject, hash, chain, quality, salt, seq)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
