INSERT INTO copy (id, submission, recipient, purpose, key_id, strength, margin, weak, psnr, ssim,
    format, width, height, sha256, size, issued, actor, salt, seq)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
