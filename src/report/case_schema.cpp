#include "report/case_schema.hpp"

namespace trimcarve::report {

const char* const case_schema = R"sql(
-- Times are text, ISO 8601 in UTC with seven digits of a second: they sort as they are. NULL: not known. Sizes, offsets and lengths are bytes.
-- A number beyond 2^63 - 1 (damage, or an attack) is a blob of its decimal digits.
-- A `range` lies in a space: `disk` is the virtual disk, `file:N` the N-th input file, counted from 0.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;

CREATE TABLE source (id INTEGER PRIMARY KEY, path TEXT NOT NULL, container TEXT NOT NULL, size INTEGER NOT NULL, identifier TEXT);

CREATE TABLE partition ("index" INTEGER NOT NULL, scheme TEXT NOT NULL, offset INTEGER NOT NULL, size INTEGER NOT NULL, type TEXT,
  type_name TEXT, name TEXT, volume INTEGER);

CREATE TABLE volume (id INTEGER PRIMARY KEY, offset INTEGER NOT NULL, size INTEGER NOT NULL, serial TEXT NOT NULL, cluster_size INTEGER NOT NULL,
  record_size INTEGER NOT NULL, records INTEGER NOT NULL, shadow_of INTEGER REFERENCES volume, shadow_created TEXT, state TEXT NOT NULL,
  created TEXT, provisioned TEXT, provisioned_basis TEXT, free_clusters INTEGER, free_without_bytes INTEGER, free_zero INTEGER,
  free_with_data INTEGER, free_unreadable INTEGER);

-- What LSNs ('lsn') and USNs ('usn') are worth as a clock; widths in 100 ns.
CREATE TABLE clock (volume INTEGER NOT NULL REFERENCES volume, sequence TEXT NOT NULL, sound INTEGER NOT NULL, why_not TEXT, ticks INTEGER NOT NULL,
  in_order INTEGER NOT NULL, older INTEGER NOT NULL, later INTEGER NOT NULL, doubtful INTEGER NOT NULL, first TEXT, last TEXT,
  held_out INTEGER NOT NULL, held_out_inside INTEGER NOT NULL, held_out_later INTEGER NOT NULL, median_width INTEGER NOT NULL);

CREATE TABLE coverage (id INTEGER PRIMARY KEY, volume INTEGER, source TEXT NOT NULL, first TEXT, last TEXT, records INTEGER NOT NULL, note TEXT);
CREATE TABLE coverage_gap (coverage INTEGER NOT NULL REFERENCES coverage, offset INTEGER NOT NULL, length INTEGER NOT NULL, why TEXT NOT NULL);

CREATE TABLE witness (id INTEGER PRIMARY KEY, volume INTEGER, path TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, size INTEGER NOT NULL,
  records INTEGER NOT NULL, statements INTEGER NOT NULL, damaged INTEGER NOT NULL);

CREATE TABLE sighting (id INTEGER PRIMARY KEY, source TEXT NOT NULL, volume INTEGER, integrity TEXT NOT NULL, entry INTEGER, sequence INTEGER,
  name TEXT, lsn INTEGER, usn INTEGER, usn_time TEXT, usn_reason INTEGER, statement TEXT, statement_time TEXT, statement_text TEXT, sha256 TEXT);
CREATE TABLE sighting_range (sighting INTEGER NOT NULL REFERENCES sighting, space TEXT NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL);

CREATE TABLE target (id INTEGER PRIMARY KEY, target TEXT NOT NULL, verdict TEXT NOT NULL, grade TEXT NOT NULL, reason TEXT NOT NULL,
  coverage TEXT NOT NULL);

CREATE TABLE instance (id INTEGER PRIMARY KEY, target INTEGER NOT NULL REFERENCES target, volume INTEGER, version TEXT NOT NULL, state TEXT NOT NULL,
  inherited INTEGER NOT NULL, installed TEXT, installed_basis TEXT, removed_earliest TEXT, removed_latest TEXT, removed_earliest_basis TEXT,
  removed_latest_basis TEXT);

CREATE TABLE run (id INTEGER PRIMARY KEY, target INTEGER NOT NULL REFERENCES target, volume INTEGER, version TEXT NOT NULL, sequence TEXT NOT NULL,
  started TEXT, started_basis TEXT, finished TEXT, finished_basis TEXT, command TEXT, command_cut INTEGER NOT NULL, protected_settings INTEGER,
  certificate_thumbprint TEXT, opened_command TEXT, status TEXT, exit_code INTEGER, output TEXT, error_output TEXT);
CREATE TABLE run_uri (run INTEGER NOT NULL REFERENCES run, uri TEXT NOT NULL);
-- role: 'script' (named by the settings or in the working directory), 'made', 'elsewhere' (created on the volume meanwhile).
CREATE TABLE run_file (run INTEGER NOT NULL REFERENCES run, role TEXT NOT NULL, path TEXT NOT NULL, state TEXT NOT NULL, sha256 TEXT,
  recovered_as TEXT, created TEXT);
CREATE TABLE run_process (run INTEGER NOT NULL REFERENCES run, started TEXT, path TEXT, command TEXT, parent TEXT, process_id TEXT, user TEXT,
  relation TEXT NOT NULL, grade TEXT NOT NULL);
-- Texts of scripts by event logs; run NULL: the target's, of no run that is known.
CREATE TABLE script_text (target INTEGER NOT NULL REFERENCES target, run INTEGER REFERENCES run, name TEXT NOT NULL, relation TEXT NOT NULL,
  grade TEXT NOT NULL, time TEXT, first_part INTEGER NOT NULL, last_part INTEGER NOT NULL, parts INTEGER NOT NULL, text TEXT NOT NULL,
  sha256 TEXT NOT NULL, recovered_as TEXT);

CREATE TABLE cloud_event (target INTEGER NOT NULL REFERENCES target, operation TEXT NOT NULL, resource TEXT, extension_name TEXT, machine TEXT,
  handler TEXT, version TEXT, caller TEXT, address TEXT, correlation_id TEXT, status TEXT, first TEXT, last TEXT, match TEXT,
  gap_seconds INTEGER, grade TEXT NOT NULL);

-- By id in the order of the story. placed_*: by the clock of sequence numbers; note: where stated times contradict the order of the numbers.
CREATE TABLE step (id INTEGER PRIMARY KEY, target INTEGER NOT NULL REFERENCES target, what TEXT NOT NULL, version TEXT, sequence TEXT, earliest TEXT,
  latest TEXT, text TEXT NOT NULL, grade TEXT NOT NULL, placed_by TEXT, placed_number INTEGER, placed_earliest TEXT, placed_latest TEXT, note TEXT);
CREATE TABLE step_source (step INTEGER NOT NULL REFERENCES step, source TEXT NOT NULL, time TEXT, zone_stated INTEGER NOT NULL, text TEXT NOT NULL);

CREATE TABLE finding (id TEXT PRIMARY KEY, target TEXT NOT NULL, statement TEXT NOT NULL, grade TEXT NOT NULL, rule TEXT, earliest TEXT,
  latest TEXT) WITHOUT ROWID;
CREATE TABLE finding_sighting (finding TEXT NOT NULL REFERENCES finding, sighting INTEGER NOT NULL REFERENCES sighting);

CREATE TABLE file (id INTEGER PRIMARY KEY, volume INTEGER NOT NULL, path TEXT NOT NULL, path_known INTEGER NOT NULL, path_grade TEXT NOT NULL,
  path_note TEXT, name TEXT NOT NULL, name_utf16le_hex TEXT, kind TEXT NOT NULL, state TEXT NOT NULL, entry INTEGER, sequence INTEGER,
  parent_entry INTEGER, parent_sequence INTEGER, size INTEGER,
  si_created TEXT, si_modified TEXT, si_changed TEXT, si_accessed TEXT, fn_created TEXT, fn_modified TEXT, fn_changed TEXT, fn_accessed TEXT,
  created_earliest TEXT, created_latest TEXT, deleted_earliest TEXT, deleted_latest TEXT, deleted_earliest_basis TEXT, deleted_latest_basis TEXT,
  estimate_earliest TEXT, estimate_latest TEXT, estimate_method TEXT);
-- Each source of a deletion's bounds with its own interval; agrees 0: it leaves nothing of the bounds.
CREATE TABLE file_bound (file INTEGER NOT NULL REFERENCES file, basis TEXT NOT NULL, earliest TEXT, latest TEXT, agrees INTEGER NOT NULL);
-- By the clocks; an estimate never narrows the bounds. by_then 1: it had happened when the number was given out, which was for something else.
CREATE TABLE file_estimate (file INTEGER NOT NULL REFERENCES file, event TEXT NOT NULL, sequence TEXT NOT NULL, number INTEGER NOT NULL,
  earliest TEXT, latest TEXT, method TEXT NOT NULL, widened INTEGER NOT NULL, by_then INTEGER NOT NULL);
-- state: 'not_yet', 'there', 'gone', in the shadow copy that is this volume.
CREATE TABLE file_copy (file INTEGER NOT NULL REFERENCES file, volume INTEGER NOT NULL REFERENCES volume, time TEXT NOT NULL, state TEXT NOT NULL);
CREATE TABLE file_target (file INTEGER NOT NULL REFERENCES file, target INTEGER NOT NULL REFERENCES target);
CREATE TABLE file_flag (file INTEGER NOT NULL REFERENCES file, flag TEXT NOT NULL);
CREATE TABLE file_path (file INTEGER NOT NULL REFERENCES file, path TEXT NOT NULL, grade TEXT NOT NULL, note TEXT, "from" TEXT, until TEXT);
CREATE TABLE file_sighting (file INTEGER NOT NULL REFERENCES file, sighting INTEGER NOT NULL REFERENCES sighting);
-- name NULL: the unnamed stream.
CREATE TABLE stream (id INTEGER PRIMARY KEY, file INTEGER NOT NULL REFERENCES file, name TEXT, state TEXT NOT NULL, why TEXT, resident INTEGER NOT NULL,
  compressed INTEGER NOT NULL, encrypted INTEGER NOT NULL, size INTEGER NOT NULL, valid_size INTEGER NOT NULL, sha256 TEXT);
-- lcn NULL: no clusters. state: what TRIM and later files left of these clusters; block: what the container says of them.
CREATE TABLE stream_run (stream INTEGER NOT NULL REFERENCES stream, vcn INTEGER NOT NULL, lcn INTEGER, clusters INTEGER NOT NULL, state TEXT NOT NULL,
  owner TEXT, block TEXT);
CREATE TABLE stream_part (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES stream, file_offset INTEGER NOT NULL, length INTEGER NOT NULL,
  sha256 TEXT, recovered_as TEXT, source TEXT NOT NULL, offset_inferred INTEGER NOT NULL);
CREATE TABLE stream_part_range (part INTEGER NOT NULL REFERENCES stream_part, space TEXT NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL);

-- Text found where no file has it now. file: the deleted file that had these clusters, where that is known.
CREATE TABLE fragment (id INTEGER PRIMARY KEY, volume INTEGER, place TEXT NOT NULL, language TEXT NOT NULL, encoding TEXT NOT NULL,
  lines INTEGER NOT NULL, lines_matched INTEGER NOT NULL, copies INTEGER NOT NULL, text TEXT NOT NULL, sha256 TEXT NOT NULL, recovered_as TEXT,
  file TEXT, entry INTEGER, sequence INTEGER, file_offset INTEGER);
CREATE TABLE fragment_range (fragment INTEGER NOT NULL REFERENCES fragment, space TEXT NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL);
-- Rules of the examiner (--yara) that matched a content or a fragment; tags with blanks between them.
CREATE TABLE mark (stream INTEGER REFERENCES stream, fragment INTEGER REFERENCES fragment, rule TEXT NOT NULL, tags TEXT NOT NULL);

CREATE TABLE warning (code TEXT NOT NULL, text TEXT NOT NULL);

CREATE INDEX sighting_range_of ON sighting_range (sighting);
CREATE INDEX sighting_range_at ON sighting_range (space, offset);
CREATE INDEX sighting_reference ON sighting (volume, entry, sequence);
CREATE INDEX finding_sighting_of ON finding_sighting (finding);
CREATE INDEX finding_sighting_by ON finding_sighting (sighting);
CREATE INDEX file_reference ON file (volume, entry, sequence);
CREATE INDEX file_by_path ON file (path);
CREATE INDEX file_deleted ON file (deleted_latest);
CREATE INDEX file_sighting_of ON file_sighting (file);
CREATE INDEX stream_of ON stream (file);
CREATE INDEX stream_hash ON stream (sha256);
CREATE INDEX stream_run_of ON stream_run (stream);
CREATE INDEX stream_part_of ON stream_part (stream);

-- Was it used here, and is it gone?
CREATE VIEW v_verdict AS SELECT t.target, t.verdict, t.grade, t.reason, i.version, i.state, i.inherited, i.installed, i.installed_basis,
  i.removed_earliest, i.removed_latest, i.removed_earliest_basis, i.removed_latest_basis
  FROM target t LEFT JOIN instance i ON i.target = t.id;
-- What did it run?
CREATE VIEW v_runs AS SELECT t.target, r.version, r.sequence, r.started, r.finished, COALESCE(r.command, r.opened_command) AS command, r.status,
  r.exit_code, r.output, r.error_output, (SELECT group_concat(uri, ' ') FROM run_uri u WHERE u.run = r.id) AS file_uris
  FROM run r JOIN target t ON t.id = r.target;
-- In which order did it happen?
CREATE VIEW v_story AS SELECT t.target, s.earliest, s.latest, s.what, s.version, s.sequence, s.text, s.grade, x.source, x.time AS source_time,
  x.text AS source_text, s.placed_earliest, s.placed_latest, s.note FROM step s JOIN target t ON t.id = s.target
  LEFT JOIN step_source x ON x.step = s.id ORDER BY s.id;
-- Which files were deleted, and when?
CREATE VIEW v_deleted AS SELECT f.id, f.volume, f.path, f.kind, f.size, f.deleted_earliest, f.deleted_latest, f.deleted_earliest_basis,
  f.deleted_latest_basis, f.estimate_earliest, f.estimate_latest, s.state AS content, s.sha256
  FROM file f LEFT JOIN stream s ON s.file = f.id AND s.name IS NULL WHERE f.state = 'deleted';
-- Which contents came back, and where are they?
CREATE VIEW v_recovered AS SELECT f.path, s.name AS stream, s.state, p.file_offset, p.length, p.sha256, p.recovered_as, p.source
  FROM stream_part p JOIN stream s ON s.id = p.stream JOIN file f ON f.id = s.file;
-- What did TRIM leave of the clusters?
CREATE VIEW v_trim AS SELECT f.volume, r.state, r.block, COUNT(*) AS runs, SUM(r.clusters) AS clusters
  FROM stream_run r JOIN stream s ON s.id = r.stream JOIN file f ON f.id = s.file WHERE r.lcn IS NOT NULL GROUP BY f.volume, r.state, r.block;
-- What does each finding rest on, byte by byte?
CREATE VIEW v_evidence AS SELECT n.id AS finding, n.statement, n.grade, s.id AS sighting, s.source, s.integrity, s.sha256, r.space, r.offset, r.length
  FROM finding n JOIN finding_sighting x ON x.finding = n.id JOIN sighting s ON s.id = x.sighting LEFT JOIN sighting_range r ON r.sighting = s.id;
-- What does not fit together?
CREATE VIEW v_contradictions AS SELECT 'finding ' || id AS what, statement AS text FROM finding WHERE grade = 'contradicted'
  UNION ALL SELECT 'file ' || f.path, g.flag FROM file_flag g JOIN file f ON f.id = g.file WHERE g.flag LIKE 'contradiction%';
-- From when to when does each source speak?
CREATE VIEW v_coverage AS SELECT volume, source, first, last, records, note FROM coverage ORDER BY volume, source;
)sql";

}  // namespace trimcarve::report
