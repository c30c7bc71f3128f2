#include "examine/witnesses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

#include "types/sha256.hpp"
#include "witness/activity_log.hpp"
#include "witness/agent_json.hpp"
#include "witness/agent_log.hpp"
#include "witness/archive.hpp"
#include "witness/event_log.hpp"
#include "witness/hive.hpp"
#include "witness/hive_bins.hpp"
#include "witness/hive_log.hpp"
#include "witness/recognise.hpp"

namespace trimcarve {

namespace {

using witness::Kind;

constexpr int most_archive_depth = 3;
constexpr std::uint64_t most_unpacked = std::uint64_t{640} << 20;  // bytes of members
constexpr std::size_t gaps_reported = 16;

SourceKind source_of(Kind kind) {
  switch (kind) {
    case Kind::event_log: return SourceKind::event_log;
    case Kind::hive:
    case Kind::hive_bins:
    case Kind::hive_log: return SourceKind::registry;
    case Kind::activity_log: return SourceKind::activity_log;
    default: return SourceKind::agent_log;
  }
}

std::uint64_t memory_of(const Statement& s) {
  std::uint64_t bytes = sizeof(findings::Heard);
  for (const std::string* text : {&s.time_text, &s.event, &s.text, &s.handler, &s.version, &s.sequence, &s.settings, &s.command, &s.path,
                                  &s.process, &s.parent_process, &s.user, &s.computer, &s.status, &s.output, &s.error_output})
    bytes += text->capacity();
  for (const auto& [name, value] : s.fields) bytes += name.capacity() + value.capacity() + sizeof(std::pair<std::string, std::string>);
  return bytes;
}

std::size_t hash_of(const Statement& s) {
  std::size_t hash = std::hash<std::uint64_t>()(s.time.ticks);
  for (const std::string* text : {&s.event, &s.text, &s.command}) hash = hash * 31 + std::hash<std::string>()(*text);
  return hash;
}

// How it came to be read is no part of it when the other was carved.
bool same_words(const Statement& a, const Statement& b, bool carved) {
  const auto all = [](const Statement& s) {
    return std::tie(s.deed, s.time, s.time_text, s.zone_stated, s.event, s.text, s.handler, s.version, s.sequence, s.settings, s.command,
                    s.path, s.process, s.parent_process, s.process_id, s.parent_process_id, s.user, s.computer, s.status, s.output,
                    s.error_output, s.exit_code, s.fields);
  };
  return all(a) == all(b) && (carved || (a.carved == b.carved && a.cut == b.cut));
}

// A key in bins that were carved says what the same key says in its hive, or in other bins, but for the part of its path that is lost, and
// for the hive's name.
bool same_key(const Statement& known, const Statement& carved) {
  constexpr std::string_view lost = "...\\", doubtful = "doubtful path";
  const auto path = [&](const Statement& s) {
    std::string_view text = s.text;
    if (text.starts_with(lost)) text.remove_prefix(lost.size());
    return text;
  };
  const auto topic = [](const Statement& s) { return std::string_view(s.event).substr(std::min(s.event.find(' '), s.event.size())); };
  const auto fields = [&](const Statement& s) {
    auto all = s.fields;
    std::erase_if(all, [&](const auto& field) { return field.first == doubtful; });
    return all;
  };
  const std::string_view a = path(known), b = path(carved);
  const bool same_path = a.ends_with(b) && (a.size() == b.size() || a[a.size() - b.size() - 1] == '\\');
  return same_path && topic(known) == topic(carved) && known.time == carved.time && known.handler == carved.handler &&
         known.version == carved.version && known.status == carved.status && known.sequence == carved.sequence &&
         fields(known) == fields(carved);
}

// The same place says it without reading. Bytes that cannot be read are nobody's.
bool same_bytes(const SourcePtr& a, const SourcePtr& b) {
  if (a == nullptr || b == nullptr) return a == b;
  if (a->size() != b->size()) return false;
  const auto where = a->locate(0, a->size());
  std::uint64_t located = 0;
  for (const Range& range : where) located += range.length;
  if (located == a->size() && where == b->locate(0, b->size())) return true;
  std::vector<std::byte> x(1 << 16), y(1 << 16);
  for (std::uint64_t at = 0; at < a->size(); at += x.size()) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(x.size(), a->size() - at));
    if (!a->read_at(at, std::span(x).first(length)) || !b->read_at(at, std::span(y).first(length))) return false;
    if (!std::equal(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(length), y.begin())) return false;
  }
  return true;
}

