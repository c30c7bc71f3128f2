#include "examine/outside.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "carvers/free_space.hpp"
#include "examine/pieces.hpp"
#include "types/sha256.hpp"
#include "witness/plain_text.hpp"
#include "witness/recognise.hpp"

namespace trimcarve {

namespace {

constexpr std::size_t most_places = 64, most_pieces = std::size_t{1} << 16, most_hives = 64, most_documents = 256,
                      most_fragments = std::size_t{1} << 16, most_text = std::size_t{256} << 20;
constexpr std::uint64_t gap_between = 512;  // zeros, so that what follows is no part of it

class Search {
 public:
  Search(const OutsideSearch& search, Witnesses& witnesses, const Progress& progress, Examination& out)
      : search_(search), witnesses_(witnesses), progress_(progress), out_(out) {}

  void run() {
    std::vector<Range> ranges = search_.ranges;
    std::ranges::sort(ranges, {}, [](const Range& r) { return std::pair{r.space, r.offset}; });
    std::uint64_t stored = 0;
    for (const Range& r : ranges)
      for (const Extent& extent : search_.spaces[r.space]->extents(r.offset, r.length))
        if (extent.kind == ExtentKind::data) stored += extent.length;
    coverage_.source = "outside";
    if (stored == 0) {
      coverage_.note = "space in no volume: no bytes are stored there";
      return void(out_.coverage.push_back(std::move(coverage_)));
    }
    if (!search_.wanted.value_or(stored <= free_space_by_default)) {
      coverage_.note = fmt::format("space in no volume: not searched{}", search_.wanted ? ", as asked" : "; --free-space searches it");
      coverage_.gaps.push_back({0, stored, "not searched"});
      return void(out_.coverage.push_back(std::move(coverage_)));
    }
    for (auto at = ranges.begin(); at != ranges.end();) {
      const auto end = std::find_if(at, ranges.end(), [&](const Range& r) { return r.space != at->space; });
      one_space(at->space, {at, end});
      at = end;
    }
    finish();
  }

 private:
  void one_space(std::uint32_t space, const std::vector<Range>& ranges) {
    const SourcePtr& source = search_.spaces[space];
    std::vector<carvers::Stretch> stretches;
    for (const Range& r : ranges) {
      const std::uint64_t begin = stretches.empty() ? r.offset : std::max(r.offset, stretches.back().offset + stretches.back().length);
      if (begin < r.offset + r.length) stretches.push_back({begin, r.offset + r.length - begin, carvers::StretchKind::outside});
    }
    carvers::FreeSpaceOptions options;
    options.volume = no_volume;
    options.grain = 512;
    options.text = search_.text;
    options.progress = [this](std::uint64_t done, std::uint64_t total) {
      if (progress_.report) progress_.report("space in no volume", done, total);
      return progress_.cancel == nullptr || !progress_.cancel->load(std::memory_order_relaxed);
    };
    std::vector<carvers::Stretch> chunks, hives, bins, lines, documents;
    const auto tally = carvers::search_free_space(*source, stretches, options, [&](const carvers::Candidate& found) {
      const carvers::Stretch piece{found.offset, found.length, carvers::StretchKind::outside};
      switch (found.kind) {
        case carvers::CandidateKind::event_chunk: keep(chunks, piece); break;
        case carvers::CandidateKind::hive: keep(hives, piece); break;
        case carvers::CandidateKind::text:
          if (found.text->language == carvers::Language::agent_log) keep(lines, piece);
          if ((found.text->language == carvers::Language::settings || found.text->language == carvers::Language::status) &&
              found.text->encoding != carvers::TextEncoding::json && documents.size() < most_documents)
            documents.push_back(piece);
          add_fragment(*source, found.offset, *found.text);
          break;
        case carvers::CandidateKind::hive_bin:
          if (bins.size() < most_pieces && !is_bin_of(hives, found.offset, *source)) add_bin(bins, piece);
          break;
        case carvers::CandidateKind::file_record:
        case carvers::CandidateKind::index_block:
        case carvers::CandidateKind::usn_record:
        case carvers::CandidateKind::log_page:
          if (places_.size() < most_places) std::ranges::copy(source->locate(found.offset, found.length), std::back_inserter(places_));
          break;
      }
    });
    if (tally.stopped) throw RunError(ExitCode::interrupted, "examine", "interrupted", "stopped while searching space in no volume");
    sum(tally);
    const std::string where = space == disk_space ? "of the disk" : fmt::format("of file {}", space - 1);
    const auto hear = [&](const std::string& what, SourcePtr bytes, witness::Kind kind) {
      witnesses_.read({.path = fmt::format("(space in no volume {}: {})", where, what), .state = "carved"},
                      {std::move(bytes), nullptr, nullptr}, kind);
    };
    if (!chunks.empty()) hear("chunks of event logs", make_pieces(source, chunks, 0), witness::Kind::event_log);
    for (std::size_t i = 0; i < hives.size() && i < most_hives; ++i)
      hear(fmt::format("registry hive at {}", hives[i].offset), make_view(source, hives[i].offset, hives[i].length), witness::Kind::hive);
    if (!bins.empty()) hear("bins of registry hives", make_pieces(source, bins, gap_between), witness::Kind::hive_bins);
    for (const carvers::Stretch& piece : documents) {
      const SourcePtr document = make_view(source, piece.offset, piece.length);
      witness::Kind kind = witness::recognise(*document, "");
      if (kind != witness::Kind::aggregate_status && kind != witness::Kind::telemetry && kind != witness::Kind::goal_state)
        kind = witness::Kind::settings;
      hear(fmt::format("{} at {}", witness::to_string(kind), piece.offset), document, kind);
    }
    if (!lines.empty()) hear("lines of agents' logs", make_pieces(source, lines, gap_between), witness::Kind::agent_log);
  }

