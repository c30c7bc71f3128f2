// The pipeline: opens the evidence, runs the rooms in order, volume by volume, then judges each target over all of them.
#include "trimcarve/examine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "examine/examiner_rules.hpp"
#include "examine/opened.hpp"
#include "examine/outside.hpp"
#include "examine/places.hpp"
#include "examine/read_errors.hpp"
#include "examine/volume_examiner.hpp"
#include "examine/witnesses.hpp"
#include "findings/ascii.hpp"
#include "findings/judge.hpp"
#include "image/bitlocker.hpp"
#include "image/open.hpp"
#include "image/partitions.hpp"
#include "image/shadow.hpp"
#include "witness/cms.hpp"
#include "witness/recognise.hpp"

namespace trimcarve {

namespace {

std::vector<findings::Target> parse_targets(const Request& request) {
  std::vector<findings::Target> targets;
  for (const std::string& asked : request.targets) {
    auto target = findings::parse_target(asked);
    if (!target) {
      std::string known;
      for (const auto& profile : findings::profiles()) known += (known.empty() ? "" : ", ") + std::string(profile.name);
      throw RunError(ExitCode::usage, "--target " + asked, "unknown target",
                     "neither a profile (" + known + ") nor a path such as \\Packages\\Plugins");
    }
    targets.push_back(std::move(*target));
  }
  return targets;
}

void add_source(Examination& out, image::OpenedImage& opened) {
  out.sources.push_back(opened.info);
  std::ranges::move(opened.warnings, std::back_inserter(out.warnings));
  out.complete = out.complete && opened.complete;
}

class Pipeline {
 public:
  // With a sink the timeline of everything is told to it, and targets play no part.
  Pipeline(const Request& request, const Progress& progress, const TimelineSink* timeline = nullptr)
      : request_(request), progress_(progress), timeline_(timeline) {
    if (timeline == nullptr) targets_ = parse_targets(request);
    if (request.max_memory != 0) witnesses_.keep_at_most(request.max_memory / 4);
    if (!request.certificate.empty()) read_certificate();
    if (!request.yara.empty()) rules_.emplace(request.yara);
  }

  // `opened`: the request's image, when it is open already.
  Examination run(std::optional<image::OpenedImage> opened = std::nullopt) {
    if (!opened && !request_.image.empty())
      opened = image::open_image(request_.image, {request_.parents, request_.replay_log, request_.page_ranges});
    if (opened)
      examine_image(*opened);
    else
      examine_artefacts();
    if (only_info()) return finished();
    hear_given();
    const findings::Hearing hearing = witnesses_.hearing();
    if (timeline_ != nullptr) {
      tell_statements(hearing);
      return finished();
    }
    for (const auto& target : targets_) {
      const auto index = static_cast<std::uint32_t>(&target - targets_.data());
      findings::judge(target, index, hearing, key_ ? &*key_ : nullptr, out_);
    }
    find_what_runs_made();
    if (rules_) rules_->mark(out_);
    out_.spaces = spaces_;
    return finished();
  }

 private:
  bool only_info() const { return targets_.empty() && timeline_ == nullptr; }

  void tell_statements(const findings::Hearing& hearing) const {
    for (std::size_t n = 0; n < hearing.all.size(); ++n) {
      const findings::Heard& heard = hearing.all[n];
      if (heard.statement.time == no_time) continue;
      const Sighting& sighting = out_.sightings[hearing.cite(n)];
      const WitnessInfo& witness = out_.witnesses[heard.witness];
      const auto slash = witness.path.rfind(heard.volume ? '\\' : '/');
      TimelineEntry entry{.kind = EntryKind::statement, .sighting = &sighting, .volume = heard.volume.value_or(no_volume)};
      entry.reference_known = witness.reference.has_value();
      entry.reference = witness.reference.value_or(FileReference{});
      entry.directory = std::string_view(witness.path).substr(0, slash == std::string::npos ? 0 : slash);
      entry.file_name = std::string_view(witness.path).substr(slash == std::string::npos ? 0 : slash + 1);
      entry.deleted = witness.state == "deleted";
      entry.time = heard.statement.time;
      if (!sighting.ranges.empty()) entry.range = sighting.ranges.front();
      (*timeline_)(entry);
    }
  }