std::string file_name(const std::string& path) {
  const std::size_t at = path.find_last_of("/\\!");
  return at == std::string::npos ? path : path.substr(at + 1);
}

}  // namespace

Witnesses::Witnesses(const std::vector<SourcePtr>& spaces, const Progress& progress, Examination& out)
    : spaces_(spaces), progress_(progress), out_(out) {}

void Witnesses::read(WitnessInfo info, const SourcePtr& file) {
  const Kind kind = witness::recognise(*file, info.path);
  read_members(std::move(info), {file, nullptr, nullptr}, kind, 0);
}

void Witnesses::read(WitnessInfo info, const WitnessBytes& bytes, Kind kind) { read_members(std::move(info), bytes, kind, 0); }

void Witnesses::read_members(WitnessInfo info, const WitnessBytes& bytes, Kind kind, int depth) {
  if (progress_.cancel != nullptr && progress_.cancel->load(std::memory_order_relaxed))
    throw RunError(ExitCode::interrupted, "examine", "interrupted", "stopped while reading logs");
  const bool given = info.state == "given";
  if (kind == Kind::unknown || (kind == Kind::hive_log && !given)) {
    if (given) {
      out_.warnings.push_back(
          {"witness_unknown", info.path + ": it is no log, hive, status or archive that is known here, and was not read", {}});
      out_.complete = false;
    }
    return;
  }
  info.kind = witness::to_string(kind);
  info.size = bytes.file->size();
  if (kind == Kind::guest_logs) return read_archive(info, bytes.file, depth);

  const auto number = static_cast<std::uint32_t>(out_.witnesses.size());
  bool unplaced = false;
  const bool carved = info.state == "carved";
  std::uint64_t repeated = 0;
  const auto take = [&](const Statement& statement) {
    unplaced = unplaced || (kind == Kind::settings && statement.handler.empty());
    std::optional<std::uint32_t> volume = info.volume;
    if (volume)
      if (const auto shadow = speaks_for_.find(*volume); shadow != speaks_for_.end()) {
        volume = shadow->second;
        if (was_said(*volume, statement, false)) return;
      }
    if (carved && (was_said(volume.value_or(no_volume), statement, true) ||
                   (kind == Kind::hive_bins && is_known_key(volume.value_or(no_volume), statement)))) {
      ++repeated;
      return;
    }
    const std::uint64_t needed = memory_of(statement);
    if (memory_ + needed > (statement.handler.empty() ? most_memory_ : most_memory_ / 2 * 3)) {
      ++left_out_;
      return;
    }
    memory_ += needed;
    heard_.push_back({source_of(kind), number, volume, statement});
    heard_.back().statement.carved |= carved;
  };
  witness::Tally tally;
  switch (kind) {
    case Kind::agent_log: tally = witness::read_agent_log(*bytes.file, info.path, take); break;
    case Kind::aggregate_status: tally = witness::read_aggregate_status(*bytes.file, take); break;
    case Kind::telemetry: tally = witness::read_telemetry(*bytes.file, info.path, take); break;
    case Kind::goal_state: tally = witness::read_goal_state(*bytes.file, take); break;
    case Kind::settings: tally = witness::read_settings_status(*bytes.file, info.path, take); break;
    case Kind::event_log: tally = witness::read_event_log(bytes.file, info.path, take); break;
    case Kind::hive: tally = witness::read_hive(bytes.file, bytes.log1, bytes.log2, info.path, take); break;
    case Kind::hive_bins: tally = witness::read_hive_bins(*bytes.file, take); break;
    case Kind::activity_log: tally = witness::read_activity_log(*bytes.file, take); break;
    case Kind::unknown:
    case Kind::guest_logs:
    case Kind::hive_log: return;
  }
  info.records = tally.records;
  info.statements = tally.emitted;
  info.damaged = tally.damaged;
  Coverage coverage{.volume = info.volume,
                    .source = fmt::format("{}:{}", to_string(source_of(kind)), file_name(info.path)),
                    .first = tally.window.first,
                    .last = tally.window.last,
                    .records = tally.records,
                    .note = tally.note};
  const auto say = [&coverage](std::string text) { coverage.note += (coverage.note.empty() ? "" : "; ") + std::move(text); };
  if (carved) say("found by its shape in free space");
  if (repeated != 0) say(fmt::format("{} of its statements stand in other logs too", repeated));
  if (info.state == "deleted") say("a deleted file, whose clusters nobody else has now");
  if (tally.damaged != 0) say(fmt::format("{} damaged", tally.damaged));
  for (const carvers::Gap& gap : tally.gaps.kept) {
    if (coverage.gaps.size() == gaps_reported) break;
    coverage.gaps.push_back({gap.offset, gap.length, std::string(carvers::to_string(gap.kind))});
  }
  if (tally.gaps.count > coverage.gaps.size()) say(fmt::format("{} gaps in all", tally.gaps.count));
  if (unplaced && !carved)
    out_.warnings.push_back({"witness_unplaced",
                             info.path +
                                 ": its path does not say of which handler it is, so it belongs to no target: give it below a folder "
                                 "Plugins/HANDLER/VERSION/RuntimeSettings or Status",
                             {}});
  if (!tally.readable && !carved) {
    out_.warnings.push_back({"witness_unreadable", fmt::format("{}: not readable as {}: {}", info.path, info.kind, tally.note), {}});
    out_.complete = false;
  }
  out_.coverage.push_back(std::move(coverage));
  out_.witnesses.push_back(std::move(info));
  // What a hive's pending logs hold is part of it; where it really lies, the overlay knows.
  bytes_.push_back(tally.emitted == 0   ? nullptr  // nothing of it can be cited
                   : kind == Kind::hive ? witness::apply_hive_logs(bytes.file, bytes.log1, bytes.log2).hive
                                        : bytes.file);
}