  static void keep(std::vector<carvers::Stretch>& list, const carvers::Stretch& piece) {
    if (list.size() < most_pieces) list.push_back(piece);
  }

  void add_fragment(const ByteSource& source, std::uint64_t offset, const carvers::TextFragment& text) {
    Sha256 digest;
    const std::string clean = witness::to_clean_utf8(text.text);
    digest.update(std::as_bytes(std::span(clean)));
    std::string sha256 = digest.finish();
    if (const auto known = fragments_.find(sha256); known != fragments_.end()) {
      ++out_.fragments[known->second].copies;
      return;
    }
    if (fragments_.size() >= most_fragments || clean.size() > most_text - text_bytes_) {
      ++left_out_;
      return;
    }
    text_bytes_ += clean.size();
    fragments_.emplace(sha256, out_.fragments.size());
    FragmentReport& out = out_.fragments.emplace_back();
    out.place = to_string(carvers::StretchKind::outside);
    out.language = to_string(text.language);
    out.encoding = to_string(text.encoding);
    out.rules.assign(text.rules.begin(), text.rules.end());
    out.lines = text.lines;
    out.lines_matched = text.lines_matched;
    out.text = clean;
    out.sha256 = std::move(sha256);
    out.ranges = source.locate(offset, text.length);
    out.ranges_sha256 = sha256_of(search_.spaces, out.ranges).value_or("");
  }

  void sum(const carvers::FreeSpaceTally& t) {
    using Tally = carvers::FreeSpaceTally;
    for (const auto member : {&Tally::data, &Tally::zeros, &Tally::unreadable, &Tally::file_records, &Tally::index_blocks,
                              &Tally::usn_records, &Tally::log_pages, &Tally::event_chunks, &Tally::hives, &Tally::texts})
      tally_.*member += t.*member;
  }

  void finish() {
    coverage_.records = tally_.texts + tally_.event_chunks + tally_.hives;
    coverage_.note = fmt::format("space in no volume: {} KiB with data searched, {} KiB zero", tally_.data >> 10, tally_.zeros >> 10);
    const auto say = [](std::string& text, std::uint64_t count, std::string_view what) {
      if (count != 0) text += fmt::format("{}{} {}", text.empty() ? "" : "; ", count, what);
    };
    say(coverage_.note, tally_.texts, "fragments of text");
    say(coverage_.note, tally_.event_chunks, "chunks of event logs");
    say(coverage_.note, tally_.hives, "registry hives");
    say(coverage_.note, left_out_, "fragments of text left out, there being so many");
    if (search_.text == nullptr) coverage_.note += "; no search for text";
    std::string structures;
    say(structures, tally_.file_records, "FILE records");
    say(structures, tally_.index_blocks, "index blocks");
    say(structures, tally_.usn_records, "records of a change journal");
    say(structures, tally_.log_pages, "pages of a $LogFile");
    if (!structures.empty())
      out_.warnings.push_back({"structures_in_no_volume",
                               "space in no volume holds structures of NTFS, by their shape: " + structures +
                                   "; they are of a volume that was there before, and are not joined to any",
                               std::move(places_)});
    if (tally_.unreadable != 0) coverage_.gaps.push_back({0, tally_.unreadable, "unreadable"}), out_.complete = false;
    out_.coverage.push_back(std::move(coverage_));
  }

  const OutsideSearch& search_;
  Witnesses& witnesses_;
  const Progress& progress_;
  Examination& out_;
  Coverage coverage_{.volume = std::nullopt};
  carvers::FreeSpaceTally tally_;
  std::vector<Range> places_;
  std::unordered_map<std::string, std::size_t> fragments_;  // by the SHA-256 of their text
  std::size_t text_bytes_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace

void search_outside(const OutsideSearch& search, Witnesses& witnesses, const Progress& progress, Examination& out) {
  Search(search, witnesses, progress, out).run();
}

}  // namespace trimcarve
