SELECT ref, id, sha256, size, format, decoder, width, height, submitted, received,
    subject, hash, chain, quality, salt, seq
FROM submission
