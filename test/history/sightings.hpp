// Sightings by hand, for tests of the history room.
#pragma once

#include "history/graph.hpp"

namespace trimcarve::test {

struct Name {
  std::u16string text;
  FileReference parent;
  NameSpace name_space = NameSpace::win32_and_dos;
};

inline void put_name(Sighting& s, const Name& name, FileTime time = {}) {
  NameFact& fact = s.names.emplace_back();
  fact.text = static_cast<std::uint32_t>(s.text.size());
  fact.length = static_cast<std::uint16_t>(name.text.size());
  fact.name_space = name.name_space;
  fact.parent = name.parent;
  fact.has_times = time != no_time;
  fact.times = {time, time, time, time};
  s.text += name.text;
}

// A FILE record. `stored` is the sequence as it stands in the record; `reference` the identity the carver worked out of it.
inline Sighting record(FileReference reference, bool in_use, bool directory, const std::vector<Name>& names, FileTime time = {100}) {
  Sighting s;
  s.source = SourceKind::mft;
  s.has_record = s.reference_known = true;
  s.reference = reference;
  s.record_entry = reference.entry();
  s.record_sequence = static_cast<std::uint16_t>(reference.sequence() + (in_use ? 0 : 1));
  s.in_use = in_use;
  s.directory = directory;
  s.place = {StreamKind::mft, 0, reference.entry() * 1024, 1024};
  for (const Name& name : names) put_name(s, name, time);
  return s;
}

// A record of the change journal.
inline Sighting event(FileReference reference, const Name& name, std::uint32_t reason, std::uint64_t time, std::uint64_t owner = 60) {
  Sighting s;
  s.source = SourceKind::usn_journal;
  s.has_usn = s.reference_known = true;
  s.reference = reference;
  s.usn.reason = reason;
  s.usn.time = FileTime{time};
  s.usn.usn = time;
  s.place = {StreamKind::usn_journal, owner, time * 8, 80};
  put_name(s, name);
  return s;
}

// A name in the slack of a directory's index or record; `reference` 0: its header is lost.
inline Sighting slack(FileReference reference, const Name& name, FileReference directory, bool parent_known = true) {
  Sighting s;
  s.source = SourceKind::index_slack;
  s.reference = reference;
  s.reference_known = reference.value != 0;
  s.has_container = true;
  s.container = directory;
  s.slack_role = SlackRole::directory_child;
  s.place = {StreamKind::index_allocation, directory.entry(), 4096 + name.text.size() * 8, 90};
  put_name(s, name, {50});
  s.names.back().parent_known = parent_known;
  s.names.back().parent_inferred = !parent_known;
  return s;
}

inline FileReference ref(std::uint64_t entry, std::uint16_t sequence) { return FileReference::of(entry, sequence); }
inline const FileReference root = FileReference::of(5, 5);

inline history::Graph graph_of(const std::vector<Sighting>& sightings) {
  history::Graph graph(ntfs::UpCase(), 64);
  graph.add(record(root, true, true, {{u".", root}}));
  for (const Sighting& s : sightings) graph.add(s);
  graph.finish();
  return graph;
}

}  // namespace trimcarve::test