  Examination finished() {
    for (const auto& [name, input] : inputs_)
      if (auto told = input->told(name)) {
        out_.warnings.push_back(*std::move(told));
        out_.complete = false;
      }
    return std::move(out_);
  }

  SourcePtr watch(std::string name, SourcePtr input) {
    return inputs_.emplace_back(std::move(name), std::make_shared<ReadErrors>(std::move(input))).second;
  }

  // A script works where it likes. What the journal saw created outside the handler's folders while a run was under way is listed with it.
  void find_what_runs_made() {
    constexpr std::size_t most = 200;
    for (TargetReport& target : out_.targets)
      for (RunRecord& run : target.runs) {
        if (!run.started || !run.finished) continue;
        for (const auto& examiner : examiners_)
          if (examiner->info().index == run.volume)
            run.created_elsewhere = examiner->created_between(*run.started, *run.finished, most, run.created_elsewhere_total);
      }
  }

  // Not evidence, so no input of the report: the key opens what is in the evidence.
  void read_certificate() {
    constexpr std::uint64_t largest = 1 << 20;
    const SourcePtr file = image::open_file(request_.certificate, 0).source;
    if (file->size() > largest) throw RunError(ExitCode::input, request_.certificate, "not a certificate", "it is larger than 1 MiB");
    std::vector<std::byte> bytes(static_cast<std::size_t>(file->size()));
    if (const auto read = file->read_at(0, bytes); !read)
      throw RunError(ExitCode::input, request_.certificate, "cannot read", read.error().what);
    auto key = witness::Certificate::open(bytes, request_.certificate_password);
    if (!key) throw RunError(ExitCode::input, request_.certificate, "no certificate with its key", key.error().what);
    if (!key->has_key()) throw RunError(ExitCode::input, request_.certificate, "no certificate with its key", "it has no private key");
    key_.emplace(std::move(*key));
  }

  struct Given {
    std::string path;
    SourcePtr file;
    witness::Kind kind;
  };

  // All are opened before any is read: a hive's transaction logs may be given before it or after it, and from then on no file is opened.
  void open_given() {
    for (const std::string& path : request_.artifacts) {
      if (is_empty(path)) continue;
      const SourcePtr file = open_artefact(path);
      given_.push_back({path, file, witness::recognise(*file, path)});
    }
    if (!request_.activity_log.empty() && !is_empty(request_.activity_log)) activity_log_ = open_artefact(request_.activity_log);
    if (progress_.opened) progress_.opened();
  }

  void hear_given() {
    for (const Given& g : given_) {
      WitnessBytes bytes{g.file, nullptr, nullptr};
      const auto log = [&](std::string_view ending) -> SourcePtr {
        for (const Given& other : given_)
          if (other.kind == witness::Kind::hive_log && findings::same_ascii(std::string_view(other.path), g.path + std::string(ending)))
            return other.file;
        return nullptr;
      };
      if (g.kind == witness::Kind::hive) bytes.log1 = log(".LOG1"), bytes.log2 = log(".LOG2");
      const bool belongs = g.kind == witness::Kind::hive_log && std::ranges::any_of(given_, [&](const Given& hive) {
                             return hive.kind == witness::Kind::hive && g.path.size() == hive.path.size() + 5 &&
                                    findings::same_ascii(std::string_view(g.path).substr(0, hive.path.size()), hive.path);
                           });
      if (!belongs) witnesses_.read({.path = g.path, .state = "given"}, bytes, g.kind);
    }
    if (activity_log_ != nullptr)
      witnesses_.read({.path = request_.activity_log, .state = "given"}, {activity_log_, nullptr, nullptr}, witness::Kind::activity_log);
    if (request_.image.empty() && examiners_.empty() && out_.coverage.empty())
      throw RunError(ExitCode::input, request_.artifacts.empty() ? request_.activity_log : request_.artifacts.front(), "nothing to examine",
                     "it is no log, hive, status or archive that is known here");
  }

