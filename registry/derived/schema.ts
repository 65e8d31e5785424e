/**
 * The tables of the index. Left: read from the tree. Right: read from the journal.
 *
 *   repository <- tag, manifest          move (and the history that distribution left on disk: is_disk)
 *   manifest <- manifest_use -> blob     move_count, tag_pull, day_pull
 *   repository_use                       meta: how far the journal was read
 *
 * `manifest_use` says which blobs a manifest needs: its own bytes (`self`), config, layers, and the manifests that it
 * lists (`child`). A repository uses a blob when one of its manifests does; links below `_layers` free nothing and hold
 * nothing, so they are not here. Sums and counts stand in the rows that lists show, kept by triggers and by writer.ts, so
 * that a page costs the same in a large registry as in a small one.
 *
 * What lists are filtered by stands beside the names: a tag has facets, such as `arch:arm64` or `is:unsigned` (facets.ts).
 * Most tags have the facets of many others, so each list of them, as JSON, is one row of `facet_list`; and
 * `repository_facet` counts in how many tags of a repository each facet is.
 *
 * Lists that stand the largest or newest first are sorted by a negative `..._rank` and then by name, both ascending,
 * which one index serves. Those of tags hold besides what tags are filtered by, so that a tag that does not match is
 * passed over without its row; for that `tag` has row ids. The names of repositories stand beside their counts of
 * manifests: SQLite looks whether one is above 0 though the index has no other rows. Times are milliseconds since the
 * epoch, 0 for never; days are counted since the epoch.
 *
 * `user_version` is set when a file has everything: one without it is half built, one with another number is of another
 * version of Berth. Both are dropped.
 */

export const schemaVersion = 7;

