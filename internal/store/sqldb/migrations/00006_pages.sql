-- The pages of a document: each is a row with an ID of its own. page counts from 1 to pages; both are
-- 0 in an upload of one page. document is the ID of page 1, in the rows of the other pages.
ALTER TABLE submission ADD COLUMN document {{.Blob}} NOT NULL DEFAULT {{.Hex}}' CHECK (length(document) IN (0, 16));
ALTER TABLE submission ADD COLUMN page {{.Int}} NOT NULL DEFAULT 0;
ALTER TABLE submission ADD COLUMN pages {{.Int}} NOT NULL DEFAULT 0;

CREATE INDEX submission_document ON submission (document, page) WHERE page > 1;
CREATE INDEX submission_page ON submission (submitted) WHERE page > 1;