void Witnesses::read_archive(const WitnessInfo& info, const SourcePtr& file, int depth) {
  std::vector<std::string> cut, too_deep;
  // What members become is kept, for what is cited of it: one bound for all archives and those in them.
  witness::ArchiveLimits limits;
  limits.all = std::min(limits.all, most_unpacked - std::min(most_unpacked, unpacked_));
  const auto take = [&](const witness::Member& member) {
    unpacked_ += member.bytes->size();
    const Kind kind = witness::recognise(*member.bytes, member.name);
    if (kind == Kind::unknown || kind == Kind::hive_log) return;
    if (kind == Kind::guest_logs && depth + 1 >= most_archive_depth) {
      too_deep.push_back(member.name);
      return;
    }
    WitnessInfo inner = info;
    if (member.cut) cut.push_back(member.name);
    inner.path += "!" + member.name;
    if (inner.state == "given") inner.state = "member";
    read_members(std::move(inner), {member.bytes, nullptr, nullptr}, kind, depth + 1);
  };
  const auto tally = witness::read_archive(file, take, limits);
  if (unpacked_ >= most_unpacked && !std::exchange(told_unpacked_, true)) {
    out_.complete = false;
    out_.warnings.push_back(
        {"archive_limit",
         fmt::format("{}: the members of archives have more than {} MiB in all: the rest was not read", info.path, most_unpacked >> 20),
         {}});
  }
  if (!too_deep.empty()) {
    out_.complete = false;
    out_.warnings.push_back(
        {"archive_depth",
         fmt::format("{}: {}{} in it was not read: no more than {} archives are opened in each other", info.path, too_deep.front(),
                     too_deep.size() == 1 ? std::string() : fmt::format(" and {} more", too_deep.size() - 1), most_archive_depth),
         {}});
  }
  Coverage coverage{.volume = info.volume,
                    .source = "agent_log:" + file_name(info.path),
                    .first = tally.window.first,
                    .last = tally.window.last,
                    .records = tally.records,
                    .note = "an archive; its records are its members"};
  if (!tally.note.empty()) coverage.note += "; " + tally.note;
  for (const std::string& name : cut) coverage.note += "; only a part of " + name;
  out_.coverage.push_back(std::move(coverage));
  if (!tally.readable) {
    out_.warnings.push_back({"witness_unreadable", fmt::format("{}: not readable as an archive: {}", info.path, tally.note), {}});
    out_.complete = false;
  }
}