  // An empty file says nothing and costs nothing but a warning; a hive's log mostly is empty.
  bool is_empty(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error) || std::filesystem::file_size(path, error) != 0 || error) return false;
    const std::string ending = findings::lower_ascii(path.substr(path.size() - std::min<std::size_t>(path.size(), 5)));
    if (ending == ".log1" || ending == ".log2") return true;
    out_.warnings.push_back({"witness_unknown", path + ": the file is empty", {}});
    out_.complete = false;
    return true;
  }

  // Opens a given file as the next of the spaces. Throws RunError{input}; null for an empty path.
  SourcePtr open_artefact(const std::string& path) {
    if (path.empty()) return nullptr;
    image::OpenedImage opened = image::open_file(path, static_cast<std::uint32_t>(spaces_.size() - 1));
    add_source(out_, opened);
    spaces_.push_back(watch(path, opened.source));
    return spaces_.back();
  }

  // What of a volume of an image is searched.
  FreeSpaceSearch free_space_search() {
    FreeSpaceSearch search{.possible = true, .wanted = request_.free_space, .whole_volume = request_.whole_volume};
    if (!text_ && text_.error().what.empty()) text_ = carvers::ScriptText::make();
    if (text_)
      search.text = &*text_;
    else
      search.no_text = text_.error().what;
    return search;
  }

  VolumeExaminer& examine_volume(VolumeEvidence evidence, std::uint64_t offset) {
    evidence.budget = &budget_;
    auto& examiner = *examiners_.emplace_back(std::make_unique<VolumeExaminer>(std::move(evidence), spaces_, progress_, out_));
    examiner.info().offset = offset;
    if (!request_.image.empty() && !targets_.empty()) examiner.search_free_space(free_space_search());
    if (timeline_ != nullptr) examiner.leave_clusters();
    examiner.read();
    if (timeline_ != nullptr) examiner.tell(*timeline_);
    examiner.report(targets_);
    out_.volumes.push_back(examiner.info());
    return examiner;
  }

  static image::ShadowStores read_shadows(const SourcePtr& partition, const ntfs::Volume& volume) {
    return image::read_shadows(partition, [&volume](std::uint64_t offset) {
      const std::uint64_t size = volume.cluster_size(), end = (offset + image::shadow_block_size - 1) / size;
      for (std::uint64_t lcn = offset / size; lcn <= end; ++lcn)
        if (volume.bitmap().allocation(lcn) != ntfs::Allocation::free) return false;
      return true;
    });
  }

  // For info: the shadow copies, not read.
  void name_shadows(const VolumeExaminer& live, image::ShadowStores& stores, std::uint32_t& next) {
    for (Warning& warning : stores.warnings) out_.warnings.push_back(std::move(warning));
    out_.complete = out_.complete && stores.complete;
    for (const image::ShadowStore& store : stores.stores) {
      VolumeInfo& info = out_.volumes.emplace_back();
      info.index = next++;
      info.offset = live.info().offset;
      info.size = live.info().size;
      info.shadow_of = live.info().index;
      info.shadow_created = store.created;
      info.state = store.bytes == nullptr ? "unreadable" : "not read";
    }
  }

