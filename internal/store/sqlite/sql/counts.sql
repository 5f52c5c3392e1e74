SELECT (SELECT count(*) FROM registry), (SELECT count(*) FROM recipient), (SELECT count(*) FROM mark_key),
    (SELECT count(*) FROM submission), (SELECT count(*) FROM copy), (SELECT count(*) FROM custody),
    (SELECT count(*) FROM sealed), (SELECT count(*) FROM custody_submission),
    (SELECT coalesce(sum(listed), 0) FROM custody)
