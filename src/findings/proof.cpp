#include "findings/proof.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "trimcarve/text.hpp"

namespace trimcarve::findings {

bool has_flag(const FileReport& file, std::string_view flag) { return std::ranges::find(file.flags, flag) != file.flags.end(); }

SourceKind writer_of(SourceKind source, const Statement& statement) {
  return source == SourceKind::event_log && statement.event.starts_with("Microsoft-WindowsAzure") ? SourceKind::agent_log : source;
}

std::string zone_note(const Statement& statement) { return statement.zone_stated ? "" : ", no zone stated: taken for UTC"; }

std::string zoned_basis(std::string basis, const Statement& statement) { return basis + (statement.zone_stated ? "" : "_no_zone"); }

std::string_view called(SourceKind witness) {
  switch (witness) {
    case SourceKind::agent_log: return "the agent's logs";
    case SourceKind::event_log: return "event logs";
    case SourceKind::registry: return "the registry";
    case SourceKind::activity_log: return "the Activity Log";
    default: return to_string(witness);
  }
}

std::string told(const FileReport& file) {
  return file.reference_known ? fmt::format("{} ({}-{})", to_utf8(file.path), file.reference.entry(), file.reference.sequence())
                              : fmt::format("{} (file reference lost)", to_utf8(file.path));
}

std::string list_of(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return out;
}

bool contradicted(const FileReport& file) {
  return std::ranges::any_of(file.flags, [](const std::string& flag) { return flag.starts_with("contradiction: the journal"); });
}

Proof prove_deletion(const FileReport& file, const Examination& examination) {
  Proof proof;
  int records = 0, others = 0;
  bool free_record = false, journal = false, carved = true, logged = false, carved_log = true, slack = false, listed = false;
  for (const std::uint32_t n : file.sightings) {
    const Sighting& s = examination.sightings[n];
    const bool frees = s.source == SourceKind::mft && s.has_record && !s.in_use && !s.base_is_elsewhere;
    const bool deletes = s.has_usn && (s.usn.reason & usn_reason::file_delete) != 0;
    const bool logs = s.source == SourceKind::log_file && s.has_record && !s.in_use && !s.base_is_elsewhere;
    const bool remains =
        s.source == SourceKind::index_slack || (s.source == SourceKind::record_slack && s.slack_role == SlackRole::directory_child);
    listed |= s.source == SourceKind::index;
    if (!frees && !deletes && !logs && !remains) continue;
    proof.sightings.push_back(n);
    free_record |= frees, journal |= deletes, carved &= !deletes || s.source == SourceKind::free_space, logged |= logs,
        carved_log &= !logs || s.place.stream == StreamKind::carved_log, slack |= remains;
  }
  if (free_record) ++records, proof.reasons.push_back("its $MFT record is free");
  if (journal)
    ++records, proof.reasons.push_back(carved ? "a change journal record, carved from free space, tells of its deletion"
                                              : "the change journal records its deletion");
  if (logged)
    ++records,
        proof.reasons.push_back(has_flag(file, "deleted_in_log")
                                    ? "a completed transaction in $LogFile frees its $MFT record, which $MFT itself still shows in use"
                                : carved_log ? "a completed transaction in carved pages of a $LogFile frees its $MFT record"
                                             : "a completed transaction in $LogFile frees its $MFT record");
  if (slack && !listed) ++others, proof.reasons.push_back("its name stands in a directory's slack only");
  if (has_flag(file, "record_reused")) ++others, proof.reasons.push_back("its $MFT record belongs to another file now");
  if (proof.reasons.empty()) proof.reasons.push_back("no $MFT record in use is its own");
  proof.grade = records + others >= 2 ? Grade::corroborated : records == 1 ? Grade::established : Grade::inferred;
  if (contradicted(file)) proof.grade = Grade::contradicted;
  if (proof.grade == Grade::inferred)
    proof.rule = slack && !listed                  ? "a name in a directory's slack that stands in no index that was read"
                 : has_flag(file, "record_reused") ? "a file reference whose record another file has now"
                                                   : "a file reference that no record in use has";
  return proof;
}

Grade in_use_grade(const FileReport& file) { return contradicted(file) ? Grade::contradicted : Grade::established; }

std::string_view doubt(const FileReport& file) {
  return contradicted(file) ? ", as its $MFT record says, but the change journal records its deletion" : "";
}

bool later(const FileReport& a, const FileReport& b) {
  const auto end = [](const FileReport& f) {
    if (!f.deleted) return no_time;
    return f.deleted->bounds.latest.value_or(f.deleted->bounds.earliest.value_or(no_time));
  };
  return end(a) > end(b);
}

std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

}  // namespace trimcarve::findings