  // The shadow copies of a volume, newest first, each a volume of its own. Memory for names is needed for one of them at a time.
  void examine_shadows(VolumeExaminer& live, image::ShadowStores stores, const std::shared_ptr<KnownEvidence>& known, std::uint32_t& next) {
    const std::uint32_t of = live.info().index;
    for (Warning& warning : stores.warnings) {
      warning.text = fmt::format("volume {}: {}", of, warning.text);
      out_.warnings.push_back(std::move(warning));
    }
    out_.complete = out_.complete && stores.complete;
    std::vector<std::unique_ptr<VolumeExaminer>> copies;
    for (const image::ShadowStore& store : stores.stores) {
      VolumeInfo info{
          .index = next++, .offset = live.info().offset, .size = live.info().size, .shadow_of = of, .shadow_created = store.created};
      info.state = "unreadable";
      auto volume = store.bytes == nullptr ? Result<ntfs::Volume>(fail(store.why)) : ntfs::open_volume(store.bytes);
      if (!volume) {
        if (store.bytes != nullptr) {
          out_.complete = false;
          out_.warnings.push_back({"volume_unreadable",
                                   fmt::format("volume {}, the shadow copy of volume {} of {}: {}", info.index, of,
                                               to_iso8601(store.created), volume.error().what),
                                   {}});
        }
        out_.volumes.push_back(std::move(info));
        continue;
      }
      if (store.offline)
        out_.warnings.push_back(
            {"shadow_offline",
             fmt::format("volume {}, the shadow copy of volume {} of {}, is marked offline: Windows no longer showed it", info.index, of,
                         to_iso8601(store.created)),
             {}});
      if (store.freed)
        out_.warnings.push_back(
            {"shadow_freed",
             fmt::format("volume {}, the shadow copy of volume {} of {}: its own file was deleted; what TRIM took of it is "
                         "unreadable, and what came to lie there since cannot be told from its blocks",
                         info.index, of, to_iso8601(store.created)),
             {}});
      out_.complete = out_.complete && !store.freed;
      for (const ntfs::VolumeNote& note : volume->notes())
        out_.warnings.push_back({note.code, fmt::format("volume {}: {}", info.index, note.text), {}});
      VolumeEvidence evidence;
      evidence.index = info.index;
      evidence.volume = std::move(*volume);
      evidence.shadow_created = store.created;
      evidence.budget = &budget_;
      evidence.known = known;
      VolumeExaminer& examiner = *copies.emplace_back(std::make_unique<VolumeExaminer>(std::move(evidence), spaces_, progress_, out_));
      examiner.info().offset = info.offset;
      examiner.info().shadow_of = of;
      examiner.read();
      if (timeline_ != nullptr) examiner.tell(*timeline_);
      examiner.report(targets_);
      witnesses_.speaks_for(info.index, of);
      examiner.hear(witnesses_);
      out_.volumes.push_back(examiner.info());
      live.take_journal(examiner);
      examiner.rest();
    }
    live.bound_by(copies);
    for (const auto& copy : copies) copy->bound_by(copies);
  }

  image::BitlockerKeys bitlocker_keys() const {
    image::BitlockerKeys keys;
    keys.password = request_.bitlocker_password;
    if (!request_.startup_key.empty()) keys.startup_key = image::open_file(request_.startup_key, 0).source;
    if (request_.recovery_key.empty()) return keys;
    constexpr std::uint64_t largest = 1U << 20;
    const SourcePtr file = image::open_file(request_.recovery_key, 0).source;
    std::vector<std::byte> text(static_cast<std::size_t>(std::min(file->size(), largest)));
    if (auto read = file->read_at(0, text); !read) throw RunError(ExitCode::input, request_.recovery_key, "cannot read", read.error().what);
    keys.recovery_password = image::find_recovery_password(text);
    if (keys.recovery_password.empty())
      throw RunError(ExitCode::usage, request_.recovery_key, "no recovery key", "it holds no 48 digits in eight groups that can be one");
    return keys;
  }

