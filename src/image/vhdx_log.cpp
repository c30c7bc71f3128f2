#include "image/vhdx_log.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "image/crc.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

constexpr std::uint64_t sector = Patches::sector, mib = std::uint64_t{1} << 20;

struct EntryHeader {                  // 2.3.1.1
  std::array<char, 4> signature;      // 0   "loge"
  Little<std::uint32_t> checksum;     // 4   CRC-32C over the whole entry with this field zero
  Little<std::uint32_t> length;       // 8   of the whole entry
  Little<std::uint32_t> tail;         // 12  offset in the log of the first entry of its sequence
  Little<std::uint64_t> sequence;     // 16
  Little<std::uint32_t> descriptors;  // 24
  Little<std::uint32_t> reserved;     // 28
  std::array<std::byte, 16> log;      // 32
  Little<std::uint64_t> flushed;      // 48
  Little<std::uint64_t> last;         // 56
};
static_assert(sizeof(EntryHeader) == 64);

struct Descriptor {                   // 2.3.1.2, 2.3.1.3
  std::array<char, 4> signature;      // 0   "zero" or "desc"
  std::array<std::byte, 4> trailing;  // 4   of "desc": the sector's last bytes
  std::array<std::byte, 8> leading;   // 8   of "desc": the sector's first bytes; of "zero": how many bytes
  Little<std::uint64_t> offset;       // 16  in the file
  Little<std::uint64_t> sequence;     // 24
};
static_assert(sizeof(Descriptor) == 32);

struct Entry {
  std::uint64_t at = 0;  // offset in the log
  EntryHeader header{};
};

bool has(const std::array<char, 4>& signature, std::string_view text) { return std::string_view(signature.data(), 4) == text; }

class Ring {
 public:
  Ring(const ByteSource& file, const LogPlace& place) : file_(file), place_(place), work_left_(16 * place.length) {}

  // The offset in the file of an offset in the ring, which may lie past its end once.
  std::uint64_t in_file(std::uint64_t at) const { return place_.offset + at % place_.length; }

  // Sectors are never split by the end of the ring: its length is a whole number of them.
  bool read(std::uint64_t at, std::span<std::byte> out) const {
    const bool done = file_.read_at(in_file(at), out).has_value();
    unreadable_ = unreadable_ || !done;
    return done;
  }
  bool unreadable() const noexcept { return unreadable_; }
  // More entries overlap than any writer leaves: not all were looked at.
  bool exhausted() const noexcept { return exhausted_; }

  // The entry at an offset of the ring, whole and with a good checksum.
  std::optional<Entry> entry(std::uint64_t at) {
    std::array<std::byte, sector> bytes;
    if (!read(at, std::span(bytes).first(sizeof(EntryHeader)))) return std::nullopt;
    Entry entry{at, load<EntryHeader>(bytes)};
    const EntryHeader& h = entry.header;
    if (!has(h.signature, "loge") || h.log != place_.id || h.sequence == 0 || h.length == 0 || h.length % sector != 0 ||
        h.length > place_.length || h.tail % sector != 0 || h.tail >= place_.length || descriptor_sectors(h) * sector > h.length)
      return std::nullopt;
    if (h.length > work_left_) {
      exhausted_ = true;
      return std::nullopt;
    }
    work_left_ -= h.length;
    if (!read(at, bytes)) return std::nullopt;
    std::memset(bytes.data() + 4, 0, 4);
    std::uint32_t crc = crc32c(bytes);
    for (std::uint64_t done = sector; done < h.length; done += sector) {
      if (!read(at + done, bytes)) return std::nullopt;
      crc = crc32c(bytes, crc);
    }
    if (crc != h.checksum || !visit(entry, [](const Descriptor&, std::uint64_t) {})) return std::nullopt;
    return entry;
  }