export const schema = `
CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  journal_month TEXT NOT NULL DEFAULT '',
  journal_offset INTEGER NOT NULL DEFAULT 0,
  repository_count INTEGER NOT NULL DEFAULT 0,
  total_bytes INTEGER NOT NULL DEFAULT 0,
  reclaimable_bytes INTEGER NOT NULL DEFAULT 0
);
INSERT INTO meta (id) VALUES (1);

CREATE TABLE repository (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  tag_count INTEGER NOT NULL DEFAULT 0,
  manifest_count INTEGER NOT NULL DEFAULT 0,
  untagged_count INTEGER NOT NULL DEFAULT 0,
  exclusive_bytes INTEGER NOT NULL DEFAULT 0,
  shared_bytes INTEGER NOT NULL DEFAULT 0,
  pushed_at INTEGER NOT NULL DEFAULT 0,
  pulled_at INTEGER NOT NULL DEFAULT 0,
  pulls_30d INTEGER NOT NULL DEFAULT 0,
  artifact_kind TEXT,
  tagged_count INTEGER NOT NULL DEFAULT 0,
  pushed_rank INTEGER AS (-pushed_at) VIRTUAL,
  pulled_rank INTEGER AS (-pulled_at) VIRTUAL,
  tags_rank INTEGER AS (-tag_count) VIRTUAL,
  size_rank INTEGER AS (-(exclusive_bytes + shared_bytes)) VIRTUAL,
  pulls_rank INTEGER AS (-pulls_30d) VIRTUAL
);
CREATE INDEX repository_by_name ON repository (name, manifest_count) WHERE manifest_count > 0;
CREATE INDEX repository_by_pushed ON repository (pushed_rank, name) WHERE manifest_count > 0;
CREATE INDEX repository_by_size ON repository (size_rank, name) WHERE manifest_count > 0;
CREATE INDEX repository_by_pulls ON repository (pulls_rank, name) WHERE manifest_count > 0;
CREATE INDEX repository_by_pulled ON repository (pulled_rank, name) WHERE manifest_count > 0;
CREATE INDEX repository_by_tags ON repository (tags_rank, name) WHERE manifest_count > 0;

CREATE TABLE repository_facet (
  repository_id INTEGER NOT NULL,
  facet TEXT NOT NULL,
  tags INTEGER NOT NULL,
  PRIMARY KEY (repository_id, facet)
) WITHOUT ROWID;
CREATE INDEX repository_facet_by_facet ON repository_facet (facet, repository_id);

CREATE TABLE facet_list (
  id INTEGER PRIMARY KEY,
  facets TEXT NOT NULL UNIQUE,
  tags INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE tag (
  id INTEGER PRIMARY KEY,
  repository_id INTEGER NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  semver TEXT NOT NULL,
  modified_at REAL NOT NULL,
  is_settled INTEGER NOT NULL,
  total_bytes INTEGER NOT NULL DEFAULT 0,
  pushed_at INTEGER NOT NULL DEFAULT 0,
  pushed_by TEXT,
  pushed_client TEXT,
  pull_count INTEGER NOT NULL DEFAULT 0,
  pulled_at INTEGER NOT NULL DEFAULT 0,
  facets_id INTEGER NOT NULL DEFAULT 0,
  pushed_rank INTEGER AS (-pushed_at) VIRTUAL,
  pulled_rank INTEGER AS (-pulled_at) VIRTUAL,
  size_rank INTEGER AS (-total_bytes) VIRTUAL,
  pulls_rank INTEGER AS (-pull_count) VIRTUAL
);
CREATE INDEX tag_by_digest ON tag (repository_id, digest, name);
CREATE INDEX tag_by_pushed ON tag (repository_id, pushed_rank, name, facets_id, pulled_rank, size_rank);
CREATE INDEX tag_by_size ON tag (repository_id, size_rank, name, facets_id, pushed_rank, pulled_rank);
CREATE INDEX tag_by_pulls ON tag (repository_id, pulls_rank, name, facets_id, pushed_rank, pulled_rank, size_rank);
CREATE INDEX tag_by_pulled ON tag (repository_id, pulled_rank, name, facets_id, pushed_rank, size_rank);
CREATE INDEX tag_by_semver ON tag (repository_id, semver, name, facets_id, pushed_rank, pulled_rank, size_rank);
CREATE UNIQUE INDEX tag_by_name ON tag (repository_id, name);
CREATE INDEX tag_anywhere ON tag (name, repository_id);

CREATE TABLE manifest (
  id INTEGER PRIMARY KEY,
  repository_id INTEGER NOT NULL,
  digest TEXT NOT NULL,
  is_readable INTEGER NOT NULL,
  media_type TEXT NOT NULL,
  artifact_type TEXT,
  artifact_kind TEXT NOT NULL,
  attachments INTEGER NOT NULL,
  attached INTEGER NOT NULL DEFAULT 0,
  subject TEXT,
  platforms TEXT NOT NULL,
  children TEXT NOT NULL,
  annotations TEXT NOT NULL,
  lifetime_ms INTEGER,
  total_bytes INTEGER NOT NULL DEFAULT 0,
  pushed_at INTEGER NOT NULL,
  own_created_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL DEFAULT 0,
  tag_count INTEGER NOT NULL DEFAULT 0,
  is_untagged INTEGER NOT NULL DEFAULT 0,
  pushed_rank INTEGER AS (-pushed_at) VIRTUAL,
  size_rank INTEGER AS (-total_bytes) VIRTUAL,
  UNIQUE (repository_id, digest)
);
CREATE INDEX manifest_by_digest ON manifest (digest);
CREATE INDEX manifest_by_pushed ON manifest (repository_id, pushed_rank, digest);
CREATE INDEX manifest_by_size ON manifest (repository_id, size_rank, digest);
CREATE INDEX manifest_without_tag_by_pushed ON manifest (repository_id, pushed_rank, digest) WHERE tag_count = 0;
CREATE INDEX manifest_without_tag_by_size ON manifest (repository_id, size_rank, digest) WHERE tag_count = 0;
CREATE INDEX manifest_by_subject ON manifest (repository_id, subject, digest, artifact_type, attachments)
  WHERE subject IS NOT NULL;

CREATE TABLE blob (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL UNIQUE,
  is_stored INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL DEFAULT 0,
  repositories INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE manifest_use (
  manifest_id INTEGER NOT NULL,
  blob_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  size INTEGER NOT NULL,
  PRIMARY KEY (manifest_id, blob_id)
) WITHOUT ROWID;
CREATE INDEX manifest_use_by_blob ON manifest_use (blob_id, kind, manifest_id);

CREATE TABLE repository_use (
  repository_id INTEGER NOT NULL,
  blob_id INTEGER NOT NULL,
  manifests INTEGER NOT NULL,
  PRIMARY KEY (repository_id, blob_id)
) WITHOUT ROWID;
CREATE INDEX repository_use_by_blob ON repository_use (blob_id);

CREATE TABLE move (
  id INTEGER PRIMARY KEY,
  repository_id INTEGER NOT NULL,
  tag TEXT NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  from_digest TEXT,
  to_digest TEXT,
  by_user TEXT,
  client TEXT,
  is_disk INTEGER NOT NULL
);
CREATE INDEX move_by_repository ON move (repository_id, at, id);
CREATE INDEX move_by_tag ON move (repository_id, tag, at, id);
CREATE INDEX move_from_journal ON move (repository_id, tag, id) WHERE is_disk = 0;
CREATE INDEX move_from_disk ON move (repository_id, tag, at, id) WHERE is_disk = 1;

CREATE TABLE move_count (
  repository_id INTEGER NOT NULL,
  tag TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (repository_id, tag)
) WITHOUT ROWID;

CREATE TABLE tag_pull (
  repository_id INTEGER NOT NULL,
  tag TEXT NOT NULL,
  count INTEGER NOT NULL,
  pulled_at INTEGER NOT NULL,
  days TEXT NOT NULL,
  PRIMARY KEY (repository_id, tag)
) WITHOUT ROWID;

CREATE TABLE day_pull (
  repository_id INTEGER NOT NULL,
  day INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (repository_id, day)
) WITHOUT ROWID;
CREATE INDEX day_pull_by_day ON day_pull (day);

CREATE TRIGGER tag_added AFTER INSERT ON tag BEGIN
  UPDATE repository SET tag_count = tag_count + 1 WHERE id = new.repository_id;
  UPDATE manifest SET tag_count = tag_count + 1 WHERE repository_id = new.repository_id AND digest = new.digest;
END;
CREATE TRIGGER tag_moved AFTER UPDATE OF digest ON tag WHEN new.digest <> old.digest BEGIN
  UPDATE manifest SET tag_count = tag_count - 1 WHERE repository_id = old.repository_id AND digest = old.digest;
  UPDATE manifest SET tag_count = tag_count + 1 WHERE repository_id = new.repository_id AND digest = new.digest;
END;
CREATE TRIGGER tag_described AFTER UPDATE OF facets_id ON tag WHEN new.facets_id <> old.facets_id BEGIN
  UPDATE facet_list SET tags = tags + 1 WHERE id = new.facets_id;
  UPDATE facet_list SET tags = tags - 1 WHERE id = old.facets_id;
  DELETE FROM facet_list WHERE id = old.facets_id AND tags = 0;
END;
CREATE TRIGGER tag_removed AFTER DELETE ON tag BEGIN
  UPDATE facet_list SET tags = tags - 1 WHERE id = old.facets_id;
  DELETE FROM facet_list WHERE id = old.facets_id AND tags = 0;
  UPDATE repository SET tag_count = tag_count - 1 WHERE id = old.repository_id;
  UPDATE manifest SET tag_count = tag_count - 1 WHERE repository_id = old.repository_id AND digest = old.digest;
END;
CREATE TRIGGER manifest_added AFTER INSERT ON manifest BEGIN
  UPDATE repository SET manifest_count = manifest_count + 1, untagged_count = untagged_count + new.is_untagged,
    tagged_count = tagged_count + (new.tag_count > 0)
  WHERE id = new.repository_id;
END;
CREATE TRIGGER manifest_removed AFTER DELETE ON manifest BEGIN
  UPDATE repository SET manifest_count = manifest_count - 1, untagged_count = untagged_count - old.is_untagged,
    tagged_count = tagged_count - (old.tag_count > 0)
  WHERE id = old.repository_id;
END;
CREATE TRIGGER manifest_changed AFTER UPDATE OF is_untagged, tag_count ON manifest BEGIN
  UPDATE repository SET untagged_count = untagged_count + new.is_untagged - old.is_untagged,
    tagged_count = tagged_count + (new.tag_count > 0) - (old.tag_count > 0)
  WHERE id = new.repository_id;
END;
CREATE TRIGGER repository_filled AFTER UPDATE OF manifest_count ON repository
WHEN (new.manifest_count > 0) <> (old.manifest_count > 0) BEGIN
  UPDATE meta SET repository_count = repository_count + (new.manifest_count > 0) - (old.manifest_count > 0);
END;
CREATE TRIGGER move_added AFTER INSERT ON move BEGIN
  INSERT INTO move_count VALUES (new.repository_id, '', 1) ON CONFLICT DO UPDATE SET count = count + 1;
  INSERT INTO move_count VALUES (new.repository_id, new.tag, 1) ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER move_removed AFTER DELETE ON move BEGIN
  UPDATE move_count SET count = count - 1 WHERE repository_id = old.repository_id AND tag IN ('', old.tag);
END;
`;