  void examine_image(image::OpenedImage& opened) {
    add_source(out_, opened);
    opened.source = watch(opened.info.path, opened.source);
    spaces_.front() = opened.source;
    // The image's own files are spaces too: what earlier blocks left in them is cited there.
    std::ranges::copy(opened.files, std::back_inserter(spaces_));
    const image::BitlockerKeys keys = bitlocker_keys();
    open_given();
    const std::string& path = request_.image.front();
    image::PartitionTable table = image::read_partitions(*opened.source, opened.sector_size);
    std::ranges::move(table.warnings, std::back_inserter(out_.warnings));
    out_.complete = out_.complete && table.complete;
    for (image::Partition& p : table.partitions)
      out_.partitions.push_back({p.index, std::string(to_string(p.scheme)), p.offset, p.size, p.type, p.type_name, p.name, {}});

    struct Copied {
      VolumeExaminer* live = nullptr;
      image::ShadowStores stores;
      std::shared_ptr<KnownEvidence> known;
    };
    std::vector<Copied> copied;
    std::uint32_t index = 0;
    std::size_t examined = 0;
    std::string why = "no partition table and no NTFS volume was found";
    if (!table.partitions.empty()) why = "none of its partitions is an NTFS volume";
    Places places = find_places(opened.source, table, request_.search_all, progress_);
    std::ranges::move(places.warnings, std::back_inserter(out_.warnings));
    out_.complete = out_.complete && places.complete;
    for (const VolumePlace& place : places.places) {
      const std::uint32_t number = index++;
      if (request_.volume && *request_.volume != number) continue;
      VolumeInfo info{.index = number, .offset = place.offset, .size = place.size};
      if (!place.lost.empty()) {
        out_.complete = false;
        out_.warnings.push_back({"volume_found_by_search",
                                 fmt::format("volume {} at offset {} is in no partition table, or has no boot sector: found by {}", number,
                                             place.offset, place.lost),
                                 opened.source->locate(place.offset, 512)});
      }
      SourcePtr bytes = make_view(opened.source, place.offset, place.size);
      if (place.bitlocker) {
        auto unlocked = image::unlock_bitlocker(bytes, keys);
        const auto header = opened.source->locate(place.offset, 512);
        if (!unlocked) {
          info.state = "bitlocker";
          out_.volumes.push_back(std::move(info));
          out_.complete = false;
          out_.warnings.push_back({"bitlocker",
                                   fmt::format("volume {} at offset {} is encrypted with BitLocker (-FVE-FS-) and was not examined: {}",
                                               number, place.offset, unlocked.error().what),
                                   header});
          ++examined;
          continue;
        }
        bytes = unlocked->plain;
        out_.warnings.push_back(
            {"bitlocker_unlocked",
             fmt::format("volume {} is encrypted with BitLocker ({}) and was read decrypted; offsets and hashes of what "
                         "is cited are those of the encrypted bytes",
                         number, unlocked->method),
             header});
      }
      auto volume = ntfs::open_volume(bytes, place.geometry ? &*place.geometry : nullptr);
      if (!volume) {
        info.state = "unreadable";
        out_.volumes.push_back(std::move(info));
        out_.complete = false;
        out_.warnings.push_back(
            {"volume_unreadable", fmt::format("volume {} at offset {}: {}", number, place.offset, volume.error().what), {}});
        why = volume.error().what;
        continue;
      }
      for (const ntfs::VolumeNote& note : volume->notes())
        out_.warnings.push_back({note.code, fmt::format("volume {}: {}", number, note.text), {}});
      if (volume->from_backup_boot() || volume->from_mft_mirror() || volume->from_records()) out_.complete = false;
      for (const ntfs::VolumeNote& note : volume->notes())
        out_.complete = out_.complete && note.code != "bitmap_missing" && note.code != "bitmap_damaged" && note.code != "mft_incomplete";
      VolumeEvidence evidence;
      evidence.index = number;
      Copied copies;
      if (request_.shadows) copies.stores = read_shadows(bytes, *volume);
      evidence.volume = std::move(*volume);
      const bool has_copies = !copies.stores.stores.empty() || !copies.stores.warnings.empty();
      if (has_copies) evidence.known = copies.known = std::make_shared<KnownEvidence>();
      copies.live = &examine_volume(std::move(evidence), place.offset);
      if (has_copies) copied.push_back(std::move(copies));
      ++examined;
    }
    if (request_.volume && *request_.volume >= index)
      throw RunError(ExitCode::usage, path, fmt::format("no volume {}", *request_.volume),
                     fmt::format("the disk has {} NTFS volume{}", index, index == 1 ? "" : "s"));
    for (PartitionInfo& partition : out_.partitions)
      for (const VolumeInfo& volume : out_.volumes)
        if (volume.offset == partition.offset && !partition.volume) partition.volume = volume.index;
    if (only_info()) {
      for (Copied& copies : copied) name_shadows(*copies.live, copies.stores, index);
      return;
    }
    if (examined == 0) throw RunError(ExitCode::input, path, "nothing to examine", why);
    for (const auto& examiner : examiners_) examiner->hear(witnesses_);
    for (Copied& copies : copied) examine_shadows(*copies.live, std::move(copies.stores), copies.known, index);
    if (timeline_ != nullptr) return;
    // Last: what others say as well is not said again.
    for (const auto& examiner : examiners_) {
      examiner->hear_carved(witnesses_);
      examiner->report_fragments();
    }
    if (request_.volume) return;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> covered;
    for (const PartitionInfo& p : out_.partitions) covered.emplace_back(p.offset, p.size);
    for (const VolumeInfo& v : out_.volumes) covered.emplace_back(v.offset, v.size);
    OutsideSearch outside{.ranges = not_covered(opened.source->size(), std::move(covered)),
                          .spaces = spaces_,
                          .wanted = request_.free_space,
                          .text = free_space_search().text};
    std::ranges::copy(opened.unreferenced, std::back_inserter(outside.ranges));
    search_outside(outside, witnesses_, progress_, out_);
  }

