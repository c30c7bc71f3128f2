#include "carvers/record_slack.hpp"

#include <algorithm>
#include <array>

#include "carvers/content_shape.hpp"
#include "carvers/facts.hpp"
#include "ntfs/attribute.hpp"
#include "ntfs/file_name_scan.hpp"
#include "ntfs/standard_information.hpp"

namespace trimcarve::carvers {

namespace {

using ntfs::Attribute;

constexpr std::uint32_t resident_header = 0x18;      // up to the value, when the attribute has no name
constexpr std::uint32_t index_entry_header = 16;     // in front of the $FILE_NAME
constexpr std::size_t shortest_tail = 4;             // units: a shorter name proves nothing when only its length and end agree
constexpr std::uint32_t name_length_in_name = 0x40;  // offset of the length byte in $FILE_NAME

constexpr std::uint32_t aligned(std::uint64_t offset) noexcept { return static_cast<std::uint32_t>((offset + 7) & ~std::uint64_t{7}); }

// The end marker's second half is 82 79 47 11 up to Windows 7 and zero in later ones.
bool end_marker_at(ByteView bytes, std::uint32_t offset) noexcept {
  const auto first = try_le<std::uint32_t>(bytes, offset);
  const auto second = try_le<std::uint32_t>(bytes, std::uint64_t{offset} + 4);
  return first && second && *first == ntfs::attribute_type::end && (*second == 0x1147'7982U || *second == 0);
}

// Names are mostly of one script: three of four units share the first one's high byte or are ASCII.
bool one_script(ntfs::Units name) noexcept {
  std::size_t alike = 0;
  for (std::size_t i = 0; i < name.size(); ++i)
    if (name[i] < 0x80 || name[i] >> 8 == name[0] >> 8) ++alike;
  return alike * 4 >= name.size() * 3;
}

bool name_readable(ntfs::Units name) noexcept {
  for (std::size_t i = 0; i < name.size(); ++i)
    if (name[i] < 0x20 || name[i] == u'/' || name[i] == u'\\') return false;
  return !name.empty();
}

class SlackCarver {
 public:
  SlackCarver(const RecordView& view, Sighting& scratch, const SightingSink& sink, SlackTally& tally)
      : view_(view), bytes_(view.record.bytes()), scratch_(scratch), sink_(sink), tally_(tally) {}

  void run() {
    ++tally_.records;
    ntfs::AttributeWalk walk(view_.record);
    for (Attribute a; walk.next(a);) {
      if (a.torn || a.type != ntfs::attribute_type::data || !a.name.empty() || a.resident || a.first_vcn != 0) continue;
      former_value_ = a.offset + resident_header;
    }
    end_ = aligned(walk.end_offset());
    slack_ = aligned(walk.slack_begin());
    if (slack_ >= bytes_.size() || all_zero(bytes_.subspan(slack_))) return;
    ++tally_.with_slack;
    identity_ = identity_of(view_.record.header(), view_.entry);
    scan();
    emit_content();
    if (names_ != 0) ++tally_.with_names;
  }

 private:
  // Steps through the slack once. What is recognised is handed on; the gaps between are judged when their end is reached.
  void scan() {
    const bool directory = view_.record.header().directory();
    const auto limit = static_cast<std::uint32_t>(bytes_.size());
    gap_ = slack_;
    std::uint32_t at = slack_;
    // Live bytes and the end marker often lie over the first fields of a name: its parent, even its first two times.
    for (std::uint32_t head = slack_ - 24; directory && head < slack_; head += 8)
      if (take_child(head, at)) {
        gap_ = at;
        break;
      }
    while (at + 8 <= limit) {
      if (load<std::uint64_t>(bytes_, at) == 0) {
        at += 8;
        continue;
      }
      Attribute attribute;
      if (ntfs::decode_attribute(bytes_, at, limit, attribute) == ntfs::AttributeAt::attribute && ntfs::attribute_plausible(attribute)) {
        end_gap(at, &attribute);
        take_attribute(attribute);
        // Inside an $INDEX_ROOT lie the names of children.
        at = attribute.type == ntfs::attribute_type::index_root ? aligned(attribute.value_offset) : aligned(attribute.end());
        gap_ = at;
        continue;
      }
      const std::uint32_t before = at;
      if (directory && take_child(before, at)) {
        end_gap(before, nullptr);
        gap_ = at;
        continue;
      }
      if (end_marker_at(bytes_, at)) {
        end_gap(at, nullptr);
        at += 8;
        gap_ = at;
        continue;
      }
      at += 8;
    }
    end_gap(limit, nullptr);
  }

  // The last two bytes of a sector with a bad fix-up are not what the record held.
  bool covers_lost_bytes(std::uint32_t begin, std::uint64_t end) const noexcept {
    const auto& bad = view_.record.fix_up().bad;
    if (bad.empty()) return false;
    for (std::size_t s = begin / ntfs::fix_up_stride; s * ntfs::fix_up_stride < end; ++s)
      if (bad.contains(s) && (s + 1) * ntfs::fix_up_stride > begin && (s + 1) * ntfs::fix_up_stride - 2 < end) return true;
    return false;
  }

  Sighting& begin_sighting(std::uint32_t begin, std::uint64_t end, Integrity integrity) {
    scratch_.clear();
    scratch_.source = SourceKind::record_slack;
    scratch_.integrity = integrity;
    scratch_.volume = view_.volume;
    scratch_.place = {StreamKind::mft, 0, view_.offset + begin, end - begin};
    scratch_.record_entry = view_.entry;
    scratch_.lsn = view_.record.header().lsn;
    return scratch_;
  }

  void own(Sighting& sighting) const {
    sighting.reference = identity_.reference;
    sighting.reference_known = identity_.known;
    sighting.base_is_elsewhere = identity_.base_is_elsewhere;
  }

  void emit_name(const Sighting& sighting) {
    ++names_;
    if (sighting.names.front().has_times) tally_.window.see(sighting.names.front().times.changed);
    sink_(sighting);
  }

  // An entry of this directory's index, found by its $FILE_NAME. On success `next` is where to go on.
  bool take_child(std::uint32_t at, std::uint32_t& next) {
    const auto candidate = ntfs::file_name_at(bytes_, at, slack_);
    if (!candidate) return false;
    const ntfs::FileName& name = candidate->file_name;
    const std::uint64_t end = at + name.stored_size();
    const bool parent_lost = candidate->parent_lost || !reference_possible(name.parent);
    // A parent that is this directory proves as much as a few points of score.
    const bool proven = !parent_lost && identity_.known && name.parent.entry() == identity_.reference.entry();
    if (candidate->score < ntfs::file_name_threshold - (proven ? 10 : 0) || covers_lost_bytes(at, end)) return false;

    FileReference reference;
    if (at >= slack_ + index_entry_header) reference = ntfs::reference_before_file_name(bytes_, *candidate).value_or(FileReference{});
    const bool reference_known = reference_possible(reference);
    const std::uint32_t begin = reference_known ? at - index_entry_header : std::max(at, end_);

    Sighting& sighting = begin_sighting(begin, end, parent_lost ? Integrity::partial : Integrity::carved);
    sighting.slack_role = SlackRole::directory_child;
    sighting.has_container = identity_.known;
    sighting.container = identity_.reference;
    sighting.reference = reference_known ? reference : FileReference{};
    sighting.reference_known = reference_known;
    if (reference_known) ++tally_.references_known;
    NameFact& fact = add_name(sighting, name);
    if (parent_lost) {
      fact.parent_known = false;
      fact.parent_inferred = identity_.known;
      fact.parent = identity_.known ? identity_.reference : FileReference{};
      ++tally_.parents_lost;
    }
    ++tally_.children;
    emit_name(sighting);
    next = aligned(end);
    return true;
  }

  void take_attribute(const Attribute& attribute) {
    if (covers_lost_bytes(attribute.offset, attribute.end())) return;
    if (attribute.type == ntfs::attribute_type::file_name) {
      if (const auto name = ntfs::decode_file_name(attribute.value); name && name_readable(name->name)) take_own_name(attribute, *name);
    } else if (attribute.type == ntfs::attribute_type::data && attribute.resident && attribute.name.empty() && former_value_ != 0) {
      add_fragment(attribute.value_offset, attribute.value_offset + static_cast<std::uint32_t>(attribute.value.size()), 0, false);
    }
  }

  struct Comparison {
    bool same = false;                // a live name with the same parent, times, name and name space
    bool name_or_birth = false;       // a live name that reads the same, or a live creation time that is the same
    std::uint64_t born = UINT64_MAX;  // earliest live creation time
  };

  Comparison compare_with_live(const ntfs::FileName& name) const {
    Comparison result;
    const auto see_birth = [&](FileTime created) {
      result.born = std::min(result.born, created.ticks);
      if (created == name.times.created) result.name_or_birth = true;
    };
    ntfs::AttributeWalk walk(view_.record);
    for (Attribute a; walk.next(a);) {
      if (a.torn || !a.resident) continue;
      if (a.type == ntfs::attribute_type::standard_information) {
        if (const auto information = ntfs::decode_standard_information(a.value)) see_birth(information->times.created);
      } else if (a.type == ntfs::attribute_type::file_name) {
        const auto live = ntfs::decode_file_name(a.value);
        if (!live) continue;
        see_birth(live->times.created);
        if (!std::ranges::equal(live->name.bytes(), name.name.bytes())) continue;
        result.name_or_birth = true;
        result.same = result.same || (live->name_space == name.name_space && live->parent == name.parent && live->times == name.times);
      }
    }
    return result;
  }

  void take_own_name(const Attribute& attribute, const ntfs::FileName& name) {
    const Comparison live = compare_with_live(name);
    if (live.same) return;
    const TimeSet& t = name.times;
    const std::uint64_t last = std::max({t.created.ticks, t.modified.ticks, t.changed.ticks, t.accessed.ticks});
    // Another file's only when it cannot be this one's: everything it states is from before this file's creation.
    const bool earlier = !live.name_or_birth && live.born != UINT64_MAX && last <= live.born;
    Sighting& sighting = begin_sighting(attribute.offset, attribute.end(), Integrity::carved);
    if (earlier) {
      sighting.slack_role = SlackRole::earlier_owner;
      ++tally_.earlier_owners;
    } else {
      own(sighting);
      ++tally_.own_names;
    }
    add_name(sighting, name);
    emit_name(sighting);
  }

  // A gap ends at `end`, with an attribute behind it or not.
  void end_gap(std::uint32_t end, const Attribute* next) {
    if (gap_ >= end) return;
    if (next != nullptr) {
      if (take_tail(end)) return;
      // In front of the unnamed $DATA or an earlier attribute lies something that is not the unnamed $DATA's value.
      if (next->type < ntfs::attribute_type::data || (next->type == ntfs::attribute_type::data && next->name.empty())) return;
    }
    if (former_value_ != 0 && !view_.record.header().directory()) add_content(gap_, end);
  }

  // A $FILE_NAME attribute whose front was overwritten when the attributes moved: its name still ends where the next attribute begins.
  bool take_tail(std::uint32_t end) {
    const std::uint32_t from = std::max<std::uint32_t>(gap_, end > 520 ? aligned(end - 520) : 0);
    for (std::uint32_t at = from; at + 8 <= end; at += 8) {
      const std::size_t units = std::to_integer<std::size_t>(bytes_[at]);
      const auto name_space = std::to_integer<unsigned>(bytes_[at + 1]);
      if (units < shortest_tail || name_space > 3 || aligned(at + 2 + 2 * units) != end) continue;
      const ntfs::Units name(bytes_.subspan(at + 2, 2 * units));
      if (!name_readable(name) || !one_script(name) || covers_lost_bytes(at, end)) continue;
      emit_tail(at, end, name, static_cast<NameSpace>(name_space));
      return true;
    }
    return false;
  }

  // `at`: of the length byte. The fields in front that lie in this gap survived too.
  void emit_tail(std::uint32_t at, std::uint32_t end, ntfs::Units name, NameSpace name_space) {
    const bool times = at >= name_length_in_name && at - name_length_in_name + 8 >= gap_;
    const bool parent = times && at - name_length_in_name >= gap_;
    std::optional<ntfs::FileName> whole;
    if (times) whole = ntfs::decode_file_name(bytes_.subspan(at - name_length_in_name, end - (at - name_length_in_name)));
    if (!whole && name_is_live(name, name_space)) return;
    if (whole && compare_with_live(*whole).same) return;
    const std::uint32_t begin = parent ? at - name_length_in_name : times ? at - name_length_in_name + 8 : at;
    Sighting& sighting = begin_sighting(begin, at + 2 + name.bytes().size(), Integrity::partial);
    own(sighting);
    if (whole) {
      add_name(sighting, *whole);
    } else {
      NameFact& fact = sighting.names.emplace_back();
      fact.text = add_text(sighting, name);
      fact.length = static_cast<std::uint16_t>(name.size());
      fact.name_space = name_space;
    }
    if (!parent || !reference_possible(sighting.names.front().parent)) {
      sighting.names.front().parent_known = false;
      sighting.names.front().parent = {};
    }
    ++tally_.own_name_tails;
    emit_name(sighting);
  }

  bool name_is_live(ntfs::Units name, NameSpace name_space) const {
    ntfs::AttributeWalk walk(view_.record);
    for (Attribute a; walk.next(a);) {
      if (a.torn || !a.resident || a.type != ntfs::attribute_type::file_name) continue;
      const auto live = ntfs::decode_file_name(a.value);
      if (live && live->name_space == name_space && std::ranges::equal(live->name.bytes(), name.bytes())) return true;
    }
    return false;
  }

  void add_content(std::uint32_t begin, std::uint32_t end) {
    while (begin < end && bytes_[begin] == std::byte{0}) ++begin;
    while (begin < end && bytes_[end - 1] == std::byte{0}) --end;
    if (begin >= end || covers_lost_bytes(begin, end)) return;
    const std::uint32_t file_offset = begin - former_value_;
    if (content_shape(bytes_.subspan(begin, end - begin), file_offset % 2 != 0) == ContentShape::none) return;
    add_fragment(begin, end, file_offset, true);
  }

  void add_fragment(std::uint32_t begin, std::uint32_t end, std::uint64_t file_offset, bool inferred) {
    if (begin >= end || fragment_count_ == fragments_.size()) return;
    if (all_zero(bytes_.subspan(begin, end - begin))) return;
    fragments_[fragment_count_++] = {{StreamKind::mft, 0, view_.offset + begin, end - begin}, file_offset, inferred};
  }

  void emit_content() {
    if (fragment_count_ == 0) return;
    const Place& first = fragments_[0].place;
    const Place& last = fragments_[fragment_count_ - 1].place;
    Sighting& sighting = begin_sighting(static_cast<std::uint32_t>(first.offset - view_.offset), last.offset + last.length - view_.offset,
                                        Integrity::partial);
    own(sighting);
    sighting.slack_role = SlackRole::own_content;
    for (std::size_t i = 0; i < fragment_count_; ++i) {
      sighting.fragments.push_back(fragments_[i]);
      tally_.content_bytes += fragments_[i].place.length;
    }
    ++tally_.own_content;
    sink_(sighting);
  }

  const RecordView& view_;
  const ByteView bytes_;
  Sighting& scratch_;
  const SightingSink& sink_;
  SlackTally& tally_;
  RecordIdentity identity_;
  std::uint32_t former_value_ = 0;  // where the unnamed $DATA's resident value began; 0: it is not non-resident in this record
  std::uint32_t end_ = 0;           // the end marker
  std::uint32_t slack_ = 0;         // behind it
  std::uint32_t gap_ = 0;           // begin of the bytes not recognised so far
  std::uint64_t names_ = 0;
  std::array<FragmentFact, 16> fragments_{};
  std::size_t fragment_count_ = 0;
};

}  // namespace

void carve_record_slack(const RecordView& view, Sighting& scratch, const SightingSink& sink, SlackTally& tally) {
  SlackCarver(view, scratch, sink, tally).run();
}

}  // namespace trimcarve::carvers