  // Calls take(descriptor, where in the file its data sector stands) for all descriptors of an entry. False when one is not what it must
  // be: then the entry is none.
  template <class Take>
  bool visit(const Entry& entry, Take take) const {
    const EntryHeader& h = entry.header;
    std::uint64_t data = descriptor_sectors(h);  // the next data sector, counted from the entry's beginning
    std::array<std::byte, sector> bytes, body;
    for (std::uint64_t i = 0; i < h.descriptors; ++i) {
      const std::uint64_t place = sizeof(EntryHeader) + i * sizeof(Descriptor);
      if ((i == 0 || place % sector == 0) && !read(entry.at + place / sector * sector, bytes)) return false;
      const auto d = load<Descriptor>(bytes, place % sector);
      if (d.sequence != h.sequence || d.offset % sector != 0 || d.offset > most) return false;
      if (has(d.signature, "zero")) {
        const auto length = le<std::uint64_t>(d.leading, 0);
        if (length % sector != 0 || length > most) return false;
        take(d, 0);
      } else if (has(d.signature, "desc")) {
        const std::uint64_t at = entry.at + data * sector;
        if (data >= h.length / sector || !read(at, body)) return false;
        ++data;
        // The sequence number stands in two halves at both ends of the sector: a torn write shows.
        const std::uint64_t sequence = std::uint64_t{le<std::uint32_t>(body, 4)} << 32 | le<std::uint32_t>(body, sector - 4);
        if (std::memcmp(body.data(), "data", 4) != 0 || sequence != h.sequence) return false;
        take(d, in_file(at));
      } else {
        return false;
      }
    }
    return true;
  }

 private:
  static constexpr std::uint64_t most = std::uint64_t{1} << 60;  // no file is so large; sums cannot wrap

  static std::uint64_t descriptor_sectors(const EntryHeader& h) {
    return (sizeof(EntryHeader) + std::uint64_t{h.descriptors} * sizeof(Descriptor) + sector - 1) / sector;
  }

  const ByteSource& file_;
  const LogPlace& place_;
  std::uint64_t work_left_;
  bool exhausted_ = false;
  mutable bool unreadable_ = false;
};

// Of the entries by their place, those from the head's tail to the head, when they follow one another without a gap.
std::optional<std::vector<const Entry*>> sequence_of(const std::vector<Entry>& entries, const Entry& head, std::uint64_t ring,
                                                     std::uint64_t& steps_left) {
  std::vector<const Entry*> sequence;
  std::uint64_t at = head.header.tail;
  while (steps_left-- > 0) {
    const auto found = std::ranges::lower_bound(entries, at, {}, &Entry::at);
    if (found == entries.end() || found->at != at) return std::nullopt;
    if (!sequence.empty() && found->header.sequence != sequence.back()->header.sequence + 1) return std::nullopt;
    sequence.push_back(&*found);
    if (&*found == &head) return sequence;
    at = (at + found->header.length) % ring;
  }
  steps_left = 0;
  return std::nullopt;
}

}  // namespace

Result<PendingLog> read_vhdx_log(const ByteSource& file, const LogPlace& place) {
  if (place.version != 0) return fail("its log is pending, and of a version that is not known");
  if (place.length == 0 || place.length % mib != 0 || place.offset < mib || place.offset % mib != 0)
    return fail("its log is pending, and the header's place of it is impossible");
  if (!fits(file.size(), place.offset, place.length)) return fail("its log is pending, and lies beyond the end of the file");

  Ring ring(file, place);
  std::vector<Entry> entries;
  for (std::uint64_t at = 0; at < place.length;) {
    const auto entry = ring.entry(at);
    if (entry) entries.push_back(*entry);
    at += entry ? std::uint64_t{entry->header.length} : sector;  // no entry begins inside a whole one
  }
  if (ring.exhausted()) return fail("its log is pending, and its entries overlap as no writer leaves them");
  std::vector<const Entry*> heads;
  heads.reserve(entries.size());
  for (const Entry& e : entries) heads.push_back(&e);
  std::ranges::sort(heads, std::ranges::greater(), [](const Entry* e) { return e->header.sequence.value(); });
  std::uint64_t steps_left = 16 * entries.size() + 16;
  for (const Entry* head : heads) {
    const auto sequence = sequence_of(entries, *head, place.length, steps_left);
    if (!sequence) continue;
    PendingLog log;
    log.flushed = head->header.flushed;
    log.unreadable = ring.unreadable();
    for (const Entry* entry : *sequence) {
      ++log.entries;
      ring.visit(*entry, [&](const Descriptor& d, std::uint64_t body) {
        Patch patch{.end = d.offset + sector, .zero = has(d.signature, "zero")};
        if (patch.zero) {
          patch.end = d.offset + le<std::uint64_t>(d.leading, 0);
        } else {
          patch.body = body + 8;
          patch.leading = d.leading;
          patch.trailing = d.trailing;
        }
        if (patch.end == d.offset) return;
        log.sectors += (patch.end - d.offset) / sector;
        log.patches.add(d.offset, patch);
      });
    }
    return log;
  }
  return fail("its log is pending, and no whole sequence of entries is left in it");
}

}  // namespace trimcarve::image