bool Witnesses::is_repeat(const WitnessInfo& info, const WitnessBytes& bytes) {
  const std::uint32_t volume = info.volume.value_or(no_volume);
  const auto shadow = speaks_for_.find(volume);
  auto& known = read_[{shadow == speaks_for_.end() ? volume : shadow->second, bytes.file->size()}];
  const bool repeat =
      shadow != speaks_for_.end() && std::ranges::any_of(known, [&](const WitnessBytes& other) {
        return same_bytes(other.file, bytes.file) && same_bytes(other.log1, bytes.log1) && same_bytes(other.log2, bytes.log2);
      });
  if (!repeat) known.push_back(bytes);
  return repeat;
}

// Logs grow: what a copy's log says is mostly what the volume's own says too. Where in the file it stands is not compared.
bool Witnesses::was_said(std::uint32_t volume, const Statement& statement, bool carved) {
  for (; counted_ < heard_.size(); ++counted_) {
    said_.emplace(hash_of(heard_[counted_].statement), counted_);
    if (heard_[counted_].source == SourceKind::registry) keys_.emplace(heard_[counted_].statement.time.ticks, counted_);
  }
  const auto [begin, end] = said_.equal_range(hash_of(statement));
  return std::any_of(begin, end, [&](const auto& known) {
    const findings::Heard& heard = heard_[known.second];
    return heard.volume.value_or(no_volume) == volume && same_words(heard.statement, statement, carved);
  });
}

// After was_said.
bool Witnesses::is_known_key(std::uint32_t volume, const Statement& statement) const {
  // A hive made so may give all its keys one time: beyond these a key is told again.
  constexpr int most_alike = 1024;
  auto [known, end] = keys_.equal_range(statement.time.ticks);
  for (int n = 0; known != end && n < most_alike; ++known, ++n)
    if (const findings::Heard& heard = heard_[known->second];
        heard.volume.value_or(no_volume) == volume && same_key(heard.statement, statement))
      return true;
  return false;
}

findings::Hearing Witnesses::hearing() {
  if (left_out_ != 0) {
    out_.complete = false;
    out_.warnings.push_back(
        {"witness_memory",
         fmt::format("{} statements of logs were not kept, those that name no extension first: what they say is missing",
                     std::exchange(left_out_, 0)),
         {}});
  }
  return {heard_, [this](std::size_t n) { return cite(n); }};
}

std::uint32_t Witnesses::cite(std::size_t n) {
  const auto [slot, is_new] = cited_.try_emplace(n, static_cast<std::uint32_t>(out_.sightings.size()));
  if (!is_new) return slot->second;
  const findings::Heard& heard = heard_[n];
  Sighting& out = out_.sightings.emplace_back();
  out.source = heard.source;
  out.integrity = heard.statement.carved ? Integrity::carved : heard.statement.cut ? Integrity::partial : Integrity::good;
  out.volume = out_.witnesses[heard.witness].volume.value_or(no_volume);
  out.place = {StreamKind::witness, heard.witness, heard.statement.offset, heard.statement.length};
  out.statement = std::make_shared<const Statement>(heard.statement);
  out.ranges = bytes_[heard.witness]->locate(out.place.offset, out.place.length);
  out.sha256 = sha256_of(spaces_, out.ranges).value_or("");
  return slot->second;
}

}  // namespace trimcarve
