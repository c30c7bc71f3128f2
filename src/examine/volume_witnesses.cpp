// Where on a Windows volume the witnesses lie, and which of them can be read: the live ones, and deleted ones whose clusters nobody has
// yet.
//
// Sources: the folders of the guest agent, of Azure Arc's, of the event log service and of the registry, as Windows and the agents make
// them by default.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "examine/volume_examiner.hpp"
#include "examine/witnesses.hpp"
#include "trimcarve/text.hpp"
#include "witness/recognise.hpp"

namespace trimcarve {

namespace {

using Standing = history::Graph::Standing;
using namespace std::string_view_literals;

constexpr std::uint32_t data_type = 0x80;
constexpr std::uint64_t largest_log = std::uint64_t{4} << 30;
constexpr std::size_t most_files = 20'000;  // of one folder and what is below it
constexpr int most_depth = 12;

struct Haunt {
  std::u16string_view folder;  // from the root, without the first backslash
  bool below = false;          // everything below it, recognised by its content; else only the names
  std::span<const std::u16string_view> names;
};

// Event logs that can speak of an extension or of what it ran. A machine has three hundred; the others hold nothing of it.
constexpr std::array event_logs{u"Security.evtx"sv,
                                u"System.evtx"sv,
                                u"Application.evtx"sv,
                                u"Windows PowerShell.evtx"sv,
                                u"Microsoft-Windows-PowerShell%4Operational.evtx"sv,
                                u"PowerShellCore%4Operational.evtx"sv,
                                u"Microsoft-Windows-Sysmon%4Operational.evtx"sv,
                                u"Microsoft-Windows-TaskScheduler%4Operational.evtx"sv,
                                u"Microsoft-Windows-Windows Defender%4Operational.evtx"sv};
constexpr std::u16string_view azure_logs = u"Microsoft-WindowsAzure";  // each log of the agent begins so
constexpr std::array hives{u"SOFTWARE"sv, u"SYSTEM"sv};
constexpr std::array programs{u"Amcache.hve"sv};

const std::array haunts{Haunt{u"WindowsAzure\\Logs", true, {}},
                        Haunt{u"WindowsAzure\\CollectGuestLogsTemp", true, {}},
                        Haunt{u"WindowsAzure\\Config", true, {}},
                        Haunt{u"ProgramData\\GuestConfig", true, {}},
                        Haunt{u"Windows\\System32\\winevt\\Logs", false, event_logs},
                        Haunt{u"Windows\\System32\\config", false, hives},
                        Haunt{u"Windows\\System32\\config\\RegBack", false, hives},
                        Haunt{u"Windows\\appcompat\\Programs", false, programs}};

}  // namespace

// A deleted file's clusters are its own still when no file has them now: zeroed ones speak for themselves.
bool VolumeExaminer::clusters_are_free(const ntfs::FileStream& stream) const {
  const ntfs::ClusterBitmap& bitmap = evidence_.volume->bitmap();
  if (bitmap.clusters() == 0) return false;
  for (const RunFact& run : stream.runs) {
    if (run.lcn < 0) continue;
    const auto begin = static_cast<std::uint64_t>(run.lcn);
    const auto free = bitmap.next_free(begin);
    if (!free || free->lcn != begin || free->clusters < run.clusters) return false;
  }
  return true;
}

std::optional<WitnessBytes> VolumeExaminer::open_witness(FileReference reference, WitnessInfo& info) const {
  const Standing standing = graph_.standing(reference);
  if (standing != Standing::live && standing != Standing::deleted) return std::nullopt;
  auto stream = evidence_.volume->open_stream(reference.entry(), data_type, u"");
  if (!stream || stream->size == 0 || stream->size > largest_log) return std::nullopt;
  if (standing == Standing::deleted && !stream->resident && !clusters_are_free(*stream)) return std::nullopt;
  info.volume = info_.index;
  info.state = standing == Standing::live ? "live" : "deleted";
  info.reference = reference;
  return WitnessBytes{stream->bytes, nullptr, nullptr};
}

// The files of a folder (and, when asked, below it) that were ever in it, newest state of each.
void VolumeExaminer::list_files(FileReference folder, const std::u16string& path, bool below, int depth,
                                std::vector<std::pair<std::u16string, FileReference>>& out) const {
  std::vector<history::RowIndex> rows;
  graph_.children(folder, rows);
  std::unordered_set<FileReference> seen;
  for (const history::RowIndex i : rows) {
    const history::NameRow& row = graph_.rows()[i];
    if (row.reference.value == 0 || row.alias || row.reference == folder || !seen.insert(row.reference).second) continue;
    if (out.size() >= most_files) return;
    const Standing standing = graph_.standing(row.reference);
    if (standing != Standing::live && standing != Standing::deleted) continue;
    const std::u16string child = path + u"\\" + std::u16string(graph_.name(row));
    const history::RecordSlot* slot = graph_.record(row.reference.entry());
    if (slot == nullptr) continue;
    if (!slot->directory)
      out.emplace_back(child, row.reference);
    else if (below && depth < most_depth)
      list_files(row.reference, child, below, depth + 1, out);
  }
}

void VolumeExaminer::hear(Witnesses& witnesses) {
  if (!evidence_.volume || evidence_.volume->from_artefact()) return;
  std::size_t lost = 0;
  for (const Haunt& place : haunts) {
    const auto components = history::path_components(place.folder);
    std::vector<std::pair<std::u16string, FileReference>> files;
    for (const FileReference folder : history::find(graph_, components))
      list_files(folder, u"\\" + std::u16string(place.folder), place.below, 0, files);
    if (files.size() >= most_files)
      out_.warnings.push_back({"witnesses_left_out",
                               fmt::format("\\{}: it has more files than are looked at for logs ({})", to_utf8(place.folder), most_files),
                               {}});
    std::ranges::sort(files);
    const auto repeated = std::ranges::unique(files);
    files.erase(repeated.begin(), repeated.end());
    const auto named = [&](std::u16string_view path, std::u16string_view name) {
      return graph_.same_name(path.substr(path.rfind(u'\\') + 1), name);
    };
    for (const auto& [path, reference] : files) {
      const std::u16string_view name = std::u16string_view(path).substr(path.rfind(u'\\') + 1);
      const bool azure = name.size() > azure_logs.size() && graph_.same_name(name.substr(0, azure_logs.size()), azure_logs);
      if (!place.below && std::ranges::none_of(place.names, [&](auto n) { return named(path, n); }) &&
          !(azure && place.names.data() == event_logs.data()))
        continue;
      if (progress_.report) progress_.report("logs and hives", 0, 0);
      WitnessInfo info{.path = to_utf8(path)};
      auto bytes = open_witness(reference, info);
      if (!bytes) {
        lost += graph_.standing(reference) == Standing::deleted ? 1U : 0U;
        if (!place.below && graph_.standing(reference) == Standing::live)
          out_.warnings.push_back({"witness_unreadable", fmt::format("{}: its content cannot be read", info.path), {}});
        continue;
      }
      if (place.below) {
        if (!witnesses.is_repeat(info, *bytes)) witnesses.read(std::move(info), bytes->file);
        continue;
      }
      const witness::Kind kind = witness::recognise(*bytes->file, info.path);
      // What stands where Windows keeps a log or a hive, and is none: damaged, or put there.
      if (kind == witness::Kind::unknown && info.state == "live") {
        out_.warnings.push_back({"witness_unreadable", fmt::format("{}: it is neither an event log nor a hive", info.path),
                                 bytes->file->locate(0, std::min<std::uint64_t>(bytes->file->size(), 512))});
        out_.complete = false;
      }
      if (kind == witness::Kind::hive)
        for (const auto& [ending, log] : {std::pair{u".LOG1"sv, &bytes->log1}, std::pair{u".LOG2"sv, &bytes->log2}})
          for (const auto& [other_path, other] : files) {
            WitnessInfo ignored;
            if (graph_.standing(other) != Standing::live || !graph_.same_name(other_path, path + std::u16string(ending))) continue;
            if (const auto opened = open_witness(other, ignored)) *log = opened->file;
          }
      if (!witnesses.is_repeat(info, *bytes)) witnesses.read(std::move(info), *bytes, kind);
    }
  }
  if (lost != 0)
    out_.coverage.push_back(
        {.volume = info_.index,
         .source = "agent_log",
         .note = fmt::format("{} deleted files where logs lie were not read: empty, or their clusters have other owners now", lost)});
}

}  // namespace trimcarve
