-- The holder's own signature of a fact of custody, and the timestamp of that signature. Without one all
-- are empty, and the times are those of no time at all.
ALTER TABLE custody ADD COLUMN public_key {{.Blob}} NOT NULL DEFAULT {{.Hex}}' CHECK (length(public_key) IN (0, 32));
ALTER TABLE custody ADD COLUMN signature {{.Blob}} NOT NULL DEFAULT {{.Hex}}' CHECK (length(signature) IN (0, 64));
ALTER TABLE custody ADD COLUMN stamp {{.Blob}} NOT NULL DEFAULT {{.Hex}}';
ALTER TABLE custody ADD COLUMN dated {{.Int}} NOT NULL DEFAULT -62135596800000000;
ALTER TABLE custody ADD COLUMN known {{.Int}} NOT NULL DEFAULT -62135596800000000;
