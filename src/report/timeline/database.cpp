// The timeline as a table.
#include "report/sqlite_rows.hpp"
#include "report/timeline/rows_text.hpp"
#include "report/timeline/sorter.hpp"
#include "report/timeline/timeline_file.hpp"
#include "report/version.hpp"

#include "report/document.hpp"

namespace trimcarve::report {

namespace {

// The columns are those of csv and jsonl, here with the types and, but for the first ones, the names of case.sqlite's habits.
constexpr const char* schema = R"(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE timeline (
  id INTEGER PRIMARY KEY,            -- by time
  message TEXT NOT NULL,
  datetime TEXT NOT NULL,
  timestamp_desc TEXT NOT NULL,
  timestamp INTEGER NOT NULL,        -- microseconds since 1970
  data_type TEXT NOT NULL,
  source TEXT NOT NULL,
  path TEXT NOT NULL,
  path_known INTEGER NOT NULL,
  filename TEXT,
  name_utf16le_hex TEXT,
  volume INTEGER,
  file_reference TEXT,
  parent_file_reference TEXT,
  is_allocated INTEGER NOT NULL,
  record_reused INTEGER NOT NULL,
  file_entry_type TEXT NOT NULL,
  file_size INTEGER,
  file_attribute_flags INTEGER,
  attribute_type INTEGER,
  update_reason_flags INTEGER,
  update_sequence_number INTEGER,
  log_sequence_number INTEGER,
  deed TEXT,
  event TEXT,
  detail TEXT,
  zone_stated INTEGER NOT NULL,
  integrity TEXT,
  filetime TEXT NOT NULL,            -- 100 ns since 1601, decimal: it can have 64 bits
  evidence_space TEXT,
  evidence_offset INTEGER,
  evidence_length INTEGER
);
)";

constexpr const char* indexes = R"(
CREATE INDEX timeline_path ON timeline (path);
CREATE INDEX timeline_reference ON timeline (file_reference);
CREATE INDEX timeline_type ON timeline (data_type, timestamp_desc);
)";

std::optional<std::string_view> told(std::string_view text) { return text.empty() ? std::nullopt : std::optional(text); }

template <class T>
std::optional<T> when(bool known, T value) {
  return known ? std::optional<T>(value) : std::nullopt;
}

}  // namespace

struct TimelineDatabase::State {
  State(const std::string& path, std::string shown) : db(path, std::move(shown), schema) {}

  Database db;
  RowSorter sorter;
};

TimelineDatabase::TimelineDatabase(const std::string& path, std::string shown) : state_(std::make_unique<State>(path, std::move(shown))) {}
TimelineDatabase::~TimelineDatabase() = default;

void TimelineDatabase::add(const TimelineEntry& entry) {
  if (!entry.link) state_->sorter.add(entry);
}
std::uint64_t TimelineDatabase::rows() const noexcept { return state_->sorter.rows(); }

void TimelineDatabase::finish(const std::atomic<bool>* cancel) {
  {
    Rows meta(state_->db, "meta"), timeline(state_->db, "timeline");
    meta.add("schema", "trimcarve/timeline/1");
    meta.add("tool", "trimcarve");
    meta.add("version", version());
    std::uint64_t id = 0;
    IsoTimes times;
    std::string message, path, iso, reference, parent;
    state_->sorter.each(
        [&](const Row& row) {
          const RowFacts& f = row.facts;
          for (std::string* text : {&message, &path, &iso, &reference, &parent}) text->clear();
          append_message(message, row);
          append_path(path, row);
          times.append(iso, row.time);
          if (f.reference_known) append_reference(reference, f.reference);
          if (f.parent_known) append_reference(parent, f.parent);
          const bool usn = f.kind == EntryKind::journal || (f.kind == EntryKind::standard_information && f.usn != 0);
          const bool placed = f.range.length != 0;
          timeline.add(++id, message, iso, timestamp_desc(f, row.which), unix_microseconds(row.time), data_type(f), source_name(f), path,
                       f.path_known, told(row.file_name), told(row.name_hex), when(f.volume != no_volume, f.volume), told(reference),
                       told(parent), !f.deleted, f.reused, entry_type(f), when(f.has_size, f.size), when(f.has_attributes, f.attributes),
                       when(attribute_type(f) != 0, attribute_type(f)), when(f.kind == EntryKind::journal, f.reasons), when(usn, f.usn),
                       when(f.lsn != 0, f.lsn), told(f.kind == EntryKind::statement ? to_string(f.deed) : ""), told(row.event),
                       told(row.detail), f.zone_stated, told(f.has_source ? to_string(f.integrity) : ""), std::to_string(row.time.ticks),
                       when(placed, space_name(f.range.space)), when(placed, f.range.offset), when(placed, f.range.length));
        },
        cancel);
  }
  state_->db.run(indexes);
  state_->db.finish();
}

}  // namespace trimcarve::report
