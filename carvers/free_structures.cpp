// The structures of NTFS that free_space finds, decoded: a FILE record, an INDX block, a record of the change journal.
#include <algorithm>
#include <vector>

#include "carvers/facts.hpp"
#include "carvers/free_space.hpp"
#include "carvers/index.hpp"
#include "carvers/mft.hpp"
#include "carvers/record_slack.hpp"
#include "carvers/usn_facts.hpp"
#include "carvers/usn_journal.hpp"
#include "ntfs/file_record.hpp"
#include "ntfs/index.hpp"

namespace trimcarve::carvers {

namespace {

constexpr std::size_t longest_usn_record = 76 + 510 + 8;
constexpr std::size_t allocated_size_at = 28;  // in a FILE record, and the node's allocated size in an INDX block

// What stands in the source, without what lies behind its end. False when a part of it cannot be read.
bool read(const ByteSource& source, std::uint64_t offset, std::size_t length, std::vector<std::byte>& out) {
  if (offset >= source.size()) return false;
  out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(length, source.size() - offset)));
  return source.read_at(offset, out).has_value();
}

Integrity carved(Integrity integrity) { return integrity == Integrity::good ? Integrity::carved : integrity; }

// As it is told from a stream of a known structure: said of the volume's own bytes instead.
void move_to_volume(Sighting& sighting) {
  sighting.source = SourceKind::free_space;
  sighting.integrity = carved(sighting.integrity);
  sighting.place.stream = StreamKind::volume;
  sighting.place.owner = 0;
  for (StreamFact& stream : sighting.streams)
    if (stream.resident) stream.content.stream = StreamKind::volume, stream.content.owner = 0;
  for (FragmentFact& fragment : sighting.fragments) fragment.place.stream = StreamKind::volume, fragment.place.owner = 0;
}

bool names_possible(const Sighting& sighting) {
  return std::ranges::all_of(sighting.names, [](const NameFact& name) { return !name.parent_known || reference_possible(name.parent); });
}

}  // namespace

bool carve_free_record(const ByteSource& source, std::uint64_t offset, const FreeSpaceOptions& options, const SightingSink& sink) {
  std::vector<std::byte> bytes;
  if (!read(source, offset, allocated_size_at + 4, bytes) || bytes.size() < allocated_size_at + 4) return false;
  const std::uint32_t size = usable_size(le<std::uint32_t>(bytes, allocated_size_at), options.record_size);
  if (!read(source, offset, size, bytes) || bytes.size() != size) return false;
  if (ntfs::record_signature(bytes) != ntfs::RecordSignature::file) return false;
  const ntfs::FixUp fix = ntfs::apply_fix_up(bytes);
  RecordView view;
  if (fix.array != ntfs::FixUpArray::expected || fix.bad.contains(0) || !ntfs::FileRecord::decode(bytes, fix, view.record)) return false;
  const ntfs::RecordHeader& header = view.record.header();
  if (!view.record.used_sane()) return false;
  view.volume = options.volume;
  view.entry = header.number;
  view.offset = offset;
  view.volume_clusters = options.volume_clusters;
  Sighting scratch, out;
  MftTally mft;
  bool taken = false;
  carve_mft_record(
      view, scratch,
      [&](const Sighting& sighting) {
        // A record states at least what it is called, when it was made, or what it holds.
        if (!names_possible(sighting) || (sighting.names.empty() && !sighting.has_standard_information && sighting.streams.empty())) return;
        out = sighting;
        taken = true;
      },
      mft);
  if (!taken) return false;
  move_to_volume(out);
  if (!header.has_number) {  // NTFS before 3.1: whose record it is, its place told
    out.reference_known = false;
    out.has_record = false;
    out.reference = {};
  }
  sink(out);
  if (!header.has_number) return true;
  const SightingSink moved = [&](const Sighting& sighting) {
    if (!names_possible(sighting)) return;
    out = sighting;
    move_to_volume(out);
    sink(out);
  };
  SlackTally slack;
  carve_record_slack(view, scratch, moved, slack);
  IndexTally roots;
  carve_index_root(view, scratch, moved, roots);
  return true;
}