  void examine_artefacts() {
    VolumeEvidence evidence;
    const SourcePtr boot = open_artefact(request_.boot);
    const SourcePtr mft = open_artefact(request_.mft);
    const SourcePtr journal = open_artefact(request_.usn_journal);
    evidence.log = open_artefact(request_.log_file);
    evidence.index_file = open_artefact(request_.index);
    open_given();
    if (mft == nullptr && journal == nullptr && evidence.log == nullptr && evidence.index_file == nullptr) {
      if (!request_.artifacts.empty() || !request_.activity_log.empty()) return;  // witnesses alone
      throw RunError(ExitCode::usage, "examine", "nothing to examine",
                     "give an image, or extracted artefacts with --mft, --usnjrnl, --logfile, --index, --artifact or --activity-log");
    }
    if (mft != nullptr) {
      auto volume = ntfs::open_mft_artefact(mft, boot);
      if (!volume) throw RunError(ExitCode::input, request_.mft, "not an $MFT", volume.error().what);
      for (const ntfs::VolumeNote& note : volume->notes()) out_.warnings.push_back({note.code, note.text, {}});
      evidence.volume = std::move(*volume);
    }
    if (journal != nullptr) evidence.journals.emplace_back(0, journal);
    examine_volume(std::move(evidence), 0);
    const bool anything = std::ranges::any_of(out_.coverage, [](const Coverage& c) { return c.records != 0; });
    if (!anything) {
      const std::string& named = !request_.mft.empty()           ? request_.mft
                                 : !request_.usn_journal.empty() ? request_.usn_journal
                                 : !request_.log_file.empty()    ? request_.log_file
                                                                 : request_.index;
      throw RunError(ExitCode::input, named, "nothing to examine", "it holds no record of the kind it was given as");
    }
  }

  const Request& request_;
  const Progress& progress_;
  const TimelineSink* timeline_;
  std::vector<findings::Target> targets_;
  MemoryBudget budget_{request_.max_memory};
  Examination out_;
  std::vector<std::pair<std::string, std::shared_ptr<const ReadErrors>>> inputs_;
  std::vector<SourcePtr> spaces_{nullptr};  // what Range::space counts: the disk, then each input file
  std::vector<std::unique_ptr<VolumeExaminer>> examiners_;
  Witnesses witnesses_{spaces_, progress_, out_};
  std::vector<Given> given_;
  SourcePtr activity_log_;
  std::optional<witness::Certificate> key_;
  std::optional<ExaminerRules> rules_;
  Result<carvers::ScriptText> text_ = fail("");  // made when it is needed
};

}  // namespace

Examination examine(const Request& request, const Progress& progress) { return Pipeline(request, progress).run(); }

Examination timeline(const Request& request, const TimelineSink& sink, const Progress& progress) {
  return Pipeline(request, progress, &sink).run();
}

Examination examine_opened(const Request& request, image::OpenedImage opened, const Progress& progress) {
  return Pipeline(request, progress).run(std::move(opened));
}

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const auto& profile : findings::profiles()) names.emplace_back(profile.name);
  return names;
}

}  // namespace trimcarve