bool carve_free_index(const ByteSource& source, std::uint64_t offset, const FreeSpaceOptions& options, const SightingSink& sink) {
  constexpr std::uint32_t node_at = 24;
  std::vector<std::byte> bytes;
  if (!read(source, offset, 40, bytes) || bytes.size() < 40 || !ntfs::has_index_signature(bytes)) return false;
  const std::uint32_t size = usable_size(le<std::uint32_t>(bytes, allocated_size_at + 4) + node_at, options.index_block_size);
  if (!read(source, offset, size, bytes) || bytes.size() != size) return false;
  const ntfs::FixUp fix = ntfs::apply_fix_up(bytes);
  if (fix.array != ntfs::FixUpArray::expected || fix.bad.contains(0)) return false;
  const auto block = ntfs::decode_index_block(bytes);
  if (!block || !block->node.sane) return false;
  // Other indexes' entries have other keys ($Secure, $ObjId, $Reparse, $Quota): of a directory's, all that are live have one parent.
  FileReference directory;
  std::size_t names = 0;
  ntfs::IndexWalk walk(bytes, block->node);
  for (ntfs::IndexEntry entry; walk.next(entry);) {
    const auto name = ntfs::decode_file_name(entry.key);
    if (!name || name->stored_size() != entry.key.size() || !reference_possible(name->parent) || !reference_possible(entry.reference))
      return false;
    if (names++ == 0) directory = name->parent;
    if (name->parent != directory) return false;
  }
  IndexOptions index;
  index.volume = options.volume;
  index.block_size = size;
  if (names != 0) index.directory = directory;
  const SourcePtr whole = make_view(SourcePtr(SourcePtr(), &source), offset, size);
  Sighting out;
  carve_index_allocation(*whole, index, [&](const Sighting& sighting) {
    if (!names_possible(sighting)) return;
    out = sighting;
    out.place.offset += offset;
    const bool live = sighting.source == SourceKind::index;
    move_to_volume(out);
    if (!live) out.slack_role = SlackRole::directory_child;
    sink(out);
  });
  return true;
}

bool carve_free_usn(const ByteSource& source, std::uint64_t offset, const FreeSpaceOptions& options, const SightingSink& sink) {
  std::vector<std::byte> bytes;
  if (!read(source, offset, longest_usn_record, bytes)) return false;
  const auto record = ntfs::decode_usn_record(bytes);
  if (!record) return false;
  Sighting out;
  if (record->version == 4) {
    // Neither name nor time: a neighbour of the same piece gives them.
    UsnOptions journal;
    journal.volume = options.volume;
    journal.in_pieces = true;
    bool taken = false;
    carve_usn_at(source, offset, journal, [&](const Sighting& sighting) {
      out = sighting;
      move_to_volume(out);
      taken = true;
      sink(out);
    });
    return taken;
  }
  state_usn_record(*record, {StreamKind::volume, 0, offset, record->length}, options.volume, out);
  out.source = SourceKind::free_space;
  out.integrity = Integrity::carved;
  sink(out);
  return true;
}

void carve_free_at(const ByteSource& source, std::uint64_t offset, const FreeSpaceOptions& options, const SightingSink& sink) {
  constexpr std::uint64_t sector = 512;
  const SightingSink here = [&](const Sighting& sighting) {
    if (sighting.place.offset == offset) sink(sighting);
  };
  if (offset % 8 == 0 && carve_free_usn(source, offset, options, here)) return;
  const std::uint64_t reach = std::max<std::uint64_t>({options.record_size, options.index_block_size, 4096});
  const std::uint64_t last = offset - offset % sector;
  std::vector<std::byte> signature;
  for (std::uint64_t at = last;; at -= sector) {
    if (read(source, at, 4, signature)) {
      if (ntfs::record_signature(signature) == ntfs::RecordSignature::file && carve_free_record(source, at, options, here)) return;
      if (ntfs::has_index_signature(signature) && carve_free_index(source, at, options, here)) return;
    }
    if (at < sector || last - at + sector >= reach) return;
  }
}

}  // namespace trimcarve::carvers
